# SPDX-License-Identifier: Apache-2.0
"""What a cosign signature is about: the digests that the signed bytes name.

Pure reading. That a signature is genuine is for `fluxsm.adapters.registry.signatures`; nothing but
what was signed is believed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fluxsm.errors import ArtifactError

SIMPLE_TYPE: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
COSIGN_DOCUMENT: Final = "cosign container image signature"
SIMPLE_ANNOTATION: Final = "dev.cosignproject.cosign/signature"
CERTIFICATE_ANNOTATION: Final = "dev.sigstore.cosign/certificate"
LOG_ANNOTATION: Final = "dev.sigstore.cosign/bundle"
BUNDLE_TYPES: Final = (
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
)
STATEMENT_TYPE: Final = "application/vnd.in-toto+json"
COSIGN_PREDICATE: Final = "https://sigstore.dev/cosign/sign/v1"

_NO_PROOF: Final = {"logIndex": "0", "rootHash": "", "treeSize": "1", "hashes": []}
"""What stands where a bundle must have a proof of inclusion; no verification accepts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What is signed, and its signatures.

    Attributes:
        signed: the bytes that the signatures are over.
        payload: the document in them.
        kind: media type of the document.
        signatures: of any key.
        bundle: the newer layout: the Sigstore bundle that it was in, with the proofs of an
            identity.
        annotations: the older layout: the annotations beside the document, with the same.
    """

    signed: bytes
    payload: bytes
    kind: str
    signatures: tuple[bytes, ...]
    bundle: bytes = b""
    annotations: Mapping[str, str] = field(default_factory=dict)


def simple_envelope(payload: bytes, annotations: Mapping[str, str]) -> Envelope:
    """The older layout: a document of cosign, its signature in an annotation.

    Raises:
        ArtifactError: the signature is not base64.
    """
    return Envelope(
        signed=payload,
        payload=payload,
        kind=SIMPLE_TYPE,
        signatures=(_decode(annotations.get(SIMPLE_ANNOTATION, "")),),
        annotations=annotations,
    )


def bundle_envelope(bundle: bytes) -> Envelope:
    """The newer layout: a DSSE envelope in a Sigstore bundle.

    Raises:
        ArtifactError: there is none in it.
    """
    try:
        envelope = json.loads(bundle)["dsseEnvelope"]
        kind, payload = str(envelope["payloadType"]), _decode(envelope["payload"])
        signatures = tuple(_decode(item["sig"]) for item in envelope["signatures"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArtifactError("the signature bundle has no DSSE envelope") from None
    # Type and length of each part are signed too, so that no part can be taken for another.
    head = f"DSSEv1 {len(kind.encode())} {kind} {len(payload)} ".encode()
    return Envelope(
        signed=head + payload, payload=payload, kind=kind, signatures=signatures, bundle=bundle
    )


def signed_digests(kind: str, payload: bytes) -> frozenset[str]:
    """The digests of the artifacts that a signed document vouches for.

    Args:
        kind: its media type, as signed.
        payload: the document, of which the signature was verified.

    Raises:
        ArtifactError: the document is no signature of an artifact.
    """
    try:
        document = json.loads(payload)
        if kind == SIMPLE_TYPE and document["critical"]["type"] == COSIGN_DOCUMENT:
            return frozenset({str(document["critical"]["image"]["docker-manifest-digest"])})
        if kind == STATEMENT_TYPE:
            return _subjects(document)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise ArtifactError("what is signed is not a signature of an artifact")


def annotated_bundle(envelope: Envelope) -> bytes:
    """The proofs of the older layout in the form of the newer one.

    It lacks what cosign did not keep then: the proof that the log includes the entry. In its place
    is the log's signed promise to include it, so only who is content with that can verify it.

    Raises:
        ArtifactError: the annotations hold no certificate or no promise.
    """
    try:
        certificate = ssl.PEM_cert_to_DER_cert(envelope.annotations[CERTIFICATE_ANNOTATION])
        log = json.loads(envelope.annotations[LOG_ANNOTATION])
        entry = log["Payload"]
        body = json.loads(base64.b64decode(entry["body"], validate=True))
        digest = hashlib.sha256(envelope.payload).digest()
        document = {
            "mediaType": BUNDLE_TYPES[0],
            "verificationMaterial": {
                "certificate": {"rawBytes": _encode(certificate)},
                "tlogEntries": [
                    {
                        "logIndex": str(entry["logIndex"]),
                        "logId": {"keyId": _encode(bytes.fromhex(entry["logID"]))},
                        "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
                        "integratedTime": str(entry["integratedTime"]),
                        "inclusionPromise": {"signedEntryTimestamp": log["SignedEntryTimestamp"]},
                        "inclusionProof": _NO_PROOF,
                        "canonicalizedBody": entry["body"],
                    }
                ],
            },
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": _encode(digest)},
                "signature": _encode(envelope.signatures[0]),
            },
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArtifactError("the signature has no certificate and log entry beside it") from None
    return json.dumps(document).encode()


def keep(envelope: Envelope) -> bytes:
    """A signature as bytes that `kept` reads, to be verified again without a registry."""
    if envelope.bundle:
        return envelope.bundle
    annotations = dict(envelope.annotations)
    return json.dumps({"payload": _encode(envelope.payload), "annotations": annotations}).encode()


def kept(content: bytes) -> Envelope:
    """The signature that `keep` wrote.

    Raises:
        ArtifactError: the bytes are something else.
    """
    try:
        document = json.loads(content)
        if "dsseEnvelope" in document:
            return bundle_envelope(content)
        pairs = dict(document["annotations"]).items()
        annotations = {str(name): str(text) for name, text in pairs}
        return simple_envelope(_decode(document["payload"]), annotations)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArtifactError("what was kept is no signature") from None


def _subjects(statement: dict[str, Any]) -> frozenset[str]:
    """The subjects of a cosign signature; other statements about an artifact are no approval."""
    if statement["predicateType"] != COSIGN_PREDICATE:
        return frozenset()
    return frozenset(f"sha256:{subject['digest']['sha256']}" for subject in statement["subject"])


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decode(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError:
        raise ArtifactError("the signature is not base64") from None
