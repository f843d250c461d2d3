# SPDX-License-Identifier: Apache-2.0
"""What an artifact address means."""

from __future__ import annotations

import pytest

from fluxsm.adapters.registry.reference import DOCKER_HUB, host_name, is_digest, parse_reference
from fluxsm.errors import ArtifactError

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "host", "repository", "selector"),
    [
        pytest.param("oci://ghcr.io/org/app:v1", "ghcr.io", "org/app", "v1", id="tag"),
        pytest.param("ghcr.io/org/app:v1", "ghcr.io", "org/app", "v1", id="no scheme"),
        pytest.param("oci://ghcr.io/org/app", "ghcr.io", "org/app", "latest", id="default tag"),
        pytest.param("oci://h:5000/app:1", "h:5000", "app", "1", id="port"),
        pytest.param("oci://h:5000/app", "h:5000", "app", "latest", id="port, default tag"),
        pytest.param(f"oci://h/app@{DIGEST}", "h", "app", DIGEST, id="digest"),
        pytest.param(f"oci://h/app:v1@{DIGEST}", "h", "app", DIGEST, id="digest before tag"),
        pytest.param("oci://[::1]:5000/app:1", "[::1]:5000", "app", "1", id="IPv6"),
        pytest.param("oci://docker.io/org/app:1", DOCKER_HUB, "org/app", "1", id="Docker Hub"),
        pytest.param("oci://GHCR.io/org/app:V1", "ghcr.io", "org/app", "V1", id="case of the host"),
    ],
)
def test_an_address_names_host_repository_and_what_is_wanted(
    text: str, host: str, repository: str, selector: str
) -> None:
    """A digest cannot change its meaning, so it goes before a tag."""
    found = parse_reference(text)
    assert (found.host, found.repository, found.selector) == (host, repository, selector)
    assert parse_reference(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "oci://",
        "oci://host",
        "oci://host/",
        "oci:///app",
        "oci://host/App",
        "oci://host/a//b",
        "oci://host/../app",
        "oci://host/app:",
        "oci://host/app:a b",
        "oci://host/app@sha256:123",
        "oci://ho st/app",
        "https://host/app",
        "oci://host/app?x=1",
        "oci://host\n/app",
    ],
)
def test_a_malformed_address_is_refused(text: str) -> None:
    """Before anything is sent anywhere."""
    with pytest.raises(ArtifactError, match="artifact address"):
        parse_reference(text)


def test_a_login_in_an_address_is_not_repeated() -> None:
    """The message says where logins belong."""
    with pytest.raises(ArtifactError, match="artifactPullSecret") as caught:
        parse_reference("oci://robot:hunter2@ghcr.io/org/app:v1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "name"), [("h:1", "h"), ("h", "h"), ("[::1]:5000", "::1"), ("[::1]", "::1")]
)
def test_the_name_of_a_host_has_no_port(host: str, name: str) -> None:
    """By it, it is decided whether a registry is on this machine."""
    assert host_name(host) == name


@pytest.mark.parametrize("value", [None, 1, "", "sha256:", f"sha512:{'a' * 64}", DIGEST.upper()])
def test_only_sha256_digests_count(value: object) -> None:
    """Nothing else is computed here."""
    assert is_digest(DIGEST)
    assert not is_digest(value)
