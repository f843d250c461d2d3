# SPDX-License-Identifier: Apache-2.0
"""The command line uses the logins of whoever calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fluxsm.adapters.registry import local
from fluxsm.adapters.registry.docker_config import Login
from fluxsm.errors import ArtifactError


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a credential helper `test` on the path; it does not exist yet."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "docker-credential-test"


def write(path: Path, script: str) -> None:
    """Write a program."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_configuration_is_where_docker_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In DOCKER_CONFIG, or in the home folder; none is fine."""
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local.docker_config() is None
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"credsStore": "home"}))
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "own"}))
    found = local.docker_config()
    assert found is not None
    assert found.store == "home"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    found = local.docker_config()
    assert found is not None
    assert found.store == "own"


def test_a_helper_is_asked_for_the_registry(helper: Path) -> None:
    """On its standard input."""
    write(helper, 'read name; printf \'{"Username": "%s", "Secret": "s"}\' "$name"')
    assert local.run_helper("test", "ghcr.io") == Login(username="ghcr.io", password="s")


def test_a_helper_may_have_an_identity_token(helper: Path) -> None:
    """By the user name that says so."""
    write(helper, 'echo \'{"Username": "<token>", "Secret": "s"}\'')
    assert local.run_helper("test", "ghcr.io") == Login(identity_token="s")


def test_a_helper_may_know_nothing(helper: Path) -> None:
    """Then the request is anonymous."""
    write(helper, "echo 'credentials not found in native keychain'; exit 1")
    assert local.run_helper("test", "ghcr.io") is None


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("echo hunter2; exit 3", "exit code 3", id="fails"),
        pytest.param("echo hunter2", "did not answer with a login", id="says something else"),
        pytest.param("", "did not answer with a login", id="says nothing"),
    ],
)
def test_a_helper_that_fails_is_named(helper: Path, script: str, expected: str) -> None:
    """What it printed is not repeated."""
    write(helper, script)
    with pytest.raises(ArtifactError, match=expected) as caught:
        local.run_helper("test", "ghcr.io")
    assert "docker-credential-test" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_helper_that_hangs_is_given_up(helper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while."""
    monkeypatch.setattr(local, "HELPER_SECONDS", 0.05)
    write(helper, "exec tail -f /dev/null")
    with pytest.raises(ArtifactError, match="did not answer within"):
        local.run_helper("test", "ghcr.io")


def test_a_helper_that_is_missing_is_named(helper: Path) -> None:
    """So that it can be installed."""
    assert not helper.exists()
    with pytest.raises(ArtifactError, match=r"docker-credential-test.*cannot be run"):
        local.run_helper("test", "ghcr.io")


@pytest.mark.parametrize("name", ["../evil", "a b", "", "-x"])
def test_a_helper_is_a_plain_name(name: str) -> None:
    """Not a path."""
    with pytest.raises(ArtifactError, match="is no credential helper"):
        local.run_helper(name, "ghcr.io")
