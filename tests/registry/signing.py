# SPDX-License-Identifier: Apache-2.0
"""Signatures as cosign makes them, with a key, in both of its layouts."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fluxsm.adapters.registry.archive import pack
from fluxsm.adapters.registry.client import OrasRegistry
from fluxsm.adapters.registry.oci_manifest import (
    OCI_INDEX,
    OCI_MANIFEST,
    artifact_manifest,
    digest_of,
)
from fluxsm.adapters.registry.signed import (
    BUNDLE_TYPES,
    COSIGN_DOCUMENT,
    COSIGN_PREDICATE,
    SIMPLE_ANNOTATION,
    SIMPLE_TYPE,
    STATEMENT_TYPE,
)
from tests.registry.faulty import FILES, REPOSITORY, Answer, FaultyRegistry, manifest_path

Sign = Callable[[bytes], bytes]
Offer = Callable[[FaultyRegistry, str, "Stored"], None]

LAYER: Final = pack(FILES)
DIGEST: Final = digest_of(artifact_manifest(LAYER, {}))
"""The artifact that the tests of signatures sign."""
OTHER: Final = digest_of(b"another artifact")


@dataclass(frozen=True, slots=True)
class Stored:
    """A manifest with its one layer, as a registry stores it."""

    manifest: bytes
    layer: bytes


def new_key() -> ec.EllipticCurvePrivateKey:
    """A private key of the kind that cosign makes."""
    return ec.generate_private_key(ec.SECP256R1())


def signs(key: ec.EllipticCurvePrivateKey) -> Sign:
    """What makes signatures with a key."""
    return lambda data: key.sign(data, ec.ECDSA(SHA256()))


def write_public(key: ec.EllipticCurvePrivateKey, path: Path) -> Path:
    """Write the public key that belongs to a private one."""
    public = key.public_key()
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def b64(content: bytes) -> str:
    """Base64, as text."""
    return base64.b64encode(content).decode()


def simple(sign: Sign, digest: str, *, signature: str | None = None) -> Stored:
    """The older layout: what lies under the tag `sha256-….sig`."""
    payload = simple_payload(digest)
    made = b64(sign(payload)) if signature is None else signature
    return stored_simple(payload, {SIMPLE_ANNOTATION: made})


def simple_payload(digest: str) -> bytes:
    """What cosign signs in the older layout."""
    return json.dumps({
        "critical": {
            "identity": {"docker-reference": ""},
            "image": {"docker-manifest-digest": digest},
            "type": COSIGN_DOCUMENT,
        },
        "optional": None,
    }).encode()  # fmt: skip


def stored_simple(payload: bytes, annotations: dict[str, str]) -> Stored:
    """A signature of the older layout as a registry holds it."""
    return _stored(SIMPLE_TYPE, payload, annotations)


def bundle(sign: Sign, digest: str, *, predicate: str = COSIGN_PREDICATE) -> Stored:
    """The newer layout: a referrer with a Sigstore bundle."""
    envelope = dsse(sign, statement(digest, predicate=predicate))
    document = {
        "mediaType": BUNDLE_TYPES[0],
        "verificationMaterial": {"publicKey": {"hint": "a key of the test"}},
        "dsseEnvelope": envelope,
    }
    return stored_bundle(document)


def statement(digest: str, *, predicate: str = COSIGN_PREDICATE) -> bytes:
    """The in-toto statement by which cosign approves of a digest."""
    return json.dumps({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate,
        "predicate": {},
    }).encode()  # fmt: skip


def dsse(sign: Sign, payload: bytes) -> dict[str, Any]:
    """A signed envelope around a statement."""
    head = f"DSSEv1 {len(STATEMENT_TYPE)} {STATEMENT_TYPE} {len(payload)} ".encode()
    return {
        "payload": b64(payload),
        "payloadType": STATEMENT_TYPE,
        "signatures": [{"sig": b64(sign(head + payload))}],
    }


def stored_bundle(document: dict[str, Any]) -> Stored:
    """A bundle as a referrer holds it."""
    return _stored(BUNDLE_TYPES[0], json.dumps(document).encode(), {})


def referrers(*found: Stored) -> bytes:
    """The list of what refers to a digest."""
    entries = [
        {
            "mediaType": OCI_MANIFEST,
            "digest": digest_of(item.manifest),
            "size": len(item.manifest),
            "artifactType": json.loads(item.manifest)["artifactType"],
        }
        for item in found
    ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return json.dumps(index).encode()


def offer_simple(registry: FaultyRegistry, digest: str, signature: Stored) -> None:
    """Put a signature of the older layout beside an artifact."""
    tag = f"{digest.replace(':', '-')}.sig"
    registry.serve(signature.layer, signature.manifest, tag)


def offer_bundle(registry: FaultyRegistry, digest: str, *found: Stored) -> None:
    """Put referrers beside an artifact, in the list that the registry keeps."""
    _offer_list(registry, f"/v2/{REPOSITORY}/referrers/{digest}", found)


def offer_under_tag(registry: FaultyRegistry, digest: str, *found: Stored) -> None:
    """The same in a registry that keeps no such list."""
    _offer_list(registry, manifest_path(digest.replace(":", "-")), found)


def _offer_list(registry: FaultyRegistry, path: str, found: tuple[Stored, ...]) -> None:
    for item in found:
        registry.serve(item.layer, item.manifest, "unused")
    answer = Answer(body=referrers(*found), headers={"Content-Type": OCI_INDEX})
    registry.on("GET", path, answer)


def push_simple(reference: str, digest: str, signature: Stored) -> None:
    """Push a signature of the older layout beside an artifact of a real registry."""

    def upload(exchange: Any) -> None:
        repository = exchange.repository()
        repository.upload(b"{}")
        repository.upload(signature.layer)
        tag = f"{digest.replace(':', '-')}.sig"
        repository.put_manifest(signature.manifest, OCI_MANIFEST, tag)

    OrasRegistry(cache_dir=None)._within(reference, None, upload)


def push_bundle(reference: str, digest: str, found: Stored) -> None:
    """Push a referrer to a real registry that keeps no list of them."""

    def upload(exchange: Any) -> None:
        repository = exchange.repository()
        repository.upload(b"{}")
        repository.upload(found.layer)
        repository.put_manifest(found.manifest, OCI_MANIFEST, digest_of(found.manifest))
        repository.put_manifest(referrers(found), OCI_INDEX, digest.replace(":", "-"))

    OrasRegistry(cache_dir=None)._within(reference, None, upload)


def _stored(media_type: str, layer: bytes, annotations: dict[str, str]) -> Stored:
    config = b"{}"
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": media_type,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": digest_of(config),
            "size": len(config),
        },
        "layers": [
            {
                "mediaType": media_type,
                "digest": digest_of(layer),
                "size": len(layer),
                "annotations": annotations,
            }
        ],
    }
    return Stored(json.dumps(manifest).encode(), layer)
