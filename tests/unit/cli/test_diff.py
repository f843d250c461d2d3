# SPDX-License-Identifier: Apache-2.0
"""`fluxsm diff` compares what two files stand for, and answers with its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluxsm.cli import distribution, root

INSTANCE = """
apiVersion: fluxcd.controlplane.io/v1
kind: FluxInstance
metadata: {name: flux}
spec: {distribution: {version: 2.8.x, registry: ghcr.io/fluxcd}}
"""
STREAM = """
kind: Service
metadata: {name: a}
spec: {port: 1, gone: true}
---
kind: Service
metadata: {name: b}
"""


@pytest.fixture(autouse=True)
def _starter_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "_IMAGE_DATA", Path("/nowhere"))


def diff(tmp_path: Path, old: str, new: str, *args: str) -> Result:
    """Compare two texts."""
    paths = [tmp_path / "old.yaml", tmp_path / "new.yaml"]
    for path, text in zip(paths, (old, new), strict=True):
        path.write_text(text)
    return CliRunner().invoke(root, ["diff", *map(str, paths), *args])


def test_nothing_is_different(tmp_path: Path) -> None:
    """The exit code is 0, and nothing is printed but a message."""
    done = diff(tmp_path, STREAM, STREAM)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "• nothing is different\n"


def test_fields_and_objects_that_differ(tmp_path: Path) -> None:
    """Each has a mark; the exit code is 1."""
    new = STREAM.replace("{port: 1, gone: true}", "{port: 2, come: [x]}").replace(
        "name: b", "name: c"
    )
    done = diff(tmp_path, STREAM, new)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "~ Service/a",
        "    ~ .spec.port: 1 -> 2",
        "    - .spec.gone: true",
        '    + .spec.come: ["x"]',
        "- Service/b",
        "+ Service/c",
    ]
    assert done.stderr == "• objects: 1 added, 1 removed, 1 changed\n"


def test_instances_are_built(tmp_path: Path) -> None:
    """What differs are the objects of the builds."""
    new = INSTANCE.replace("fluxcd}", "fluxcd}, storage: {class: fast, size: 1Gi}")
    done = diff(tmp_path, INSTANCE, new)
    assert done.exit_code == 1
    assert "+ PersistentVolumeClaim/flux-system/source-controller" in done.stdout
    assert "~ Deployment/flux-system/source-controller" in done.stdout
    assert 'volumes[persistent-data]: {"name": "persistent-data"' in done.stdout


@pytest.mark.parametrize("output", ["yaml", "json"])
def test_an_instance_and_its_own_output(tmp_path: Path, output: str) -> None:
    """The two forms may be mixed, and one may be standard input."""
    path = tmp_path / "flux.yaml"
    path.write_text(INSTANCE)
    runner = CliRunner()
    built = runner.invoke(root, ["build", "-f", str(path), "-o", output]).stdout
    done = runner.invoke(root, ["diff", str(path), "-"], input=built)
    assert (done.exit_code, done.stdout) == (0, "")


def test_color_on_demand(tmp_path: Path) -> None:
    """Without a terminal there is none unless it is asked for."""
    new = STREAM.replace("port: 1", "port: 2")
    assert "\x1b[" not in diff(tmp_path, STREAM, new).stdout
    assert "\x1b[33m~ Service/a\x1b[0m" in diff(tmp_path, STREAM, new, "--color=always").stdout


def test_long_values_are_cut(tmp_path: Path) -> None:
    """One line for each field."""
    done = diff(tmp_path, STREAM, STREAM.replace("port: 1", f"port: {'x' * 500}"))
    line = next(line for line in done.stdout.splitlines() if "port" in line)
    assert len(line) < 200
    assert line.endswith("…")


@pytest.mark.parametrize(
    ("new", "message"),
    [
        pytest.param("a: [", "is not valid YAML", id="no YAML"),
        pytest.param("[1]", "document 1 is not an object", id="no object"),
        pytest.param("kind: Service", "document 1 is not an object", id="no name"),
        pytest.param(f"{STREAM}---{STREAM}", "Service/a is there more than once", id="twice"),
        pytest.param(INSTANCE.partition("spec")[0], ".spec is required", id="no spec"),
        pytest.param(
            INSTANCE.replace("2.8.x", "1.x"), "no version in", id="an instance that is not built"
        ),
    ],
)
def test_errors_end_with_2(tmp_path: Path, new: str, message: str) -> None:
    """So that a script can tell them from a difference."""
    done = diff(tmp_path, STREAM, new)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("✗ ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("args", [["a"], ["-", "-"], ["/nowhere", "/nowhere"]])
def test_bad_arguments_end_with_2(args: list[str]) -> None:
    """Likewise."""
    done = CliRunner().invoke(root, ["diff", *args])
    assert done.exit_code == 2
    assert done.stderr.startswith("✗ ")
