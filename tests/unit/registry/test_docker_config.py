# SPDX-License-Identifier: Apache-2.0
"""A login is given out for the registry that it was written for, and shown to nobody."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from fluxsm.adapters.registry.docker_config import DockerConfig, Login
from fluxsm.errors import ArtifactError

PASSWORD = "hunter2-the-password"


def entry(name: str) -> dict[str, str]:
    """An entry whose user name tells which one it is."""
    return {"username": name, "password": PASSWORD}


def encoded(text: str) -> str:
    """Base64 of a text."""
    return base64.b64encode(text.encode()).decode()


def secret(document: Any, key: str = ".dockerconfigjson") -> dict[str, Any]:
    """A Secret with a Docker configuration."""
    return {
        "metadata": {"namespace": "ns", "name": "regcred"},
        "data": {key: encoded(document if isinstance(document, str) else json.dumps(document))},
    }


@pytest.mark.parametrize(
    ("key", "host", "repository", "found"),
    [
        pytest.param("ghcr.io", "ghcr.io", "org/app", True, id="host"),
        pytest.param("https://ghcr.io", "ghcr.io", "org/app", True, id="with scheme"),
        pytest.param("https://ghcr.io/v2/", "ghcr.io", "org/app", True, id="with API version"),
        pytest.param("GHCR.io", "ghcr.io", "org/app", True, id="case"),
        pytest.param("ghcr.io/org", "ghcr.io", "org/app", True, id="path"),
        pytest.param("ghcr.io/org/app", "ghcr.io", "org/app", True, id="whole path"),
        pytest.param("ghcr.io/or", "ghcr.io", "org/app", False, id="part of a path segment"),
        pytest.param("ghcr.io/other", "ghcr.io", "org/app", False, id="other path"),
        pytest.param("ghcr.io", "evil-ghcr.io", "org/app", False, id="longer host"),
        pytest.param("ghcr.io", "ghcr.io.evil.test", "org/app", False, id="host as prefix"),
        pytest.param("ghcr.io", "ghcr.io:8443", "org/app", False, id="other port"),
        pytest.param("h:5000", "h:5000", "app", True, id="port"),
        pytest.param("*.corp.test", "a.corp.test", "app", True, id="wildcard"),
        pytest.param("*.corp.test", "a.b.corp.test", "app", False, id="wildcard is one label"),
        pytest.param("*.corp.test", "corp.test", "app", False, id="wildcard is a label"),
        pytest.param(
            "https://index.docker.io/v1/", "index.docker.io", "org/app", True, id="Docker Hub"
        ),
        pytest.param("docker.io", "index.docker.io", "org/app", True, id="Docker Hub, short"),
    ],
)
def test_an_entry_is_for_its_host_and_path(
    key: str, host: str, repository: str, found: bool
) -> None:
    """Exactly, label by label and segment by segment."""
    config = DockerConfig.parse(json.dumps({"auths": {key: entry("robot")}}), "test")
    assert (config.for_host(host, repository) is not None) is found


def test_the_most_specific_entry_wins() -> None:
    """Whatever their order."""
    keys = ("*.corp.test", "r.corp.test", "r.corp.test/org", "r.corp.test/org/app")
    for order in (keys, keys[::-1]):
        config = DockerConfig(source="test", auths={key: entry(key) for key in order})
        for repository, wanted in (
            ("org/app", keys[3]), ("org/b", keys[2]), ("x", keys[1])
        ):  # fmt: skip
            login = config.for_host("r.corp.test", repository)
            assert login is not None
            assert login.username == wanted


@pytest.mark.parametrize(
    ("given", "login"),
    [
        ({"auth": encoded("a:b:c")}, Login(username="a", password="b:c")),
        ({"username": "a", "password": "b"}, Login(username="a", password="b")),
        (
            {"auth": encoded("a:b"), "username": "x", "password": "y"},
            Login(username="a", password="b"),
        ),
        ({"identitytoken": "t"}, Login(identity_token="t")),
        ({"auth": encoded("<token>:t")}, Login(identity_token="t")),
        ({}, None),
    ],
)  # fmt: skip
def test_a_login_is_read_in_each_of_its_forms(given: dict[str, str], login: Login | None) -> None:
    """An entry without any is none."""
    assert DockerConfig(source="test", auths={"h": given}).for_host("h", "app") == login


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(secret(f'{{"auths": "{PASSWORD}'), "not JSON", id="not JSON"),
        pytest.param(secret("[]"), "not a JSON object", id="not an object"),
        pytest.param(secret({"auths": [1]}), "auths has a wrong form", id="no mapping"),
        pytest.param(secret({"auths": {"h": PASSWORD}}), "auths has a wrong form", id="no entry"),
        pytest.param(secret({}, key="password"), "kubernetes.io/dockerconfigjson", id="other key"),
        pytest.param({"data": {".dockerconfigjson": "%"}}, "not base64", id="not base64"),
        pytest.param({}, "kubernetes.io/dockerconfigjson", id="empty"),
    ],
)  # fmt: skip
def test_a_secret_that_is_no_docker_configuration_is_reported(
    document: dict[str, Any], expected: str
) -> None:
    """Without repeating what it holds."""
    with pytest.raises(ArtifactError, match=expected) as caught:
        DockerConfig.from_secret(document)
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_entry_that_cannot_be_read_is_reported() -> None:
    """By its key."""
    config = DockerConfig.from_secret(secret({"auths": {"h": {"auth": PASSWORD}}}))
    with pytest.raises(ArtifactError, match="auth of h in Secret ns/regcred") as caught:
        config.for_host("h", "app")
    assert PASSWORD not in str(caught.value)


def test_nothing_secret_is_in_a_representation() -> None:
    """So it cannot get into a log."""
    config = DockerConfig(source="test", auths={"h": entry("robot")})
    assert PASSWORD not in repr(config)
    assert PASSWORD not in repr(config.for_host("h", "app"))


def test_a_helper_is_chosen_for_its_registry() -> None:
    """A helper of its own goes before the one for all others."""
    text = json.dumps({"credHelpers": {"ghcr.io": "gh"}, "credsStore": "desktop"})
    config = DockerConfig.parse(text, "test")
    assert config.helper_for("ghcr.io", "a") == ("gh", "ghcr.io")
    assert config.helper_for("quay.io", "a") == ("desktop", "quay.io")
    assert config.helper_for("index.docker.io", "a") == ("desktop", "https://index.docker.io/v1/")
    assert DockerConfig(source="test").helper_for("ghcr.io", "a") is None
