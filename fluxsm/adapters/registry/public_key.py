# SPDX-License-Identifier: Apache-2.0
"""Signatures of a key; verified with cryptography, which is loaded only when a key is wanted."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from fluxsm.adapters.registry.signed import Envelope, signed_digests
from fluxsm.errors import ArtifactError, UsageError

Key = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


class KeySigner:
    """Whoever has the private key that belongs to a public one."""

    def __init__(self, path: Path) -> None:
        """Read the key.

        Args:
            path: PEM file of the public key.

        Raises:
            UsageError: the file is not a public key that signatures are made with.
        """
        self.name = f"the key {path}"
        try:
            key = load_pem_public_key(path.read_bytes())
        except OSError as error:
            raise UsageError(
                f"--verify-artifact: {path} cannot be read: {error.strerror}"
            ) from None
        except (ValueError, UnsupportedAlgorithm):
            raise UsageError(f"--verify-artifact: {path} is no public key in PEM") from None
        if not isinstance(key, Key):
            raise UsageError(f"--verify-artifact: {path} is no ECDSA, RSA or Ed25519 key")
        self._key: Key = key

    def approved(self, envelope: Envelope) -> frozenset[str]:
        """The digests of a signature that the key made."""
        if not any(self._made(signature, envelope.signed) for signature in envelope.signatures):
            raise ArtifactError("the signature was not made with that key")
        return signed_digests(envelope.kind, envelope.payload)

    def _made(self, signature: bytes, signed: bytes) -> bool:
        try:
            match self._key:
                case ec.EllipticCurvePublicKey() as key:
                    key.verify(signature, signed, ec.ECDSA(SHA256()))
                case rsa.RSAPublicKey() as key:
                    key.verify(signature, signed, padding.PKCS1v15(), SHA256())
                case ed25519.Ed25519PublicKey() as key:
                    key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True
