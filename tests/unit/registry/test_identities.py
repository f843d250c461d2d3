# SPDX-License-Identifier: Apache-2.0
"""Only artifacts that are signed by the identity that the policy names, verified offline."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sigstore as library

from fluxsm.adapters.registry.signatures import checker
from fluxsm.adapters.registry.signed import (
    CERTIFICATE_ANNOTATION,
    LOG_ANNOTATION,
    SIMPLE_ANNOTATION,
)
from fluxsm.core.settings import VerifyPolicy
from fluxsm.errors import ArtifactError, UsageError
from tests.registry import signing
from tests.registry.faulty import FaultyRegistry
from tests.registry.signing import (
    DIGEST,
    LAYER,
    OTHER,
    Offer,
    Stored,
    bundle,
    offer_bundle,
    offer_simple,
    offer_under_tag,
    signs,
    simple,
)
from tests.registry.sigstore import IDENTITY, ISSUER, SIGNED, Sigstore
from tests.unit.registry.conftest import Client

Prove: TypeAlias = Callable[..., Stored]

PROOFS: dict[str, tuple[Prove, Offer]] = {
    "simple signing": (Sigstore.annotated, offer_simple),
    "referrers": (Sigstore.signed, offer_bundle),
    "referrers by tag": (Sigstore.signed, offer_under_tag),
}

proofs = pytest.mark.parametrize(("prove", "offer"), PROOFS.values(), ids=PROOFS)


@pytest.fixture
def registry(faulty: FaultyRegistry) -> FaultyRegistry:
    """A registry with an artifact that is not signed yet."""
    faulty.serve(LAYER)
    return faulty


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    """The services that are trusted."""
    return Sigstore()


@pytest.fixture
def trusting(client: Client, sigstore: Sigstore, tmp_path: Path) -> Callable[[str], Any]:
    """Pull under the policy of an identity."""
    root = sigstore.write_root(tmp_path / "trusted_root.json")
    check = checker(_wanted(root))
    return lambda reference: client(verify=check).pull(reference, None)


class TestIdentity:
    """Signatures of somebody who has logged in, verified with a root from a file."""

    @proofs
    def test_what_the_identity_signed_is_taken(
        self,
        registry: FaultyRegistry,
        sigstore: Sigstore,
        trusting: Callable[[str], Any],
        prove: Prove,
        offer: Offer,
    ) -> None:
        """The artifact says by whom it is signed. Nobody but the registry is asked."""
        offer(registry, DIGEST, prove(sigstore, DIGEST))
        assert trusting(registry.reference).verified == f"{IDENTITY} of {ISSUER}"

    @proofs
    def test_what_was_verified_once_is_verified_again_from_the_cache(
        self,
        client: Client,
        registry: FaultyRegistry,
        sigstore: Sigstore,
        tmp_path: Path,
        prove: Prove,
        offer: Offer,
    ) -> None:
        """Without a request; and where what was kept is damaged, the registry is asked again."""
        cache = tmp_path / "cache"
        check = checker(_wanted(sigstore.write_root(tmp_path / "root.json")))
        offer(registry, DIGEST, prove(sigstore, DIGEST))
        client(cache, verify=check).pull(registry.reference, None)
        registry.seen.clear()
        pinned = f"{registry.reference}@{DIGEST}"
        assert client(cache, verify=check).pull(pinned, None).verified
        assert registry.seen == []
        (kept,) = (cache / "proofs").iterdir()
        annotations = {SIMPLE_ANNOTATION: "", CERTIFICATE_ANNOTATION: 5, LOG_ANNOTATION: []}
        kept.write_text(json.dumps({"payload": "", "annotations": annotations}))
        assert client(cache, verify=check).pull(pinned, None).verified
        assert registry.seen != []

    def test_without_a_signature_nothing_is_taken(
        self, registry: FaultyRegistry, trusting: Callable[[str], Any]
    ) -> None:
        """The message says who should have signed."""
        with pytest.raises(ArtifactError, match="the artifact is not signed") as caught:
            trusting(registry.reference)
        assert f"{IDENTITY} of {ISSUER} (--verify-artifact)" in str(caught.value)

    @proofs
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"identity": "https://example.org/else"}, "SANs do not match"),
            ({"issuer": "https://example.org"}, "OIDCIssuer does not match"),
            ({"late": timedelta(hours=1)}, "not valid at validation time"),
            ({"late": timedelta(hours=-1)}, "not valid at validation time"),
        ],
        ids=["identity", "issuer", "expired certificate", "certificate of the future"],
    )
    def test_somebody_else(
        self,
        registry: FaultyRegistry,
        sigstore: Sigstore,
        trusting: Callable[[str], Any],
        prove: Prove,
        offer: Offer,
        options: dict[str, Any],
        message: str,
    ) -> None:
        """A genuine signature, but not of whom the policy names, or not in time."""
        offer(registry, DIGEST, prove(sigstore, DIGEST, **options))
        with pytest.raises(ArtifactError, match=message):
            trusting(registry.reference)

    @proofs
    def test_another_digest(
        self,
        registry: FaultyRegistry,
        sigstore: Sigstore,
        trusting: Callable[[str], Any],
        prove: Prove,
        offer: Offer,
    ) -> None:
        """A genuine signature of another artifact."""
        offer(registry, DIGEST, prove(sigstore, OTHER))
        with pytest.raises(ArtifactError, match="the signature is about something else"):
            trusting(registry.reference)

    @proofs
    def test_another_sigstore(
        self,
        registry: FaultyRegistry,
        trusting: Callable[[str], Any],
        prove: Prove,
        offer: Offer,
    ) -> None:
        """Services that claim the same, with keys that the root does not know."""
        offer(registry, DIGEST, prove(Sigstore(), DIGEST))
        with pytest.raises(ArtifactError, match="failed to build timestamp certificate chain"):
            trusting(registry.reference)

    @proofs
    def test_a_root_that_had_expired(
        self,
        client: Client,
        registry: FaultyRegistry,
        tmp_path: Path,
        prove: Prove,
        offer: Offer,
    ) -> None:
        """An authority whose certificate had ended when the signature was made."""
        ended = Sigstore(end=SIGNED - timedelta(days=1))
        policy = _wanted(ended.write_root(tmp_path / "ended.json"))
        offer(registry, DIGEST, prove(ended, DIGEST))
        with pytest.raises(ArtifactError, match="failed to build timestamp certificate chain"):
            client(verify=checker(policy)).pull(registry.reference, None)

    def test_a_key_is_no_identity(
        self,
        registry: FaultyRegistry,
        trusting: Callable[[str], Any],
    ) -> None:
        """What a key signed has no certificate, in either layout."""
        key = signing.new_key()
        offer_bundle(registry, DIGEST, bundle(signs(key), DIGEST))
        with pytest.raises(ArtifactError, match="not genuine: failed to load bundle"):
            trusting(registry.reference)
        offer_simple(registry, DIGEST, simple(signs(key), DIGEST))
        with pytest.raises(ArtifactError, match="no certificate and log entry beside it"):
            trusting(registry.reference)

    @pytest.mark.parametrize("part", ["payload", "signature", "promise", "checkpoint", "root"])
    def test_a_tampered_part_of_a_bundle(
        self,
        registry: FaultyRegistry,
        sigstore: Sigstore,
        trusting: Callable[[str], Any],
        part: str,
    ) -> None:
        """Each part of the proof is needed; the message says that it is not genuine."""
        signed, other = sigstore.sign(DIGEST), sigstore.sign(DIGEST)
        _replace(signed, other, part)
        offer_bundle(registry, DIGEST, signing.stored_bundle(signed))
        with pytest.raises(ArtifactError, match="the signature is not genuine: "):
            trusting(registry.reference)

    @pytest.mark.parametrize("part", [SIMPLE_ANNOTATION, CERTIFICATE_ANNOTATION, LOG_ANNOTATION])
    def test_a_tampered_annotation(
        self,
        registry: FaultyRegistry,
        sigstore: Sigstore,
        trusting: Callable[[str], Any],
        part: str,
    ) -> None:
        """Signature, certificate and log entry must belong together."""
        payload, annotations = sigstore.annotate(DIGEST)
        annotations[part] = sigstore.annotate(DIGEST)[1][part]
        offer_simple(registry, DIGEST, signing.stored_simple(payload, annotations))
        with pytest.raises(ArtifactError, match="the signature is not genuine: "):
            trusting(registry.reference)

    def test_a_tampered_document(
        self, registry: FaultyRegistry, sigstore: Sigstore, trusting: Callable[[str], Any]
    ) -> None:
        """The proofs of another artifact beside a document about ours."""
        _, annotations = sigstore.annotate(OTHER)
        payload = signing.simple_payload(DIGEST)
        offer_simple(registry, DIGEST, signing.stored_simple(payload, annotations))
        with pytest.raises(ArtifactError, match="Signature is invalid for input"):
            trusting(registry.reference)

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ({"integratedTime": 1748736060}, "SET: invalid inclusion promise"),
            ({"integratedTime": 0}, "not enough sources of verified time"),
            ({"logIndex": 7}, "SET: invalid inclusion promise"),
            ({"logID": "00" * 32}, "SET: invalid inclusion promise"),
            ({"logID": "none"}, "no certificate and log entry beside it"),
            ({"body": "e30="}, "no certificate and log entry beside it"),
            ({"body": 1}, "no certificate and log entry beside it"),
        ],
        ids=["time", "no time", "index", "log", "no log", "empty body", "no body"],
    )
    def test_a_tampered_promise(
        self,
        registry: FaultyRegistry,
        sigstore: Sigstore,
        trusting: Callable[[str], Any],
        entry: dict[str, Any],
        message: str,
    ) -> None:
        """The log's promise is about each item of its entry."""
        payload, annotations = sigstore.annotate(DIGEST)
        log = json.loads(annotations[LOG_ANNOTATION])
        log["Payload"] |= entry
        annotations[LOG_ANNOTATION] = json.dumps(log)
        offer_simple(registry, DIGEST, signing.stored_simple(payload, annotations))
        with pytest.raises(ArtifactError, match=message):
            trusting(registry.reference)

    @pytest.mark.parametrize("part", [CERTIFICATE_ANNOTATION, LOG_ANNOTATION])
    @pytest.mark.parametrize("text", ["", "§", "{}", "[]", "1", "[" * 9999])
    def test_annotations_that_are_none(
        self,
        registry: FaultyRegistry,
        sigstore: Sigstore,
        trusting: Callable[[str], Any],
        part: str,
        text: str,
    ) -> None:
        """A refusal, not a crash."""
        payload, annotations = sigstore.annotate(DIGEST)
        stored = signing.stored_simple(payload, annotations | {part: text})
        offer_simple(registry, DIGEST, stored)
        with pytest.raises(ArtifactError, match="no certificate and log entry beside it"):
            trusting(registry.reference)


