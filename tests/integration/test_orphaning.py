# SPDX-License-Identifier: Apache-2.0
"""What Flux has deployed stays, whatever is left out of the spec of the instance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.deploying import (
    FINALIZER,
    KUSTOMIZATIONS,
    RELEASES,
    DeployingController,
)
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

SYNC: Manifest = {
    "kind": "GitRepository",
    "url": "https://example.com/fleet.git",
    "ref": "refs/heads/main",
    "path": "clusters/one",
}
COMPONENTS = ["source-controller", "kustomize-controller", "helm-controller"]
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/helmreleases.{}"


def install(instance: Instance, controller: DeployingController, **more: Any) -> None:
    """An instance with a sync that has deployed something."""
    distribution = {"version": "2.x", "registry": "ghcr.io/fluxcd"}
    instance.create({"distribution": distribution, "components": COMPONENTS, "wait": False, **more})
    instance.becomes_ready()
    if "sync" in more:
        until(lambda: len(controller.deployed) == 2 or None, "a sync that has deployed")
        path = KUSTOMIZATIONS.format(instance.namespace)
        until(
            lambda: "inventory" in instance.get(f"{path}/{instance.namespace}")["status"] or None,  # type: ignore[index]
            "an inventory",
        )


def check(instance: Instance, controller: DeployingController) -> None:
    """The Kustomization is gone, what it deployed is there, and people can read so."""
    path = f"{KUSTOMIZATIONS.format(instance.namespace)}/{instance.namespace}"
    until(lambda: instance.get(path) is None or None, "no Kustomization")
    assert controller.missing() == set()
    name = f"Kustomization/{instance.namespace}/{instance.namespace}"

    def said() -> list[str] | None:
        found = [item for item in instance.events() if item["reason"] == names.WORKLOADS_KEPT]
        return [item["message"] for item in found] or None

    assert until(said, "an event")[0] == (
        f"{name} is deleted without pruning: the 2 objects that it deployed stay in the cluster"
    )
    _, before, *_ = instance.status["history"]
    assert before["metadata"]["orphaned"] == name
    ids = [entry["id"] for entry in instance.status["inventory"]["entries"]]
    old = f"{instance.namespace}_{instance.namespace}_kustomize.toolkit.fluxcd.io_Kustomization"
    assert old not in ids


def test_the_played_controller_prunes(instance: Instance, operate: Operate) -> None:
    """What somebody else deletes is pruned, so that the other tests show something."""
    with DeployingController(instance.cluster, instance.namespace) as controller:
        operator = operate()
        install(instance, controller, sync=SYNC)
        operator.stop()
        path = f"{KUSTOMIZATIONS.format(instance.namespace)}/{instance.namespace}"
        instance.cluster.request("DELETE", path)
        until(lambda: controller.missing() == controller.deployed or None, "pruned ConfigMaps")
        operator.start()


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("sync", [None, {**SYNC, "name": "other"}], ids=["dropped", "renamed"])
def test_a_sync_that_is_left(
    instance: Instance, operate: Operate, sync: Manifest | None, *, stale: bool
) -> None:
    """Dropped or renamed: the workloads stay, also if the controller goes by an old copy."""
    with DeployingController(instance.cluster, instance.namespace, stale=stale) as controller:
        operator = operate()
        install(instance, controller, sync=SYNC)
        steps = len(operator.transitions())
        instance.patch(spec={"sync": sync})
        operator.reaches("Ready", after=steps)
        instance.becomes_ready()
        check(instance, controller)
        if sync:
            until(lambda: len(controller.deployed) == 4 or None, "the new sync at work")
        assert operator.errors() == []


def test_a_component_whose_kind_is_used(instance: Instance, operate: Operate) -> None:
    """The definition and its objects stay; when nobody wants them any more, it goes."""
    namespace = instance.namespace
    with DeployingController(instance.cluster, namespace) as controller:
        operator = operate()
        install(instance, controller)
        spec = {"interval": "1h", "chart": {"spec": {"chart": "app", "sourceRef": SOURCE}}}
        body = {
            "apiVersion": "helm.toolkit.fluxcd.io/v2",
            "kind": "HelmRelease",
            "metadata": {"name": "app", "finalizers": [FINALIZER]},
            "spec": spec,
        }
        instance.cluster.request("POST", RELEASES.format(namespace), body)
        until(lambda: len(controller.deployed) == 2 or None, "a release")
        steps = len(operator.transitions())
        instance.patch(spec={"components": COMPONENTS[:2]})
        operator.reaches("Ready", after=steps)
        instance.becomes_ready()
        assert instance.deployment("helm-controller") is None
        assert controller.missing() == set()
    definition = DEFINITION.format("helm.toolkit.fluxcd.io")
    assert instance.get(definition) is not None
    until(lambda: names.DEFINITIONS_KEPT in instance.reasons() or None, "an event")
    instance.cluster.request("DELETE", f"{RELEASES.format(namespace)}/app")
    steps = len(operator.transitions())
    instance.annotate({names.REQUESTED_AT: "now"})
    operator.reaches("Ready", after=steps)
    until(lambda: instance.get(definition) is None or None, "no definition")
    assert controller.missing() == set()


SOURCE = {"kind": "HelmRepository", "name": "app"}
