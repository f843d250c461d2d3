# SPDX-License-Identifier: Apache-2.0
"""Whatever a registry does, a pull ends: with what was asked for, or with a message that helps."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from fluxsm.adapters.registry.archive import pack
from fluxsm.adapters.registry.client import OrasRegistry
from fluxsm.adapters.registry.oci_manifest import (
    OCI_INDEX,
    OCI_MANIFEST,
    artifact_manifest,
    digest_of,
)
from fluxsm.adapters.registry.transport import BODY_LIMIT
from fluxsm.errors import ArtifactError
from tests.registry.faulty import FILES, Answer, FaultyRegistry, Seen, blob_path, manifest_path

Client = Callable[..., OrasRegistry]
LAYER = pack(FILES)
MANIFEST = artifact_manifest(LAYER, {})


def failure(call: Callable[[], object]) -> str:
    """The message that a call fails with."""
    with pytest.raises(ArtifactError) as caught:
        call()
    return str(caught.value)


def index(*children: tuple[str, bytes]) -> bytes:
    """An index of manifests by platform."""
    entries = []
    for platform, content in children:
        system, _, architecture = platform.partition("/")
        entries.append(
            {
                "mediaType": OCI_MANIFEST,
                "digest": digest_of(content),
                "size": len(content),
                "platform": {"os": system, "architecture": architecture},
            }
        )
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


def test_an_artifact_is_pulled(faulty: FaultyRegistry, client: Client) -> None:
    """Its digest is that of the manifest, its files are those of the first layer."""
    faulty.serve()
    found = client().pull(faulty.reference, None)
    assert found.digest == digest_of(MANIFEST)
    assert dict(found.files) == FILES


def test_the_manifest_of_our_platform_is_taken_from_an_index(
    faulty: FaultyRegistry, client: Client
) -> None:
    """And its digest is the artifact's, for a pull and for a check alike."""
    faulty.serve()
    content = index(("linux/arm64", b"{}"), ("linux/amd64", MANIFEST))
    headers = {"Content-Type": OCI_INDEX, "Docker-Content-Digest": digest_of(content)}
    for path in (manifest_path("latest"), manifest_path(digest_of(content))):
        for method in ("GET", "HEAD"):
            faulty.on(method, path, Answer(body=content, headers=headers))
    assert client().pull(faulty.reference, None).digest == digest_of(MANIFEST)
    assert client().digest(faulty.reference, None) == digest_of(MANIFEST)
    assert client().resolve_image_digest(faulty.reference, None) == digest_of(content)


def test_a_check_asks_for_the_head_only(faulty: FaultyRegistry, client: Client) -> None:
    """No content is fetched."""
    faulty.serve()
    assert client().digest(faulty.reference, None) == digest_of(MANIFEST)
    assert [item.method for item in faulty.seen] == ["HEAD"]


def test_a_check_falls_back_to_the_manifest(faulty: FaultyRegistry, client: Client) -> None:
    """Where a registry does not answer HEAD."""
    path, _ = faulty.serve()
    faulty.on("HEAD", path, Answer(status=405))
    assert client().digest(faulty.reference, None) == digest_of(MANIFEST)


def test_a_known_artifact_is_not_fetched_again(
    faulty: FaultyRegistry, client: Client, tmp_path: Path
) -> None:
    """Only the tag is looked up; with a digest not even that."""
    path, blob = faulty.serve()
    client(tmp_path).pull(faulty.reference, None)
    client(tmp_path).pull(faulty.reference, None)
    assert (faulty.count("GET", path), faulty.count("GET", blob)) == (2, 1)
    faulty.seen.clear()
    pinned = f"{faulty.reference}@{digest_of(MANIFEST)}"
    assert dict(client(tmp_path).pull(pinned, None).files) == FILES
    assert faulty.seen == []


def test_a_damaged_cache_is_fetched_again(
    faulty: FaultyRegistry, client: Client, tmp_path: Path
) -> None:
    """What is read from the disk is trusted no more than what is read from the network."""
    _, blob = faulty.serve()
    client(tmp_path).pull(faulty.reference, None)
    for file in (tmp_path / "sha256").iterdir():
        file.write_bytes(b"damaged")
    assert dict(client(tmp_path).pull(faulty.reference, None).files) == FILES
    assert faulty.count("GET", blob) == 2