class TestTrustedRoot:
    """The root must be there when the operator starts."""

    def test_that_of_the_public_services(self) -> None:
        """Everything in it is understood: the library brings a copy of it."""
        store = Path(library.__file__).parent / "_store"
        (root,) = store.glob("*sigstore.dev/trusted_root.json")
        checker(_wanted(root))

    def test_a_trusted_root_that_is_missing(self, tmp_path: Path) -> None:
        """The message names flag and file."""
        with pytest.raises(UsageError, match=r"--verify-artifact: .*root\.json cannot be read"):
            checker(_wanted(tmp_path / "root.json"))

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"mediaType": "text/plain"}, "is no trusted root of Sigstore"),
            ({"tlogs": []}, "contains no transparency log instances"),
            ({"certificateAuthorities": []}, "Fulcio certificates not found"),
            ({"tlogs": "none"}, "is no trusted root of Sigstore"),
        ],
    )
    def test_a_broken_trusted_root(
        self, sigstore: Sigstore, tmp_path: Path, changed: dict[str, Any], message: str
    ) -> None:
        """The message says what is missing."""
        with pytest.raises(UsageError, match=message):
            checker(_wanted(sigstore.write_root(tmp_path / "root.json", **changed)))

    def test_a_library_that_is_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The message says how it is installed."""
        monkeypatch.setitem(__import__("sys").modules, "fluxsm.adapters.registry.identity", None)
        with pytest.raises(UsageError, match=r"pip install 'fluxsm\[verify\]'"):
            checker(_wanted(tmp_path / "root.json"))


def _wanted(root: Path) -> VerifyPolicy:
    return VerifyPolicy(identity=IDENTITY, issuer=ISSUER, trusted_root=root)


def _replace(signed: dict[str, Any], other: dict[str, Any], part: str) -> None:
    """Put a part of another proof, or of another payload, into a proof."""
    (entry,) = signed["verificationMaterial"]["tlogEntries"]
    (foreign,) = other["verificationMaterial"]["tlogEntries"]
    envelope, proof = signed["dsseEnvelope"], entry["inclusionProof"]
    match part:
        case "payload":
            envelope["payload"] = signing.b64(signing.statement(OTHER))
        case "signature":
            envelope["signatures"] = other["dsseEnvelope"]["signatures"]
        case "promise":
            entry["inclusionPromise"] = foreign["inclusionPromise"]
        case "checkpoint":
            proof["checkpoint"] = foreign["inclusionProof"]["checkpoint"]
        case "root":
            proof["rootHash"] = foreign["inclusionProof"]["rootHash"]
