# SPDX-License-Identifier: Apache-2.0
"""`fluxsm install` looks its image up before it asks a cluster for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluxsm.adapters.registry import protocol
from fluxsm.cli import root, target
from fluxsm.cli.operator_image import spelled_out
from tests.registry.faulty import Answer, FaultyRegistry

DIGEST = {"Docker-Content-Digest": f"sha256:{'1' * 64}"}


class ReachedError(Exception):
    """The cluster was asked."""


@pytest.fixture
def faulty() -> Iterator[FaultyRegistry]:
    """A registry whose answers the test sets."""
    with FaultyRegistry() as found:
        yield found


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def connect(*_: object) -> None:
        raise ReachedError

    monkeypatch.setattr(target.Target, "connect", connect)
    monkeypatch.setattr(protocol, "FIRST_DELAY", 0.0)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def install(*args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(root, ["install", *args])


def image(faulty: FaultyRegistry, status: int) -> str:
    """The flag of an image for which the registry has an answer."""
    for method in ("HEAD", "GET"):
        answer = Answer(status=status, headers=DIGEST if status == 200 else {})
        faulty.on(method, "/v2/fluxsm/manifests/v1", answer)
    return f"--image={faulty.host}/fluxsm:v1"


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_an_image_has_to_be_named(more: list[str]) -> None:
    """None of this version is published; one line says what to do."""
    done = install(*more)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("✗ --image is required")


def test_an_image_that_is_there_is_fine(faulty: FaultyRegistry) -> None:
    """Nothing is said about it."""
    done = install(image(faulty, 200))
    assert isinstance(done.exception, ReachedError)
    assert done.stderr == ""
    assert [item.method for item in faulty.seen] == ["HEAD"]


def test_an_image_that_is_not_there_is_refused(faulty: FaultyRegistry) -> None:
    """Unless the nodes are said to have it."""
    flag = image(faulty, 404)
    done = install(flag)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert "is not in its registry, so nothing was changed" in line
    assert "--skip-image-check" in line
    assert "oci://" not in line
    done = install(flag, "--skip-image-check")
    assert isinstance(done.exception, ReachedError)
    assert done.stderr == ""


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_registry_that_does_not_answer_is_advice(faulty: FaultyRegistry, status: int) -> None:
    """The nodes may have a login that this machine has not."""
    done = install(image(faulty, status))
    assert isinstance(done.exception, ReachedError)
    (line,) = done.stderr.splitlines()
    assert line.startswith("• the image ")
    assert "was not looked up" in line


def test_a_registry_out_of_reach_is_advice() -> None:
    """Likewise."""
    done = install("--image=127.0.0.1:1/fluxsm:v1")
    assert isinstance(done.exception, ReachedError)
    (line,) = done.stderr.splitlines()
    assert "was not looked up: 127.0.0.1:1 cannot be reached" in line


@pytest.mark.parametrize(
    ("image", "complete"),
    [
        ("fluxsm:v1", "docker.io/library/fluxsm:v1"),
        ("team/fluxsm", "docker.io/team/fluxsm"),
        ("localhost/fluxsm:v1", "localhost/fluxsm:v1"),
        ("registry:5000/fluxsm", "registry:5000/fluxsm"),
        ("ghcr.io/team/fluxsm:v1", "ghcr.io/team/fluxsm:v1"),
    ],
)
def test_a_short_name_is_one_of_docker_hub(image: str, complete: str) -> None:
    """As the nodes complete it."""
    assert spelled_out(image) == complete