def test_a_cache_that_cannot_be_used_is_left_out(
    faulty: FaultyRegistry, client: Client, tmp_path: Path
) -> None:
    """The pull takes longer, that is all."""
    faulty.serve()
    (tmp_path / "file").write_text("in the way")
    assert dict(client(tmp_path / "file").pull(faulty.reference, None).files) == FILES


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_trouble_that_passes_is_waited_for(
    faulty: FaultyRegistry, client: Client, status: int
) -> None:
    """The same request is sent again."""
    path, blob = faulty.serve()
    trouble = Answer(status=status, headers={"Retry-After": "0"})
    faulty.on("GET", path, trouble, Answer(body=MANIFEST))
    faulty.on("GET", blob, trouble, trouble, Answer(body=LAYER))
    assert dict(client().pull(faulty.reference, None).files) == FILES


def test_trouble_that_stays_is_reported(faulty: FaultyRegistry, client: Client) -> None:
    """With the host and the status."""
    path, _ = faulty.serve()
    faulty.on("GET", path, Answer(status=503))
    message = failure(lambda: client().pull(faulty.reference, None))
    assert faulty.reference in message
    assert "is in trouble (503)" in message
    assert faulty.count("GET", path) == 5


def test_a_limit_that_asks_for_a_long_wait_is_reported(
    faulty: FaultyRegistry, client: Client
) -> None:
    """Waiting longer than the deadline is left to the back-off of the machine."""
    path, _ = faulty.serve()
    faulty.on("GET", path, Answer(status=429, headers={"Retry-After": "3600"}))
    message = failure(lambda: client().pull(faulty.reference, None))
    assert "limits our requests (429) and asks to wait 3600 s" in message
    assert faulty.count("GET", path) == 1


def test_a_dripping_registry_does_not_hold_the_pull(faulty: FaultyRegistry, client: Client) -> None:
    """Each byte arrives in time, the whole does not; the deadline is about the whole."""
    _, blob = faulty.serve()
    faulty.on("GET", blob, Answer(drip=True))
    short = client(deadline=timedelta(seconds=0.3))
    message = failure(lambda: short.pull(faulty.reference, None))
    assert "not finished within 0.3 s" in message
    assert f"GET http://{faulty.host}{blob}" in message


def test_a_dripping_manifest_does_not_hold_the_pull(faulty: FaultyRegistry, client: Client) -> None:
    """Nor the look of the timer, which falls back to it."""
    path, _ = faulty.serve()
    faulty.on("GET", path, Answer(drip=True))
    faulty.on("HEAD", path, Answer(status=405))
    for call in (OrasRegistry.pull, OrasRegistry.digest):
        short = client(deadline=timedelta(seconds=0.3))
        message = failure(partial(call, short, faulty.reference, None))
        assert "not finished within 0.3 s" in message
        assert f"GET http://{faulty.host}{path}" in message


def test_a_registry_without_answers_does_not_hold_the_pull(
    faulty: FaultyRegistry, client: Client
) -> None:
    """It takes the request and says nothing, not even a header."""
    over = Event()

    def say_nothing(_: Seen) -> Answer:
        over.wait(10)
        return Answer()

    path, _ = faulty.serve()
    faulty.on("GET", path, say_nothing)
    short = client(deadline=timedelta(seconds=0.3))
    message = failure(lambda: short.pull(faulty.reference, None))
    over.set()
    assert "not finished within 0.3 s" in message
    assert f"GET http://{faulty.host}{path}" in message


def test_an_answer_that_breaks_off_is_asked_for_again(
    faulty: FaultyRegistry, client: Client
) -> None:
    """And reported when it always does."""
    _, blob = faulty.serve()
    cut = Answer(body=LAYER, hang_up=10)
    faulty.on("GET", blob, cut, Answer(body=LAYER))
    assert dict(client().pull(faulty.reference, None).files) == FILES
    faulty.on("GET", blob, cut)
    message = failure(lambda: client().pull(faulty.reference, None))
    assert "ended in the middle of an answer" in message


def test_a_moved_tag_is_seen_by_the_pull(faulty: FaultyRegistry, client: Client) -> None:
    """Between the check and the pull the tag went on: the newer artifact is what is fetched."""
    faulty.serve()
    checked = client().digest(faulty.reference, None)
    newer = {"flux/v2.8.9/rbac.yaml": b"kind: Role\n"}
    faulty.serve(pack(newer))
    found = client().pull(faulty.reference, None)
    assert found.digest != checked
    assert dict(found.files) == newer


