# SPDX-License-Identifier: Apache-2.0
"""What somebody changes or deletes is repaired at once, with few requests, and reported."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.controlplane.cluster import Request
from tests.integration.instance import MERGE, RECONCILE, Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

SPEC: Manifest = {
    "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
    "components": ["source-controller", "notification-controller"],
}
MOST_REQUESTS = 4


@pytest.fixture
def operator(instance: Instance, operate: Operate) -> Operator:
    """An operator whose instance is Ready."""
    found = operate()
    instance.create(SPEC)
    instance.becomes_ready()
    until(lambda: len(instance.reasons()) >= 3 or None, "the events of the installation")
    return found


def path_of(instance: Instance, name: str) -> str:
    """The path of a Deployment."""
    return f"/apis/apps/v1/namespaces/{instance.namespace}/deployments/{name}"


def edit(instance: Instance, path: str, body: Manifest, manager: str = "somebody") -> None:
    """Change an object as somebody else."""
    query = f"?fieldManager={manager}"
    instance.cluster.request("PATCH", f"{path}{query}", body, content_type=MERGE)


def replicas(instance: Instance, name: str) -> int:
    """The wanted replicas of a Deployment."""
    return int((instance.deployment(name) or {})["spec"]["replicas"])


@contextmanager
def few_requests(instance: Instance, operator: Operator) -> Iterator[None]:
    """A repair that is done inside costs few requests, and ends in Ready."""
    before, steps = len(instance.cluster.audit("fluxsm")), len(operator.transitions())
    yield
    operator.reaches("Ready", after=steps)

    def reported() -> list[Request] | None:
        sent = instance.cluster.audit("fluxsm")[before:]
        return sent if sum(item.resource == "events" for item in sent) >= 2 else None

    sent = until(reported, "two events")
    assert len(sent) <= MOST_REQUESTS, sent


def test_a_changed_object_is_repaired(instance: Instance, operator: Operator) -> None:
    """The events name the object, the field and who changed it, and list what was configured."""
    with few_requests(instance, operator):
        edit(instance, path_of(instance, "source-controller"), {"spec": {"replicas": 3}})
        until(lambda: replicas(instance, "source-controller") == 1 or None, "repair")
    drift, updated = instance.events()[-2:]
    name = f"Deployment/{instance.namespace}/source-controller"
    assert (drift["type"], drift["reason"]) == ("Warning", names.DRIFT_DETECTED)
    assert drift["message"] == f"{name}: spec.replicas changed by somebody"
    assert updated["message"].splitlines()[1:] == [f"{name} configured"]
    assert updated["message"].startswith("Flux v2")
    assert instance.condition(names.READY)["status"] == "True"


DELETED = {
    "Deployment": "/apis/apps/v1/namespaces/{ns}/deployments/source-controller",
    "Service": "/api/v1/namespaces/{ns}/services/source-controller",
    "ServiceAccount": "/api/v1/namespaces/{ns}/serviceaccounts/source-controller",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies/allow-egress",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles/crd-controller-{ns}",
    "CustomResourceDefinition": (
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/buckets.source.toolkit.fluxcd.io"
    ),
}


def test_deleted_objects_are_created_again(instance: Instance, operator: Operator) -> None:
    """Whatever their kind, also those of which only metadata is watched."""
    for kind, pattern in DELETED.items():
        path = pattern.format(ns=instance.namespace)
        before = instance.cluster.request("GET", path)["metadata"]["uid"]
        with few_requests(instance, operator):
            instance.cluster.request("DELETE", path)
            until(partial(is_another, instance, path, before), f"another {kind}")
        drift, updated = instance.events()[-2:]
        assert drift["message"].startswith(f"{kind}/")
        assert drift["message"].endswith(" deleted")
        assert updated["message"].endswith(" created")


def is_another(instance: Instance, path: str, uid: str) -> bool | None:
    """Whether an object is there in another incarnation."""
    found = instance.get(path)
    return (found is not None and found["metadata"]["uid"] != uid) or None


def test_fields_of_others_are_left_alone(instance: Instance, operator: Operator) -> None:
    """A field that we do not apply is not ours to repair, and adding one is no drift."""
    before = len(operator.transitions())
    path = path_of(instance, "source-controller")
    edit(instance, path, {"metadata": {"annotations": {"example.com/theirs": "1"}}})
    edit(instance, path, {"spec": {"replicas": 2}})
    operator.reaches("Ready", after=before)
    annotations = (instance.deployment("source-controller") or {})["metadata"]["annotations"]
    assert annotations["example.com/theirs"] == "1"
    drifts = [t for t in operator.transitions()[before:] if t.event == "Drifted"]
    assert len(drifts) == 1
    assert "annotations" not in drifts[0].message


def test_nothing_is_repaired_while_suspended(instance: Instance, operator: Operator) -> None:
    """What was changed meanwhile is put right on resume."""
    instance.annotate({RECONCILE: "disabled"})
    operator.reaches("Suspended")
    path = path_of(instance, "source-controller")
    edit(instance, path, {"spec": {"replicas": 3}})
    instance.annotate({names.REQUESTED_AT: "look"})
    instance.becomes(
        lambda found: found["status"].get("lastHandledReconcileAt") == "look", "an answer"
    )
    assert replicas(instance, "source-controller") == 3
    instance.annotate({RECONCILE: None})
    until(lambda: replicas(instance, "source-controller") == 1 or None, "repair")


def test_an_object_can_opt_out_of_repairs(instance: Instance, operator: Operator) -> None:
    """An annotation on the object keeps a change until the next run."""
    path, mark = path_of(instance, "source-controller"), {RECONCILE: "disabled"}
    edit(instance, path, {"metadata": {"annotations": mark}, "spec": {"replicas": 3}})
    other = path_of(instance, "notification-controller")
    edit(instance, other, {"spec": {"replicas": 3}})
    until(lambda: replicas(instance, "notification-controller") == 1 or None, "repair")
    assert replicas(instance, "source-controller") == 3
    assert operator.errors() == []
    instance.annotate({names.REQUESTED_AT: "now"})
    until(lambda: replicas(instance, "source-controller") == 1 or None, "repair by a run")


def test_a_field_manager_conflict_is_reported_and_backed_off(
    instance: Instance, operator: Operator
) -> None:
    """A rival that rewrites a field again and again is not answered again and again."""
    path, over = path_of(instance, "source-controller"), threading.Event()

    def insist() -> None:
        while not over.wait(0.05):
            if replicas(instance, "source-controller") == 1:
                edit(instance, path, {"spec": {"replicas": 3}}, manager="rival")

    before = len(instance.cluster.audit("fluxsm"))
    rival = threading.Thread(target=insist)
    rival.start()
    try:
        warned = until(lambda: serious(operator), "a warning")
        time.sleep(4)  # less than the first pause
    finally:
        over.set()
        rival.join()
    assert "changed by rival (repaired 3 times in a row, so not again within 5s)" in warned
    sent = instance.cluster.audit("fluxsm")[before:]
    assert sum(item.resource == "deployments" for item in sent) == 3
    until(lambda: replicas(instance, "source-controller") == 1 or None, "the last word")
    assert operator.errors() == []


def serious(operator: Operator) -> str | None:
    """The message of a repair that warns of a conflict."""
    messages = [t.message for t in operator.transitions() if t.event == "Drifted"]
    return next((message for message in messages if "in a row" in message), None)
