# SPDX-License-Identifier: Apache-2.0
"""`fluxsm install -f` builds the instance first, as far as the distribution is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluxsm.adapters.folder import starter_folder
from fluxsm.cli import root, target
from tests.unit.cli.wrong_files import STARTER, pod, spec

UNION = pod("volumes: [{name: temp, hostPath: {path: /x}}]")
ARTIFACT = (
    "distribution: {version: 2.8.x, registry: ghcr.io/fluxcd, artifact: 'oci://127.0.0.1:1/x'}"
)
UNREACHED = "what is built from it was not checked, because the distribution is not at hand: "


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("a cluster is asked")

    monkeypatch.setattr(target.Target, "connect", connect)


def install(tmp_path: Path, text: str, *options: str) -> Result:
    """Run the command on a file."""
    path = tmp_path / "flux.yaml"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(root, ["install", "-f", str(path), *options])


@pytest.mark.parametrize("options", [[], ["--export"], ["--dry-run"]])
def test_the_effect_of_a_patch_is_judged_before_anything_is_applied(
    tmp_path: Path, options: list[str]
) -> None:
    """The cluster is not even asked."""
    done = install(tmp_path, UNION, *options)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "volumes[temp] has emptyDir and hostPath" in done.stderr


def test_the_advice_of_the_build_is_printed(tmp_path: Path) -> None:
    """Once each, and only the manifests go to standard output."""
    done = install(tmp_path, pod("containers: [{name: manager, args: [--a]}]"), "--export")
    assert done.exit_code == 0
    assert done.stderr.count("replaces args of the container manager as a whole") == 1
    assert done.stderr.endswith(STARTER)
    assert done.stderr.count("\n") == 2


def test_an_artifact_that_is_out_of_reach_is_said_in_one_line(tmp_path: Path) -> None:
    """And what the file alone says is checked all the same."""
    done = install(tmp_path, spec(place=ARTIFACT), "--export")
    assert done.exit_code == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("• ")
    assert UNREACHED in line
    assert "127.0.0.1:1" in line
    done = install(tmp_path, spec("cluster: {domain: a b}", ARTIFACT), "--export")
    assert done.exit_code == 1
    assert ".spec.cluster.domain: 'a b' is not a DNS name" in done.stderr


def test_a_distribution_that_is_named_replaces_the_artifact(tmp_path: Path) -> None:
    """And one that is named must be there."""
    place = f"--distribution={starter_folder()}"
    done = install(tmp_path, spec(place=ARTIFACT), "--export", place)
    assert (done.exit_code, done.stderr) == (0, STARTER)
    done = install(tmp_path, spec(place=ARTIFACT), "--export", f"--distribution={tmp_path}")
    assert done.exit_code == 1
    assert "does not exist" in done.stderr


def test_a_version_that_only_the_image_may_have_is_advice(tmp_path: Path) -> None:
    """Unless the distribution was named, which then is the one that counts."""
    text = spec(place="distribution: {version: 3.x, registry: x/y}")
    done = install(tmp_path, text, "--export")
    assert done.exit_code == 0
    assert UNREACHED in done.stderr
    assert "has no version in 3.x" in done.stderr
    done = install(tmp_path, text, "--export", f"--distribution={starter_folder()}")
    assert (done.exit_code, ".spec.distribution.version '3.x'" in done.stderr) == (1, True)


def test_targets_see_the_namespace_of_the_operator(tmp_path: Path) -> None:
    """It is there that the instance goes, whatever its file says."""
    text = (
        spec().replace("\nspec: {", "\nspec: {kustomize: {patches: [{target: {kind: Deployment,"
                       " namespace: tools}, patch: '[]'}]}, ")
    )  # fmt: skip
    done = install(tmp_path, text, "--export", "--namespace=tools")
    assert (done.exit_code, done.stderr) == (0, STARTER)
    done = install(tmp_path, text, "--export")
    assert ".spec.kustomize.patches[0].target" in done.stderr
