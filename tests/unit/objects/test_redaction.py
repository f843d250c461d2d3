# SPDX-License-Identifier: Apache-2.0
"""Credentials are taken out of text, and everything else stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsm.objects.redaction import has_login, redact, redact_all

CANARY = "c4n4ryS3cret"

SECRETS = [
    f"oci://user:{CANARY}@ghcr.io/x/y:1@sha256:abc",
    f"cannot pull https://{CANARY}@github.com/a/b.git: not found",
    f"ssh://git:{CANARY}@h.com/a",
    f"https://u:{CANARY}/x@host/x",
    f"https://u:p@{CANARY}@host/x",
    f"https://u:p {CANARY}@host/x",
    f"invalid reference user:{CANARY}@registry:5000/x",
    f"//u:{CANARY}@host/x",
    f"https:u:{CANARY}@h.io/x",
    f"https://h/x?access_token={CANARY}&y=1",
    f"https://h/x?sig={CANARY}",
    f"Authorization: Bearer {CANARY}",
    f"authorization: basic {CANARY}==",
    f'{{"password": "{CANARY}"}}',
    f"client_secret={CANARY}, x",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}\n-----END OPENSSH PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{CANARY} and then it was cut",
    f"it is ghp_{CANARY}{CANARY}",
    f"it is eyJ{CANARY}.eyJ{CANARY}.{CANARY}",
    f"OCI://USER:{CANARY}@GHCR.IO/X",
    f"oci://u:{CANARY}@[::1]:5000/x",
    f"two: https://a:b@c.io and https://u:{CANARY}@d.io",
]
INNOCENT = [
    "oci://ghcr.io/a/b:v1@sha256:abcdef",
    "ghcr.io/fluxcd/source-controller:v1.2.3@sha256:abcdef",
    "source-controller:v1@sha256:abc",
    "localhost:5000/a/b:v1@sha256:abc",
    "v2.8.8@sha256:abc",
    "main@sha1:abc",
    "ssh://git@git.example.com/a/b",
    "git@git.example.com:acme/fleet.git",
    "http://localhost:8080/x@v1",
    "http://[::1]:80/a@b",
    "https://example.com: connection refused",
    ".spec.sync.url is 'github.com/a/b'; allowed: a URL such as https://x.io",
    "Deployment/flux-system/helm-controller: 3 of 4 pods are ready",
    "tokens=5, passwords are read from a Secret",
    "the pull secret flux-system/auth has no .dockerconfigjson",
]


@pytest.mark.parametrize("text", SECRETS)
def test_credentials_go(text: str) -> None:
    """Wherever they stand, and a second time changes nothing."""
    assert CANARY.lower() not in redact(text).lower()
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("text", INNOCENT)
def test_everything_else_stays(text: str) -> None:
    """Images, revisions and addresses look alike, and are no secret."""
    assert redact(text) == text


def test_the_rest_of_a_url_can_still_be_read() -> None:
    """So that a message says which one is meant."""
    url = f"oci://user:{CANARY}@ghcr.io/x/y:1@sha256:abc"
    assert redact(url) == "oci://***@ghcr.io/x/y:1@sha256:abc"
    assert has_login(url)
    assert not has_login(redact(url).replace("***@", ""))


def test_data_is_redacted_in_depth() -> None:
    """Keys too; what is no text stays."""
    secret = SECRETS[0]
    found = redact_all({secret: [secret, {"a": secret, "b": 5, "c": None}], "d": (secret, True)})
    assert CANARY not in str(found)
    assert found["d"][1] is True


WORDS = st.text("abcXYZ019-_.~%", min_size=1, max_size=12)


@given(st.sampled_from(["oci", "https", "ssh", "http", "git+https"]), WORDS,
       st.text("abcXYZ019-_.~%!$&*+=,;:", min_size=0, max_size=12), WORDS, WORDS)  # fmt: skip
def test_no_password_of_a_url_survives(
    scheme: str, user: str, password: str, host: str, path: str
) -> None:
    """Whatever characters it has."""
    url = f"{scheme}://{user}:{password}{CANARY}@{host}/{path}"
    for text in (url, f"pull of '{url}' failed", f'{{"url": "{url}"}}', f"({url})"):
        assert CANARY not in redact(text)


@given(st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    """And text without a mark of credentials is left alone."""
    found = redact(text)
    assert isinstance(found, str)
    if not set(text) & set(":=@-") and "earer" not in text.lower():
        assert found == text or "basic" in text.lower()
