# SPDX-License-Identifier: Apache-2.0
"""Only artifacts that are signed by whom the policy names; each refusal says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fluxsm.adapters.registry import signatures
from fluxsm.adapters.registry.oci_manifest import OCI_INDEX, artifact_manifest, digest_of
from fluxsm.adapters.registry.signatures import checker
from fluxsm.adapters.registry.signed import SIMPLE_ANNOTATION
from fluxsm.core.settings import VerifyPolicy
from fluxsm.errors import ArtifactError, UsageError
from tests.registry import signing
from tests.registry.faulty import FILES, Answer, FaultyRegistry
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
from tests.unit.registry.conftest import Client

PROVENANCE = "https://slsa.dev/provenance/v1"

Make: TypeAlias = Callable[..., Stored]

LAYOUTS: dict[str, tuple[Make, Offer]] = {
    "simple signing": (simple, offer_simple),
    "referrers": (bundle, offer_bundle),
    "referrers by tag": (bundle, offer_under_tag),
}

layouts = pytest.mark.parametrize(("make", "offer"), LAYOUTS.values(), ids=LAYOUTS)


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    """The key that is trusted."""
    return signing.new_key()


@pytest.fixture
def policy(key: ec.EllipticCurvePrivateKey, tmp_path: Path) -> VerifyPolicy:
    """Trust that key."""
    return VerifyPolicy(key=signing.write_public(key, tmp_path / "cosign.pub"))


@pytest.fixture
def registry(faulty: FaultyRegistry) -> FaultyRegistry:
    """A registry with an artifact that is not signed yet."""
    faulty.serve(LAYER)
    return faulty


@pytest.fixture
def pull(client: Client, registry: FaultyRegistry, policy: VerifyPolicy) -> Callable[[], Any]:
    """Pull the artifact under the policy."""
    return lambda: client(verify=checker(policy)).pull(registry.reference, None)


class TestKey:
    """Signatures that a key has made."""

    @layouts
    def test_what_the_key_signed_is_taken(
        self,
        registry: FaultyRegistry,
        pull: Callable[[], Any],
        key: ec.EllipticCurvePrivateKey,
        policy: VerifyPolicy,
        make: Make,
        offer: Offer,
    ) -> None:
        """In both layouts of cosign, and the artifact says by whom it is signed."""
        offer(registry, DIGEST, make(signs(key), DIGEST))
        found = pull()
        assert found.digest == DIGEST
        assert found.files == FILES
        assert found.verified == f"the key {policy.key}"

    def test_without_a_signature_nothing_is_taken(
        self, registry: FaultyRegistry, pull: Callable[[], Any], policy: VerifyPolicy
    ) -> None:
        """The message says what is wanted, by which flag; the layer is not even asked for."""
        with pytest.raises(ArtifactError, match="the artifact is not signed") as caught:
            pull()
        assert f"it must be signed by the key {policy.key} (--verify-artifact)" in str(caught.value)
        assert not [item for item in registry.seen if "/blobs/" in item.path]

    @layouts
    def test_another_key(
        self, registry: FaultyRegistry, pull: Callable[[], Any], make: Make, offer: Offer
    ) -> None:
        """Somebody else may sign what they like."""
        offer(registry, DIGEST, make(signs(signing.new_key()), DIGEST))
        with pytest.raises(ArtifactError, match="the signature was not made with that key"):
            pull()

    @layouts
    def test_another_digest(
        self,
        registry: FaultyRegistry,
        pull: Callable[[], Any],
        key: ec.EllipticCurvePrivateKey,
        make: Make,
        offer: Offer,
    ) -> None:
        """A genuine signature of an older release, laid beside a newer one."""
        offer(registry, DIGEST, make(signs(key), OTHER))
        with pytest.raises(ArtifactError, match="the signature is about something else"):
            pull()

    @layouts
    def test_a_tampered_payload(
        self,
        registry: FaultyRegistry,
        pull: Callable[[], Any],
        key: ec.EllipticCurvePrivateKey,
        make: Make,
        offer: Offer,
    ) -> None:
        """The signature of one payload with another, which names our digest."""

        def of_another_payload(data: bytes) -> bytes:
            return signs(key)(data.replace(b"sha256", b"sha512"))

        offer(registry, DIGEST, make(of_another_payload, DIGEST))
        with pytest.raises(ArtifactError, match="the signature was not made with that key"):
            pull()

    def test_a_signature_that_is_no_base64(
        self, registry: FaultyRegistry, pull: Callable[[], Any], key: ec.EllipticCurvePrivateKey
    ) -> None:
        """A refusal, not a crash."""
        offer_simple(registry, DIGEST, simple(signs(key), DIGEST, signature="§§§"))
        with pytest.raises(ArtifactError, match="the signature is not base64"):
            pull()

    @pytest.mark.parametrize(
        "content",
        [b"{}", b"[]", b'"x"', b"no JSON", b'{"dsseEnvelope": {"payload": 1}}', b"[" * 9999],
        ids=["empty", "list", "text", "no JSON", "half an envelope", "deep"],
    )
    def test_a_bundle_that_is_none(
        self, registry: FaultyRegistry, pull: Callable[[], Any], content: bytes
    ) -> None:
        """A refusal, not a crash."""
        stored = signing.stored_bundle({})
        digest, size = digest_of(stored.layer), len(stored.layer)
        text = stored.manifest.decode().replace(digest, digest_of(content))
        manifest = text.replace(f'"size": {size}, "ann', f'"size": {len(content)}, "ann')
        offer_bundle(registry, DIGEST, Stored(manifest.encode(), content))
        with pytest.raises(ArtifactError, match="the signature bundle has no DSSE envelope"):
            pull()

    def test_another_statement_is_no_approval(
        self, registry: FaultyRegistry, pull: Callable[[], Any], key: ec.EllipticCurvePrivateKey
    ) -> None:
        """Who attests how a thing was built does not thereby say that it may be installed."""
        offer_bundle(registry, DIGEST, bundle(signs(key), DIGEST, predicate=PROVENANCE))
        with pytest.raises(ArtifactError, match="the signature is about something else"):
            pull()

    @pytest.mark.parametrize(
        "content",
        [
            b"{}", b"[]", b"1", b"no JSON", b"[" * 9999, b'{"critical": []}',
            signing.simple_payload(DIGEST).replace(b"cosign container", b"some other"),
            signing.simple_payload(DIGEST).replace(b"docker-manifest-digest", b"digest"),
        ],
        ids=[
            "empty", "list", "number", "no JSON", "deep", "no parts", "another document",
            "no digest",
        ],
    )  # fmt: skip
    def test_what_else_the_key_signs_is_no_approval(
        self,
        registry: FaultyRegistry,
        pull: Callable[[], Any],
        key: ec.EllipticCurvePrivateKey,
        content: bytes,
    ) -> None:
        """A genuine signature, but of no document of cosign."""
        annotations = {SIMPLE_ANNOTATION: signing.b64(signs(key)(content))}
        offer_simple(registry, DIGEST, signing.stored_simple(content, annotations))
        with pytest.raises(ArtifactError, match="what is signed is not a signature"):
            pull()

    def test_one_good_signature_among_others_is_enough(
        self, registry: FaultyRegistry, pull: Callable[[], Any], key: ec.EllipticCurvePrivateKey
    ) -> None:
        """What the registry lists besides is looked over."""
        offer_bundle(
            registry,
            DIGEST,
            bundle(signs(signing.new_key()), DIGEST),
            bundle(signs(key), DIGEST, predicate=PROVENANCE),
            bundle(signs(key), DIGEST),
        )
        assert pull().digest == DIGEST

    def test_the_number_of_signatures_is_limited(
        self,
        registry: FaultyRegistry,
        pull: Callable[[], Any],
        key: ec.EllipticCurvePrivateKey,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """So that nobody keeps the operator busy with false ones."""
        monkeypatch.setattr(signatures, "MAX_SIGNATURES", 2)
        false = [bundle(signs(signing.new_key()), DIGEST) for _ in range(2)]
        offer_bundle(registry, DIGEST, false[0], bundle(signs(key), DIGEST))
        assert pull().digest == DIGEST
        offer_bundle(registry, DIGEST, *false, bundle(signs(key), DIGEST))
        with pytest.raises(ArtifactError, match="the signature was not made with that key"):
            pull()

    def test_the_signature_of_an_index_counts_for_its_manifests(
        self,
        client: Client,
        registry: FaultyRegistry,
        policy: VerifyPolicy,
        key: ec.EllipticCurvePrivateKey,
    ) -> None:
        """It names them by digest. That of an index which does not name ours counts nothing."""
        index = _index(DIGEST, len(artifact_manifest(LAYER, {})))
        registry.serve(LAYER, index, "multi")
        offer_simple(registry, digest_of(index), simple(signs(key), digest_of(index)))
        reference = registry.reference.replace(":latest", ":multi")
        assert client(verify=checker(policy)).pull(reference, None).digest == DIGEST
        with pytest.raises(ArtifactError, match="the artifact is not signed"):
            client(verify=checker(policy)).pull(registry.reference, None)

    def test_a_registry_that_refuses_to_tell_is_no_approval(
        self, registry: FaultyRegistry, pull: Callable[[], Any]
    ) -> None:
        """Neither are a page of something else and a list that is none."""
        path = f"/v2/flux/manifests/referrers/{DIGEST}"
        registry.on("GET", path, Answer(status=403))
        with pytest.raises(ArtifactError, match="403"):
            pull()
        registry.on("GET", path, Answer(body=b"<html>"))
        with pytest.raises(ArtifactError, match="the manifest is not JSON"):
            pull()

    def test_no_policy_asks_for_no_signature(
        self, client: Client, registry: FaultyRegistry
    ) -> None:
        """One request for the manifest, one for the layer."""
        assert client().pull(registry.reference, None).verified is None
        assert not [item for item in registry.seen if "sha256-" in item.path]

    @pytest.mark.parametrize("kind", ["rsa", "ed25519"])
    def test_other_kinds_of_keys(
        self, client: Client, registry: FaultyRegistry, tmp_path: Path, kind: str
    ) -> None:
        """RSA as PKCS #1 v1.5 with SHA-256, and Ed25519."""
        sign: signing.Sign
        if kind == "rsa":
            long = rsa.generate_private_key(65537, 2048)
            public, sign = long.public_key(), lambda data: long.sign(data, PKCS1v15(), SHA256())
        else:
            short = ed25519.Ed25519PrivateKey.generate()
            public, sign = short.public_key(), short.sign  # type: ignore[assignment]
        path = tmp_path / "other.pub"
        path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        trusting = client(verify=checker(VerifyPolicy(key=path)))
        offer_simple(registry, DIGEST, simple(signs(signing.new_key()), DIGEST))
        with pytest.raises(ArtifactError, match="the signature was not made with that key"):
            trusting.pull(registry.reference, None)
        offer_simple(registry, DIGEST, simple(sign, DIGEST))
        assert trusting.pull(registry.reference, None).digest == DIGEST


