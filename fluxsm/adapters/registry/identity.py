# SPDX-License-Identifier: Apache-2.0
"""Signatures of an identity: a short-lived certificate and a public log prove who signed.

Verified offline, with the trusted root from a file. The only importer of sigstore, which is slow
to load: import this module only when an identity is wanted.

The library asks for proof that the log includes an entry. The older layout of cosign keeps only
the log's signed promise to include it, which the library verifies as well: for that layout alone,
the two classes at the end take the promise for the proof, as cosign does. They reach into the
library, in a way that refuses every signature should it change.
"""

from __future__ import annotations

from typing import Any

from cryptography.x509 import load_der_x509_certificate
from sigstore.errors import Error as SigstoreError
from sigstore.errors import VerificationError
from sigstore.models import Bundle, TransparencyLogEntry, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity as SignerIdentity

from fluxsm.adapters.registry.signed import Envelope, annotated_bundle, signed_digests
from fluxsm.core.settings import VerifyPolicy
from fluxsm.errors import ArtifactError, UsageError

_MAX_TEXT = 300
"""Characters of what the library says; it quotes what may be hostile."""


class IdentitySigner:
    """Whoever logged in as an identity."""

    def __init__(self, policy: VerifyPolicy) -> None:
        """Read the trusted root.

        Raises:
            UsageError: the file is not a trusted root of Sigstore, or lacks a part.
        """
        self.name = f"{policy.identity} of {policy.issuer}"
        self._identity = SignerIdentity(identity=policy.identity, issuer=policy.issuer)
        path = policy.trusted_root
        try:
            self._verifier = Verifier(trusted_root=TrustedRoot.from_file(str(path)))
        except OSError as error:
            raise UsageError(
                f"--verify-artifact: {path} cannot be read: {error.strerror}"
            ) from None
        except SigstoreError as error:
            raise UsageError(f"--verify-artifact: {path} is of no use: {error}") from None
        except ValueError:
            raise UsageError(f"--verify-artifact: {path} is no trusted root of Sigstore") from None

    def approved(self, envelope: Envelope) -> frozenset[str]:
        """The digests of a signature that the identity made."""
        bundle = envelope.bundle or annotated_bundle(envelope)
        try:
            if envelope.bundle:
                kind, payload = self._verifier.verify_dsse(Bundle.from_json(bundle), self._identity)
            else:
                kind, payload = envelope.kind, envelope.payload
                promised = _PromisedBundle.from_json(bundle)
                self._verifier.verify_artifact(payload, promised, self._identity)
        except Exception as error:  # noqa: BLE001 whatever the library stumbles over is no proof
            text = str(error) if isinstance(error, SigstoreError) else type(error).__name__
            line = text.partition("\n")[0][:_MAX_TEXT]
            raise ArtifactError(f"the signature is not genuine: {line}") from None
        return signed_digests(kind, payload)


class _PromisedEntry(TransparencyLogEntry):
    """An entry that the log has promised to include."""

    def _validate(self) -> None:
        """There is no proof to look at; `_verify` asks for the promise."""

    def _verify(self, keyring: Any) -> None:
        if self._inner.integrated_time is None:
            raise VerificationError("the log entry has no time")
        self._verify_set(keyring)


class _PromisedBundle(Bundle):
    """A certificate, a signature, and an entry that the log has promised to include."""

    def _verify(self) -> None:
        material = self._inner.verification_material
        if material.certificate is None or len(material.tlog_entries) != 1:
            raise VerificationError("one certificate and one log entry are expected")
        self._signing_certificate = load_der_x509_certificate(material.certificate.raw_bytes)
        self._log_entry = _PromisedEntry(material.tlog_entries[0])
