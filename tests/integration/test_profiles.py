# SPDX-License-Identifier: Apache-2.0
"""Everything switched on at once, installed and removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.conftest import flux_crds
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until
from tests.integration.resources import flux_crd_objects
from tests.integration.test_install import managed
from tests.integration.test_lifecycle import default_spec

pytestmark = pytest.mark.integration

SHARDS = ("shard1", "shard2")
SHARDED = (
    "source-controller", "kustomize-controller", "helm-controller", "image-reflector-controller",
    "image-automation-controller",
)  # fmt: skip
ALL = [*SHARDED, "notification-controller", "source-watcher"]
KEY = "sharding.fluxcd.io/key"


def test_all_profiles_at_once(
    instance: Instance, operate: Callable[..., Operator], upstream: Path
) -> None:
    """Seven components, OpenShift, large, multi-tenant and sharded: built, served, removed."""
    operator = operate(storage=upstream)
    cluster = {"type": "openshift", "size": "large", "multitenant": True}
    shards = {"shards": list(SHARDS)}
    instance.create(
        {**default_spec("v2.7.x"), "components": ALL, "cluster": cluster, "sharding": shards}
    )
    instance.becomes_ready()
    check_sync(instance)
    check_tenants(instance)
    for shard in SHARDS:
        check_shard(instance, shard)
    assert instance.deployment(f"source-watcher-{SHARDS[0]}") is None
    check_kinds(instance)
    instance.delete()
    instance.goes()
    until(lambda: flux_crds(instance.cluster) == [], "end of the Flux CRDs")
    assert managed(instance) == {f"_{instance.namespace}__Namespace"}
    assert operator.errors() == []


def check_sync(instance: Instance) -> None:
    """The sync does not act as a tenant."""
    api = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{instance.namespace}/kustomizations"
    sync = instance.cluster.request("GET", f"{api}/{instance.namespace}")
    assert sync["spec"]["serviceAccountName"] == "kustomize-controller"


def container_of(instance: Instance, name: str) -> Manifest:
    """The container of a controller that is there."""
    deployment = instance.deployment(name)
    assert deployment is not None, name
    assert deployment["spec"]["replicas"] == 0, "the patch of the user wins"
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    found: Manifest = container
    return found


def check_tenants(instance: Instance) -> None:
    """Tenants are locked in; resources are large; OpenShift sets its own seccomp profile."""
    container = container_of(instance, "kustomize-controller")
    assert set(container["args"]) >= {
        "--no-cross-namespace-refs=true",
        "--default-service-account=default",
        "--no-remote-bases=true",
        "--feature-gates=ExternalArtifact=true",
    }
    assert container["resources"]["limits"] == {"cpu": "3", "memory": "3Gi"}
    assert "seccompProfile" not in container["securityContext"]


def check_shard(instance: Instance, shard: str) -> None:
    """Each shard has controllers of its own, which see nothing else."""
    for name in SHARDED:
        container = container_of(instance, f"{name}-{shard}")
        assert f"--watch-label-selector={KEY}={shard}" in container["args"], name
    address = f"source-controller-{shard}.$(RUNTIME_NAMESPACE).svc.cluster.local."
    source = container_of(instance, f"source-controller-{shard}")
    assert f"--storage-adv-addr={address}" in source["args"]
    kustomize = container_of(instance, f"kustomize-controller-{shard}")
    assert kustomize["resources"]["limits"] == {"cpu": "3", "memory": "3Gi"}


def check_kinds(instance: Instance) -> None:
    """Flux can notify about the operator, and wake it."""
    schemas = {
        crd["spec"]["names"]["kind"]: json.dumps(crd["spec"]["versions"])
        for crd in flux_crd_objects(instance.cluster)
    }
    assert f'"{names.INSTANCE_KIND}"' in schemas["Alert"]
    assert f'"{names.INSTANCE_KIND}"' in schemas["Receiver"]
    assert '"ResourceSetInputProvider"' in schemas["Receiver"]
