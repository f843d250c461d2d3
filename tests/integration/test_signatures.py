# SPDX-License-Identifier: Apache-2.0
"""An operator that takes only signed artifacts, with a real registry and a real API server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fluxsm.api import names
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until
from tests.integration.test_artifact import EVERY_SECOND, conditions, registry, runs, spec
from tests.registry import signing
from tests.registry.fixtures import distribution, push
from tests.registry.server import Registry
from tests.registry.sigstore import IDENTITY, ISSUER, Sigstore

pytestmark = pytest.mark.integration

__all__ = ["registry"]

Sign = Callable[[str, str], None]


def with_a_key(folder: Path) -> tuple[str, str, Sign]:
    """The policy of a key, what it is called, and what signs in the older layout."""
    key = signing.new_key()
    path = signing.write_public(key, folder / "cosign.pub")

    def sign(reference: str, digest: str) -> None:
        signing.push_simple(reference, digest, signing.simple(signing.signs(key), digest))

    return f"key={path}", f"the key {path}", sign


def with_an_identity(folder: Path) -> tuple[str, str, Sign]:
    """The policy of an identity, what it is called, and what signs in the newer layout."""
    services = Sigstore()
    root = services.write_root(folder / "trusted_root.json")

    def sign(reference: str, digest: str) -> None:
        signing.push_bundle(reference, digest, services.signed(digest))

    policy = f"identity={IDENTITY},issuer={ISSUER},trusted-root={root}"
    return policy, f"{IDENTITY} of {ISSUER}", sign


@pytest.mark.parametrize("signer", [with_a_key, with_an_identity])
def test_only_what_is_signed_is_installed(
    instance: Instance,
    operate: Callable[..., Operator],
    registry: Registry,
    tmp_path: Path,
    signer: Callable[[Path], tuple[str, str, Sign]],
) -> None:
    """First nothing, then what is signed; a newer release is left alone until it is signed too."""
    policy, name, sign = signer(tmp_path)
    reference = f"oci://{registry.host}/flux/manifests:latest"
    first = push(registry.host, distribution("v2.8.0"))
    operate(flags=[f"--artifact-cache={tmp_path / 'cache'}", f"--verify-artifact={policy}"])
    instance.create(spec(registry), EVERY_SECOND)
    ready = instance.becomes_failed(names.ARTIFACT_FAILED)
    assert "the artifact is not signed; it must be signed by " + name in ready["message"]
    assert instance.inventory() == []

    sign(reference, first)
    manifest = instance.becomes(runs("v2.8.0"), "v2.8.0", seconds=30)
    verified = conditions(manifest)[names.VERIFIED]
    assert verified["status"] == "True"
    assert verified["message"] == f"{reference} ({first}) is signed by {name}"
    until(lambda: names.VERIFIED in instance.reasons(), "the event", seconds=10)
    messages = [item["message"] for item in instance.events() if item["reason"] == names.VERIFIED]
    assert messages == [verified["message"]]

    second = push(registry.host, distribution("v2.8.0", "v2.8.1"))
    manifest = instance.becomes(
        lambda found: names.UPGRADE_BLOCKED in conditions(found), names.UPGRADE_BLOCKED, seconds=10
    )
    found = conditions(manifest)
    assert found[names.READY]["status"] == "True"
    assert found[names.UPGRADE_BLOCKED]["reason"] == names.ARTIFACT_FAILED
    assert "the artifact is not signed" in found[names.UPGRADE_BLOCKED]["message"]
    assert first in found[names.VERIFIED]["message"]

    sign(reference, second)
    manifest = instance.becomes(runs("v2.8.1"), "v2.8.1", seconds=30)
    assert names.UPGRADE_BLOCKED not in conditions(manifest)
    assert second in conditions(manifest)[names.VERIFIED]["message"]
