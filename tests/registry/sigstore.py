# SPDX-License-Identifier: Apache-2.0
"""A Sigstore of the test's own: an authority, a certificate log, a signature log, their root.

It does what the public services do when somebody signs by identity, with keys made here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fluxsm.adapters.registry.signed import (
    BUNDLE_TYPES,
    CERTIFICATE_ANNOTATION,
    LOG_ANNOTATION,
    SIMPLE_ANNOTATION,
)
from tests.registry.signing import (
    Stored,
    b64,
    dsse,
    new_key,
    signs,
    simple_payload,
    statement,
    stored_bundle,
    stored_simple,
)

IDENTITY: Final = "https://github.com/example/flux/.github/workflows/release.yaml@refs/heads/main"
ISSUER: Final = "https://token.actions.githubusercontent.com"
SIGNED: Final = datetime(2025, 6, 1, tzinfo=UTC)
"""When signatures are made, unless they are late."""

_ISSUER_OID = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_SCT_OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
_END = datetime(2049, 1, 1, tzinfo=UTC)
_LIFE = timedelta(minutes=10)


class Sigstore:
    """The services, each no more than a key.

    Args:
        end: when the certificate of the authority ends.
    """

    def __init__(self, end: datetime = _END) -> None:
        self._authority_key, self._certificates_key, self._log_key = (new_key() for _ in range(3))
        self._authority = self._make_authority(end)

    def trusted_root(self, **changed: Any) -> dict[str, Any]:
        """The document that names the keys; `changed` replaces parts of it."""
        since = {"start": _BEGIN.isoformat()}

        def log(url: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            return {
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(_public(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": since,
                },
                "logId": {"keyId": b64(_key_id(key))},
            }

        authority = {
            "subject": {"organization": "tests", "commonName": "tests"},
            "uri": "https://fulcio.example",
            "certChain": {"certificates": [{"rawBytes": b64(_der(self._authority))}]},
            "validFor": since,
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log("https://rekor.example", self._log_key)],
            "certificateAuthorities": [authority],
            "ctlogs": [log("https://ctfe.example", self._certificates_key)],
            "timestampAuthorities": [],
        } | changed

    def write_root(self, path: Path, **changed: Any) -> Path:
        """Write the trusted root."""
        path.write_text(json.dumps(self.trusted_root(**changed)))
        return path

    def sign(
        self,
        digest: str,
        *,
        identity: str = IDENTITY,
        issuer: str = ISSUER,
        late: timedelta = timedelta(0),
    ) -> dict[str, Any]:
        """The bundle that cosign makes when an identity signs a digest.

        Args:
            digest: what is signed.
            identity: who has logged in.
            issuer: where.
            late: how long after the certificate was made.
        """
        key = new_key()
        certificate = self._certify(key, identity, issuer)
        envelope = dsse(signs(key), statement(digest))
        entry = self._log(_envelope_entry(envelope, certificate), SIGNED + late)
        return {
            "mediaType": BUNDLE_TYPES[0],
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(_der(certificate))},
                "tlogEntries": [entry],
            },
            "dsseEnvelope": envelope,
        }

    def signed(self, digest: str, **options: Any) -> Stored:
        """The same as a referrer holds it."""
        return stored_bundle(self.sign(digest, **options))

    def annotate(
        self,
        digest: str,
        *,
        identity: str = IDENTITY,
        issuer: str = ISSUER,
        late: timedelta = timedelta(0),
    ) -> tuple[bytes, dict[str, str]]:
        """What cosign 2 makes: what it signs, and the proofs as annotations; args as for `sign`."""
        key, payload = new_key(), simple_payload(digest)
        certificate = self._certify(key, identity, issuer)
        signature = b64(signs(key)(payload))
        entry = self._log(_hash_entry(payload, signature, certificate), SIGNED + late)
        log = {
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": int(entry["integratedTime"]),
                "logIndex": int(entry["logIndex"]),
                "logID": _key_id(self._log_key).hex(),
            },
        }
        return payload, {
            SIMPLE_ANNOTATION: signature,
            CERTIFICATE_ANNOTATION: certificate.public_bytes(Encoding.PEM).decode(),
            LOG_ANNOTATION: json.dumps(log),
        }

    def annotated(self, digest: str, **options: Any) -> Stored:
        """The same as it lies under the tag `sha256-….sig`."""
        return stored_simple(*self.annotate(digest, **options))

    def _make_authority(self, end: datetime) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
        public = self._authority_key.public_key()
        usage = _usage(key_cert_sign=True, crl_sign=True)
        return (
            x509.CertificateBuilder(name, name, public, 1, _BEGIN, end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._authority_key, SHA256())
        )

    def _certify(
        self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str
    ) -> x509.Certificate:
        """Give a certificate, after the certificate log has promised to list it."""
        public = self._authority_key.public_key()
        subject = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)])
        builder = (
            x509.CertificateBuilder(
                self._authority.subject,
                x509.Name([]),
                key.public_key(),
                x509.random_serial_number(),
                SIGNED,
                SIGNED + _LIFE,
            )
            .add_extension(subject, critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False
            )
            .add_extension(x509.UnrecognizedExtension(_ISSUER_OID, issuer.encode()), critical=False)
        )
        # The promise is about the certificate without the promise, so any other serves to see that.
        draft = self._with_promise(builder, self._promise(b""))
        return self._with_promise(builder, self._promise(draft.tbs_precertificate_bytes))

    def _with_promise(self, builder: x509.CertificateBuilder, promise: bytes) -> x509.Certificate:
        listed = struct.pack("!HH", len(promise) + 2, len(promise)) + promise
        octets = b"\x04" + bytes([len(listed)]) + listed
        extension = x509.UnrecognizedExtension(_SCT_OID, octets)
        return builder.add_extension(extension, critical=False).sign(self._authority_key, SHA256())

    def _promise(self, certificate: bytes) -> bytes:
        """A signed certificate timestamp (RFC 6962)."""
        when = struct.pack("!Q", int(SIGNED.timestamp() * 1000))
        length = struct.pack("!I", len(certificate))[1:]
        entry = _key_id(self._authority_key) + length + certificate
        said = b"\0\0" + when + b"\0\1" + entry + b"\0\0"
        signature = signs(self._certificates_key)(said)
        head = b"\0" + _key_id(self._certificates_key) + when + b"\0\0" + b"\4\3"
        return head + struct.pack("!H", len(signature)) + signature

    def _log(self, body: bytes, when: datetime) -> dict[str, Any]:
        """Enter a signature into the signature log, whose only entry it is."""
        root = hashlib.sha256(b"\0" + body).digest()
        log_id, sign = _key_id(self._log_key), signs(self._log_key)
        note = f"rekor.example\n1\n{b64(root)}\n"
        checkpoint = f"{note}\n\u2014 rekor.example {b64(log_id[:4] + sign(note.encode()))}\n"
        promised = _canonical({
            "body": b64(body),
            "integratedTime": int(when.timestamp()),
            "logID": log_id.hex(),
            "logIndex": 0,
        })  # fmt: skip
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(log_id)},
            "kindVersion": {"kind": json.loads(body)["kind"], "version": "0.0.1"},
            "integratedTime": str(int(when.timestamp())),
            "inclusionPromise": {"signedEntryTimestamp": b64(sign(promised))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": checkpoint},
            },
            "canonicalizedBody": b64(body),
        }


def _hash_entry(payload: bytes, signature: str, certificate: x509.Certificate) -> bytes:
    """The log entry of a signature over bytes."""
    verifier = b64(certificate.public_bytes(Encoding.PEM))
    digest = hashlib.sha256(payload).hexdigest()
    return _canonical({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": digest}},
            "signature": {"content": signature, "publicKey": {"content": verifier}},
        },
    })  # fmt: skip


def _envelope_entry(envelope: Mapping[str, Any], certificate: x509.Certificate) -> bytes:
    verifier = b64(certificate.public_bytes(Encoding.PEM))
    payload = hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()
    return _canonical({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": {
                "algorithm": "sha256",
                "value": hashlib.sha256(_canonical(envelope)).hexdigest(),
            },
            "payloadHash": {"algorithm": "sha256", "value": payload},
            "signatures": [
                {"signature": item["sig"], "verifier": verifier} for item in envelope["signatures"]
            ],
        },
    })  # fmt: skip


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_public(key)).digest()