BAD_MANIFESTS: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"<html>", "the manifest is not JSON"),
    "not an object": (b"[]", "not a JSON object"),
    "old schema": (b'{"schemaVersion": 1}', "schema version 2"),
    "both kinds": (b'{"schemaVersion": 2, "layers": [], "manifests": []}', "both layers and"),
    "no layers": (b'{"schemaVersion": 2, "layers": []}', "no layers"),
    "layers of no form": (b'{"schemaVersion": 2, "layers": {}}', "layers is not a list"),
    "layer of no form": (b'{"schemaVersion": 2, "layers": [1]}', "layers[0] is not an object"),
    "no digest": (b'{"schemaVersion": 2, "layers": [{"size": 1}]}', "no sha256 digest"),
    "bad size": (
        json.dumps(
            {"schemaVersion": 2, "layers": [{"digest": digest_of(b""), "size": -1}]}
        ).encode(),
        "no valid size",
    ),
    "huge size": (
        json.dumps(
            {"schemaVersion": 2, "layers": [{"digest": digest_of(b""), "size": 10**12}]}
        ).encode(),
        "104857600 are accepted",
    ),
    "deep nesting": (b"[" * 100_000, "the manifest is not JSON"),
    "other platforms only": (index(("windows/amd64", b"{}")), "no manifest for linux/amd64"),
}


@pytest.mark.parametrize("name", BAD_MANIFESTS)
def test_a_bad_manifest_is_refused(faulty: FaultyRegistry, client: Client, name: str) -> None:
    """With what is wrong with it."""
    content, expected = BAD_MANIFESTS[name]
    faulty.serve(manifest=content)
    faulty.on("GET", manifest_path("latest"), Answer(body=content))
    assert expected in failure(lambda: client().pull(faulty.reference, None))


def test_an_index_that_leads_to_an_index_is_refused(faulty: FaultyRegistry, client: Client) -> None:
    """However often it goes round."""
    inner = index(("linux/amd64", MANIFEST))
    faulty.serve(manifest=inner, tag="inner")
    outer = index(("linux/amd64", inner))
    faulty.serve(manifest=outer)
    message = failure(lambda: client().pull(faulty.reference, None))
    assert "the index leads to another index" in message


def test_a_manifest_without_end_is_refused(faulty: FaultyRegistry, client: Client) -> None:
    """It is not read further than manifests may be long."""
    faulty.on("GET", manifest_path("latest"), Answer(body=b" " * (BODY_LIMIT + 1)))
    message = failure(lambda: client().pull(faulty.reference, None))
    assert f"answers with more than {BODY_LIMIT} bytes" in message


def test_a_manifest_is_what_its_digest_says(faulty: FaultyRegistry, client: Client) -> None:
    """Asked for by digest or promised by a header, another one is refused."""
    faulty.serve()
    wrong = f"sha256:{'0' * 64}"
    faulty.on("GET", manifest_path(wrong), Answer(body=MANIFEST))
    pinned = f"{faulty.reference}@{wrong}"
    assert "was promised" in failure(lambda: client().pull(pinned, None))
    headers = {"Docker-Content-Digest": wrong}
    faulty.on("GET", manifest_path("latest"), Answer(body=MANIFEST, headers=headers))
    assert "was promised" in failure(lambda: client().pull(faulty.reference, None))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(LAYER[:-1] + b"\xff", "with digest", id="same length"),
        pytest.param(LAYER[:-1], "sent", id="shorter"),
        pytest.param(LAYER + b"\0", "answers with more than", id="longer"),
    ],
)
def test_a_layer_is_what_its_digest_says(
    faulty: FaultyRegistry, client: Client, content: bytes, expected: str
) -> None:
    """Another length or other bytes are refused."""
    _, blob = faulty.serve()
    faulty.on("GET", blob, Answer(body=content))
    assert expected in failure(lambda: client().pull(faulty.reference, None))


def test_addresses_in_a_layer_are_never_followed(
    faulty: FaultyRegistry, other: FaultyRegistry, client: Client
) -> None:
    """The message says what to do instead."""
    document: dict[str, Any] = json.loads(MANIFEST)
    document["layers"][0]["urls"] = [f"http://{other.host}/layer"]
    content = json.dumps(document).encode()
    faulty.serve(manifest=content)
    faulty.on("GET", blob_path(LAYER), Answer(status=404))
    message = failure(lambda: client().pull(faulty.reference, None))
    assert "never followed" in message
    assert other.seen == []
