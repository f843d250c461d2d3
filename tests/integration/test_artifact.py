# SPDX-License-Identifier: Apache-2.0
"""A FluxInstance whose manifests come from a real registry, on a real API server."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fluxsm.adapters.registry.archive import pack
from fluxsm.adapters.registry.client import OrasRegistry
from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until
from tests.registry.fixtures import (
    certificate,
    distribution,
    locked_registry,
    login,
    push,
    push_image,
    push_layer,
    tls_registry,
)
from tests.registry.server import PASSWORD, USER, Certificate, Registry

pytestmark = pytest.mark.integration

__all__ = ["certificate", "locked_registry", "tls_registry"]

EVERY_SECOND = {names.RECONCILE_ARTIFACT_EVERY: "1s"}
SECRET = "regcred"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry of the test's own, which it may stop."""
    with Registry(tmp_path / "registry") as found:
        yield found


@pytest.fixture
def start(operate: Callable[..., Operator], tmp_path: Path) -> Callable[..., Operator]:
    """Start an operator with a cache of its own, which a second one of the test shares."""

    def begin(*flags: str) -> Operator:
        return operate(flags=[f"--artifact-cache={tmp_path / 'cache'}", *flags])

    return begin


def spec(registry: Registry, **extra: str) -> Manifest:
    """A small instance with the artifact of a registry."""
    artifact = f"oci://{registry.host}/flux/manifests:latest"
    wanted = {"version": "2.x", "registry": "ghcr.io/fluxcd", "artifact": artifact, **extra}
    return {"distribution": wanted, "components": ["source-controller"]}


def runs(version: str) -> Callable[[Manifest], bool]:
    """Whether an instance is Ready with a version."""

    def holds(manifest: Manifest) -> bool:
        status = manifest.get("status") or {}
        applied = str(status.get("lastAppliedRevision", ""))
        return applied.startswith(f"{version}@") and status.get("state") == "Ready"

    return holds


def conditions(manifest: Manifest) -> dict[str, Any]:
    """The conditions by type."""
    return {item["type"]: item for item in manifest["status"].get("conditions") or []}


def put_secret(instance: Instance, host: str, password: str) -> None:
    """Write the pull secret of the namespace."""
    auths = {"auths": {host: {"username": USER, "password": password}}}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": instance.namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(json.dumps(auths).encode()).decode()},
    }
    instance.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(secret))


def test_newer_patches_are_installed_and_broken_ones_are_not(
    instance: Instance, start: Callable[..., Operator], registry: Registry
) -> None:
    """Ready, upgraded, blocked but still Ready, and free again: all within seconds."""
    first = push(registry.host, distribution("v2.8.0"))
    operator = start()
    instance.create(spec(registry), EVERY_SECOND)
    manifest = instance.becomes(runs("v2.8.0"), "v2.8.0")
    assert manifest["status"]["lastArtifactRevision"] == first

    second = push(registry.host, distribution("v2.8.0", "v2.8.1"))
    manifest = instance.becomes(runs("v2.8.1"), "v2.8.1", seconds=10)
    assert manifest["status"]["lastArtifactRevision"] == second

    push_layer(registry.host, b"no archive at all")
    manifest = instance.becomes(
        lambda found: names.UPGRADE_BLOCKED in conditions(found), names.UPGRADE_BLOCKED, seconds=10
    )
    found = conditions(manifest)
    assert found[names.READY]["status"] == "True"
    assert found[names.UPGRADE_BLOCKED]["reason"] == names.ARTIFACT_FAILED
    assert "not gzip" in found[names.UPGRADE_BLOCKED]["message"]
    assert manifest["status"]["lastArtifactRevision"] == second
    assert names.ARTIFACT_FAILED in instance.reasons()

    push(registry.host, distribution("v2.8.2"))
    manifest = instance.becomes(runs("v2.8.2"), "v2.8.2", seconds=10)
    assert names.UPGRADE_BLOCKED not in conditions(manifest)
    assert operator.errors() == []


