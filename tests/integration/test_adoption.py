# SPDX-License-Identifier: Apache-2.0
"""A Flux that somebody else has installed is taken over without a restart."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.api import names
from fluxsm.api.instance import parse_instance
from fluxsm.api.objects import Manifest
from fluxsm.build.pipeline import build
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

COMPONENTS = [*names.DEFAULT_COMPONENTS, "image-reflector-controller"]
SPEC: Manifest = {
    "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
    "components": COMPONENTS,
}
BOOTSTRAPPED = {
    "kustomize.toolkit.fluxcd.io/name": "flux-system",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}
HELM = {"meta.helm.sh/release-name": "flux2", "meta.helm.sh/release-namespace": "flux-system"}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How a Deployment came into the cluster before.

    Attributes:
        manager: the field manager that it leaves behind.
        command: of kubectl.
        labels: that it puts on objects.
        annotations: likewise.
    """

    manager: str
    command: tuple[str, ...]
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


SERVER_SIDE = ("apply", "--server-side")
ORIGINS = {
    "source-controller": Origin(
        manager="kustomize-controller",
        command=(*SERVER_SIDE, "--field-manager=kustomize-controller"),
        labels=BOOTSTRAPPED,
    ),
    "kustomize-controller": Origin(
        manager="helm", command=("create", "--field-manager=helm"), annotations=HELM
    ),
    "helm-controller": Origin(manager="kubectl-client-side-apply", command=("apply",)),
    "notification-controller": Origin(
        manager="flux", command=(*SERVER_SIDE, "--field-manager=flux")
    ),
    "image-reflector-controller": Origin(
        manager="argocd-controller", command=(*SERVER_SIDE, "--field-manager=argocd-controller")
    ),
}


@pytest.mark.parametrize("extra", [False, True], ids=["equal", "with a field of their own"])
def test_a_running_flux_is_taken_over(instance: Instance, operate: Operate, *, extra: bool) -> None:
    """Former owners and their marks are gone; Pods stay where the spec is equal."""
    install(instance, extra=extra)
    before = {name: running(instance, name) for name in COMPONENTS}
    operator = operate(flags=["--override-manager=argocd-controller"])
    instance.create(SPEC)
    instance.becomes_ready()
    for name, origin in ORIGINS.items():
        deployment = instance.deployment(name) or {}
        assert managers(deployment) == {"flux-operator"}, name
        metadata = deployment["metadata"]
        assert not (BOOTSTRAPPED.keys() & metadata["labels"].keys())
        assert not (HELM.keys() & metadata["annotations"].keys())
        assert "kubectl.kubernetes.io/last-applied-configuration" not in metadata["annotations"]
        if extra:
            assert "EXTRA" not in json.dumps(deployment["spec"]), origin.manager
        else:
            assert running(instance, name) == before[name], origin.manager
    assert operator.errors() == []


def install(instance: Instance, *, extra: bool) -> None:
    """Install the Deployments of Flux in the way of each origin, the rest with kubectl."""
    objects = built(instance)
    deployments = [item for item in objects if item["kind"] == "Deployment"]
    rest = [item for item in objects if item["kind"] not in {"Deployment", "ResourceQuota"}]
    everything = {"apiVersion": "v1", "kind": "List", "items": rest}
    instance.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(everything))
    for item in deployments:
        origin = ORIGINS[item["metadata"]["name"]]
        item["metadata"]["labels"] |= origin.labels
        item["metadata"].setdefault("annotations", {}).update(origin.annotations)
        if extra:
            (container,) = item["spec"]["template"]["spec"]["containers"]
            container["env"].append({"name": "EXTRA", "value": "theirs"})
        instance.cluster.kubectl(*origin.command, "-f", "-", stdin=json.dumps(item))
    for name in COMPONENTS:
        until(partial(available, instance, name), f"a running {name}")


def available(instance: Instance, name: str) -> bool | None:
    """Whether a Deployment has its Pod."""
    status = (instance.deployment(name) or {}).get("status") or {}
    return status.get("availableReplicas") == 1 or None


def built(instance: Instance) -> list[Manifest]:
    """The objects of the instance as another tool would install them, without our labels."""
    manifest = {
        "apiVersion": names.API_VERSION,
        "kind": names.INSTANCE_KIND,
        "metadata": {"name": "flux", "namespace": instance.namespace},
        "spec": SPEC,
    }
    distribution = open_folder(starter_folder())
    version = max(distribution.versions())
    result = build(parse_instance(manifest), distribution, version)
    return [without_marks(item) for item in result.objects]


def without_marks(item: Manifest) -> Manifest:
    """An object without what says that it is ours."""
    item = copy.deepcopy(item)
    for marks in (item["metadata"].get("labels"), item["metadata"].get("annotations")):
        for key in [key for key in marks or {} if key.startswith(names.GROUP)]:
            del marks[key]
    return item


def managers(deployment: Manifest) -> set[str]:
    """Who owns fields of an object, but for its status."""
    entries = deployment["metadata"]["managedFields"]
    return {entry["manager"] for entry in entries if not entry.get("subresource")} - {
        "kube-controller-manager"  # writes the annotation with the revision
    }


def running(instance: Instance, name: str) -> dict[str, Any]:
    """What changes when Pods are restarted: the ReplicaSets and the Pods."""
    selector = f"?labelSelector=app={name}"
    sets = f"/apis/apps/v1/namespaces/{instance.namespace}/replicasets{selector}"
    pods = f"/api/v1/namespaces/{instance.namespace}/pods{selector}"
    return {"sets": uids(instance, sets), "pods": uids(instance, pods)}


def uids(instance: Instance, path: str) -> list[str]:
    """The incarnations of the objects of a list."""
    items = instance.cluster.request("GET", path)["items"]
    return sorted(str(item["metadata"]["uid"]) for item in items)