class TestAway:
    """A registry that is away takes no verified artifact from us, and gives none in."""

    @layouts
    def test_what_was_verified_once_is_verified_again_from_the_cache(
        self,
        client: Client,
        registry: FaultyRegistry,
        policy: VerifyPolicy,
        key: ec.EllipticCurvePrivateKey,
        tmp_path: Path,
        make: Make,
        offer: Offer,
    ) -> None:
        """Without a request, by digest; so drift is repaired after a restart too."""
        offer(registry, DIGEST, make(signs(key), DIGEST))
        cache = tmp_path / "cache"
        client(cache, verify=checker(policy)).pull(registry.reference, None)
        registry.seen.clear()
        found = client(cache, verify=checker(policy)).pull(f"{registry.reference}@{DIGEST}", None)
        assert found.verified
        assert registry.seen == []

    @pytest.mark.parametrize("proof", [b"damaged", b"[]", b"{}", b"1"])
    def test_a_kept_signature_is_not_believed_but_verified(
        self,
        client: Client,
        registry: FaultyRegistry,
        policy: VerifyPolicy,
        key: ec.EllipticCurvePrivateKey,
        tmp_path: Path,
        proof: bytes,
    ) -> None:
        """What somebody puts into the cache is looked at like any other signature."""
        offer_simple(registry, DIGEST, simple(signs(key), DIGEST))
        cache = tmp_path / "cache"
        client(cache, verify=checker(policy)).pull(registry.reference, None)
        (kept,) = (cache / "proofs").iterdir()
        kept.write_bytes(proof)
        assert client(cache, verify=checker(policy)).pull(registry.reference, None).verified
        other = VerifyPolicy(key=signing.write_public(signing.new_key(), tmp_path / "other.pub"))
        with pytest.raises(ArtifactError, match="the signature was not made with that key"):
            client(cache, verify=checker(other)).pull(registry.reference, None)


class TestPolicy:
    """What the policy names must be there when the operator starts."""

    def test_a_key_that_is_missing_or_none(self, tmp_path: Path) -> None:
        """The message names flag and file."""
        path = tmp_path / "cosign.pub"
        with pytest.raises(UsageError, match=r"--verify-artifact: .*cosign\.pub cannot be read"):
            checker(VerifyPolicy(key=path))
        path.write_text("no key")
        with pytest.raises(UsageError, match=r"cosign\.pub is no public key in PEM"):
            checker(VerifyPolicy(key=path))
        public = x25519.X25519PrivateKey.generate().public_key()
        path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        with pytest.raises(UsageError, match="is no ECDSA, RSA or Ed25519 key"):
            checker(VerifyPolicy(key=path))


def _index(digest: str, size: int) -> bytes:
    platform = {"os": "linux", "architecture": "amd64"}
    entry = {"digest": digest, "size": size, "platform": platform}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