def test_drift_is_repaired_while_the_registry_is_away(
    instance: Instance, start: Callable[..., Operator], registry: Registry
) -> None:
    """By the process that installed it, and by a new one that finds the artifact in its cache."""
    push(registry.host, distribution("v2.8.0"))
    operator = start()
    instance.create(spec(registry), EVERY_SECOND)
    instance.becomes(runs("v2.8.0"), "v2.8.0")
    registry.stop()
    until(lambda: names.ARTIFACT_FAILED in instance.reasons(), "event", seconds=10)
    assert instance.condition(names.READY)["status"] == "True"
    path = f"/apis/apps/v1/namespaces/{instance.namespace}/deployments/source-controller"
    instance.cluster.request("DELETE", path)
    until(lambda: instance.get(path), "repair by the same process", seconds=10)

    operator.stop()
    operator.start()
    manifest = instance.becomes(
        lambda found: names.UPGRADE_BLOCKED in conditions(found), names.UPGRADE_BLOCKED, seconds=15
    )
    assert conditions(manifest)[names.READY]["status"] == "True"
    instance.cluster.request("DELETE", path)
    until(lambda: instance.get(path), "repair by a new process", seconds=10)


def test_wrong_credentials_are_reported_and_can_be_corrected(
    instance: Instance, start: Callable[..., Operator], locked_registry: Registry
) -> None:
    """The message names host and Secret, and no password; the correction is noticed by itself."""
    host = locked_registry.host
    push(host, distribution("v2.8.0"), config=login(host))
    operator = start()
    put_secret(instance, host, "wrong-password")
    instance.create(spec(locked_registry, artifactPullSecret=SECRET))
    ready = instance.becomes_failed(names.ARTIFACT_FAILED)
    assert host in ready["message"]
    assert f"Secret {instance.namespace}/{SECRET}" in ready["message"]
    put_secret(instance, host, PASSWORD)
    instance.becomes(runs("v2.8.0"), "v2.8.0", seconds=20)
    everything = operator.log.read_text() + json.dumps([instance.read(), instance.events()])
    assert "wrong-password" not in everything
    assert PASSWORD not in everything


def test_a_private_authority_is_trusted_when_it_is_named(
    instance: Instance,
    start: Callable[..., Operator],
    tls_registry: Registry,
    certificate: Certificate,
) -> None:
    """Without the flag the message says which flag is missing."""
    host = tls_registry.host
    client = OrasRegistry(cache_dir=None, ca_file=certificate.authority)
    artifact = f"oci://{host}/flux/manifests:latest"
    client.push(artifact, login(host), pack(distribution("v2.8.0")), {})
    put_secret(instance, host, PASSWORD)
    operator = start()
    instance.create(spec(tls_registry, artifactPullSecret=SECRET))
    ready = instance.becomes_failed(names.ARTIFACT_FAILED)
    assert "--registry-ca-file" in ready["message"]
    operator.stop()
    start(f"--registry-ca-file={certificate.authority}")
    instance.becomes(runs("v2.8.0"), "v2.8.0", seconds=20)


def test_images_are_pinned_by_what_their_registry_says(
    instance: Instance, start: Callable[..., Operator], locked_registry: Registry
) -> None:
    """By the digest of the index; an image that the registry lacks is named until it is there."""
    host = locked_registry.host
    mirror = f"{host}/mirror"
    put_secret(instance, host, PASSWORD)
    start("--resolve-digests")
    wanted = {"version": "2.8.x", "registry": mirror, "imagePullSecret": SECRET}
    instance.create({"distribution": wanted, "components": ["source-controller"]})
    ready = instance.becomes_failed(names.ARTIFACT_FAILED)
    image = ready["message"].partition(": ")[2].partition(": ")[0].removeprefix("oci://")
    assert image.startswith(f"{mirror}/source-controller:v"), ready["message"]
    assert instance.inventory() == []

    digest = push_image(host, "mirror/source-controller", image.rpartition(":")[2], login(host))
    instance.becomes(lambda found: found["status"].get("state") == "Ready", "Ready", seconds=30)
    deployment = instance.deployment("source-controller") or {}
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{image}@{digest}"
    assert [item["digest"] for item in instance.status["components"]] == [digest]
