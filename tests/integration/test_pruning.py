# SPDX-License-Identifier: Apache-2.0
"""What a revision no longer has goes, but for what is not ours to remove."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import MERGE, RECONCILE, Instance
from tests.integration.operator import Operator, until
from tests.integration.policies import forbidding

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]


def spec(**more: Any) -> Manifest:
    """An installation that waits for nothing."""
    return {
        "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
        "components": ["source-controller", "kustomize-controller", "notification-controller"],
        "wait": False,
        **more,
    }


def edit(instance: Instance, name: str, metadata: Manifest) -> None:
    """Change metadata of a Deployment as somebody else."""
    path = f"/apis/apps/v1/namespaces/{instance.namespace}/deployments/{name}"
    query = "?fieldManager=somebody"
    instance.cluster.request("PATCH", f"{path}{query}", {"metadata": metadata}, content_type=MERGE)


def listed(instance: Instance) -> set[str]:
    """The objects of the inventory, as `<Kind>/<name>`."""
    return {f"{ref.kind.kind}/{ref.name}" for ref in instance.inventory()}


def test_what_is_not_ours_to_remove_survives(instance: Instance, operate: Operate) -> None:
    """An object without the labels, and one that has opted out; the rest of them goes."""
    operator = operate()
    instance.create(spec())
    instance.becomes_ready()
    instance.annotate({RECONCILE: "disabled"})
    operator.reaches("Suspended")
    owner = {names.OWNER_NAME_LABEL: None, names.OWNER_NAMESPACE_LABEL: None}
    edit(instance, "kustomize-controller", {"labels": owner})
    opted_out = {f"{names.GROUP}/prune": "Disabled"}
    edit(instance, "notification-controller", {"annotations": opted_out})
    instance.patch(
        metadata={"annotations": {RECONCILE: None}}, spec={"components": ["source-controller"]}
    )
    instance.becomes_ready()
    assert instance.deployment("kustomize-controller") is not None
    assert instance.deployment("notification-controller") is not None
    gone = {
        "Deployment/kustomize-controller",
        "Deployment/notification-controller",
        "Service/webhook-receiver",
        "CustomResourceDefinition/kustomizations.kustomize.toolkit.fluxcd.io",
        "CustomResourceDefinition/alerts.notification.toolkit.fluxcd.io",
    }
    assert not gone & listed(instance)
    services = f"/api/v1/namespaces/{instance.namespace}/services"
    assert instance.get(f"{services}/webhook-receiver") is None
    assert "Deployment/source-controller" in listed(instance)


def test_a_shard_and_a_sync_that_are_no_longer_wanted_go(
    instance: Instance, operate: Operate
) -> None:
    """With everything that they consist of, and reported in the event."""
    operate()
    sync = {"kind": "OCIRepository", "url": "oci://registry/repo", "path": "./", "ref": "latest"}
    instance.create(spec(sharding={"shards": ["one", "two"]}, sync=sync))
    instance.becomes_ready()
    namespace = instance.namespace
    before = listed(instance)
    instance.patch(spec={"sharding": {"shards": ["two"]}, "sync": None})
    instance.becomes_ready()
    gone = before - listed(instance)
    assert gone == {
        "Deployment/source-controller-one",
        "Deployment/kustomize-controller-one",
        "Service/source-controller-one",
        f"OCIRepository/{namespace}",
        f"Kustomization/{namespace}",
    }
    assert instance.deployment("source-controller-one") is None
    assert instance.deployment("source-controller-two") is not None
    for group, plural in (("source", "ocirepositories"), ("kustomize", "kustomizations")):
        api = f"/apis/{group}.toolkit.fluxcd.io/v1/namespaces/{namespace}/{plural}"
        assert instance.cluster.request("GET", api)["items"] == []

    def reported() -> str | None:
        messages = [event["message"] for event in instance.events()]
        return next((message for message in messages if "updated\n" in message), None)

    message = until(reported, "event that tells of the change")
    done = {"Kustomization": "deleted without pruning"}
    assert {line for line in message.splitlines() if " deleted" in line} == {
        f"{kind}/{namespace}/{name} {done.get(kind, 'deleted')}"
        for kind, name in (item.split("/") for item in gone)
    }


def test_what_cannot_be_removed_stays_in_the_inventory(
    instance: Instance, operate: Operate
) -> None:
    """The refusal is reported and tried again; everything else goes on."""
    operate()
    instance.create(spec())
    instance.becomes_ready()
    name = "notification-controller"
    with forbidding(instance.cluster, instance.namespace, "DELETE", name):
        instance.patch(spec={"components": ["source-controller", "kustomize-controller"]})
        ready = instance.becomes_failed(names.RECONCILIATION_FAILED)
        assert (
            f"garbage collection: deleting Deployment/{instance.namespace}/{name}"
            in ready["message"]
        )
        assert "forbidden by a policy" in ready["message"]
        assert f"Deployment/{name}" in listed(instance)
        assert "Service/webhook-receiver" not in listed(instance)
        assert instance.deployment(name) is not None
    instance.becomes_ready()
    assert f"Deployment/{name}" not in listed(instance)
    assert instance.deployment(name) is None
