# SPDX-License-Identifier: Apache-2.0
"""The signatures of an artifact, in cosign's two layouts, and the verdict on them.

They lie beside the artifact: under a tag made from its digest (`sha256-….sig`), or as referrers
that are Sigstore bundles. Nobody but the registry is asked. Whatever is missing, malformed or not
genuine is a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Protocol

from fluxsm.adapters.registry.exchange import Check, Exchange
from fluxsm.adapters.registry.oci_manifest import Descriptor, Image, Index, parse_manifest
from fluxsm.adapters.registry.signed import (
    BUNDLE_TYPES,
    SIMPLE_TYPE,
    Envelope,
    bundle_envelope,
    keep,
    kept,
    simple_envelope,
)
from fluxsm.core.settings import VerifyPolicy
from fluxsm.errors import ArtifactError, UsageError

MAX_SIGNATURES: Final = 16
"""Signatures of one digest that are looked at, in each layout."""

SIGNATURE_BYTES: Final = 1 << 20
"""How large one may be."""

Read = Callable[[], Envelope]


class Signer(Protocol):
    """Whose signature is wanted."""

    name: str

    def approved(self, envelope: Envelope) -> frozenset[str]:
        """The digests that this signer vouches for by a signature.

        Raises:
            ArtifactError: the signature is not theirs, or not genuine.
        """


def checker(policy: VerifyPolicy) -> Check:
    """What a pull calls when it has the manifest.

    A signature of the index counts for each manifest in it, as the index names their digests.

    Args:
        policy: whose signature is wanted.

    Raises:
        UsageError: a file that the policy names, or a library that it needs, cannot be used.
    """
    signer = _signer(policy)

    def check(exchange: Exchange) -> str:
        refusals: list[str] = []
        for digest in exchange.digests:
            for read in _signatures(exchange, digest):
                try:
                    envelope = read()
                    if digest in signer.approved(envelope):
                        exchange.proofs.put(digest, keep(envelope))
                        return signer.name
                    refusals.append("the signature is about something else")
                except ArtifactError as error:
                    refusals.append(str(error))
        raise ArtifactError(_refusal(signer, refusals))

    return check


def _signer(policy: VerifyPolicy) -> Signer:
    """The signer of a policy; its library is loaded here, because few installations want one."""
    try:
        if policy.key is not None:
            from fluxsm.adapters.registry.public_key import KeySigner  # noqa: PLC0415

            return KeySigner(policy.key)
        from fluxsm.adapters.registry.identity import IdentitySigner  # noqa: PLC0415

        return IdentitySigner(policy)
    except ImportError as error:
        raise UsageError(
            f"--verify-artifact needs {error.name}, which is not installed:"
            " pip install 'fluxsm[verify]'"
        ) from None


def _refusal(signer: Signer, refusals: list[str]) -> str:
    wanted = f"it must be signed by {signer.name} (--verify-artifact)"
    if not refusals:
        return f"the artifact is not signed; {wanted}"
    reasons = "; ".join(dict.fromkeys(refusals))
    return f"no signature of the artifact is accepted: {reasons}; {wanted}"


def _signatures(exchange: Exchange, digest: str) -> Iterator[Read]:
    """What reads the signatures of a digest: the one that was accepted last, then each found."""
    proof = exchange.proofs.get(digest)
    if proof is not None:
        yield partial(kept, proof)
    tag = digest.replace(":", "-")
    repository = exchange.repository()
    simple = _parse(repository.find_manifest(f"{tag}.sig"))
    if isinstance(simple, Image):
        layers = [layer for layer in simple.layers if layer.media_type == SIMPLE_TYPE]
        for layer in layers[:MAX_SIGNATURES]:
            yield partial(_read_simple, exchange, layer)
    listed = _parse(repository.referrers(digest) or repository.find_manifest(tag))
    if isinstance(listed, Index):
        bundles = [item for item in listed.manifests if item.artifact_type in ("", *BUNDLE_TYPES)]
        for referrer in bundles[:MAX_SIGNATURES]:
            yield partial(_read_bundle, exchange, referrer)


def _parse(content: bytes | None) -> Image | Index | None:
    return parse_manifest(content) if content else None


def _read_simple(exchange: Exchange, layer: Descriptor) -> Envelope:
    payload = exchange.repository().blob(layer, SIGNATURE_BYTES)
    return simple_envelope(payload, layer.annotations)


def _read_bundle(exchange: Exchange, referrer: Descriptor) -> Envelope:
    image = exchange.manifest(referrer.digest)
    if isinstance(image, Image):
        for layer in image.layers:
            if layer.media_type in BUNDLE_TYPES:
                return bundle_envelope(exchange.repository().blob(layer, SIGNATURE_BYTES))
    raise ArtifactError("a referrer holds no Sigstore bundle")
