# SPDX-License-Identifier: Apache-2.0
"""What pods tell while a health check waits, and what asking them costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import ForbiddenError
from fluxsm.machine.states import State
from fluxsm.simulation.faults import Fault
from fluxsm.simulation.requests import Request
from fluxsm.simulation.world import NAMESPACE, World
from tests.states.worlds import CONTROLLER

POD = Kind("", "v1", "Pod")
SETS = Kind("apps", "v1", "ReplicaSet")
REVISION = "deployment.kubernetes.io/revision"


def waiting(**spec: Any) -> World:
    """A world whose controllers do not come up."""
    world = World()
    world.controllers.healthy = lambda _: False
    world.create(**spec)
    world.reach(State.HEALTH_CHECKING)
    return world


def add_pod(world: World, deployment: ObjectRef, waits: Manifest) -> None:
    """Give a Deployment a ReplicaSet with a pod whose container waits."""
    revision = {REVISION: "1"}
    live = world.user.patch(deployment, {"metadata": {"annotations": revision}})
    labels = live["spec"]["selector"]["matchLabels"]
    metadata = {"name": deployment.name, "namespace": NAMESPACE, "labels": labels}
    owned = {**metadata, "annotations": revision, "ownerReferences": [owner(live)]}
    replicas = world.user.create({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": owned})
    pod = {**metadata, "ownerReferences": [owner(replicas)]}
    ref = ObjectRef.of(world.user.create({"apiVersion": "v1", "kind": "Pod", "metadata": pod}))
    waits = {"name": "manager", "restartCount": 0, "state": {"waiting": waits}}
    status = {"phase": "Pending", "containerStatuses": [waits]}
    world.user.patch(ref, {"status": status}, subresource="status")


def owner(manifest: Manifest) -> Manifest:
    """A reference to an owner."""
    keys = ("apiVersion", "kind")
    return {key: manifest[key] for key in keys} | {
        "name": manifest["metadata"]["name"],
        "uid": manifest["metadata"]["uid"],
    }


def lists(world: World) -> list[Request]:
    """The requests for pods and ReplicaSets so far."""
    found = (request for request in world.cluster.gate.asked() if request.verb == "list")
    return [request for request in found if request.kind in {POD, SETS}]


def test_pods_are_asked_for_by_namespace_and_not_on_every_wake_up() -> None:
    """However many controllers wait and however often they wake the machine: two lists in 5 s."""
    world = waiting(sharding={"shards": [f"shard{number}" for number in range(10)]})
    for second in range(23):
        world.user.patch(CONTROLLER, {"metadata": {"annotations": {"note": str(second)}}})
        world.settle(timedelta(0))
        world.clock.advance(timedelta(seconds=1))
    assert len(lists(world)) == 2 * (22 // 5)
    assert {request.kind for request in lists(world)} == {POD, SETS}


def test_pods_are_not_asked_for_while_everything_starts_in_time() -> None:
    """Nor once it is Ready."""
    world = waiting()
    world.settle(timedelta(seconds=4))
    world.controllers.healthy = lambda _: True
    world.reach(State.READY)
    world.settle(timedelta(minutes=1))
    assert lists(world) == []


def test_a_pod_that_will_never_start_ends_the_wait_and_is_named() -> None:
    """At the first look, long before time is up."""
    world = waiting()
    add_pod(world, CONTROLLER, {"reason": "InvalidImageName", "message": "what?"})
    began = world.clock.now()
    world.reach(State.FAILED)
    assert world.clock.now() - began == timedelta(seconds=5)
    assert world.reason == names.HEALTH_CHECK_FAILED
    assert "failed early after 5s of 5m" in world.message
    pod = f"Pod/{NAMESPACE}/{CONTROLLER.name}"
    assert f"{pod}: container manager: InvalidImageName: what?" in world.message


def test_what_keeps_pods_from_starting_is_reported_while_waiting() -> None:
    """Also between two looks, when something else wakes the machine."""
    world = waiting(components=["source-controller", "kustomize-controller"])
    add_pod(world, CONTROLLER, {"reason": "ErrImagePull", "message": "no such host"})
    world.settle(timedelta(seconds=6))
    assert "container manager: ErrImagePull: no such host" in world.message
    asked = len(lists(world))
    world.user.patch(CONTROLLER, {"metadata": {"annotations": {"note": "mine"}}})
    world.settle(timedelta(0))
    assert len(lists(world)) == asked
    assert "container manager: ErrImagePull: no such host" in world.message


@pytest.mark.parametrize("kind", [POD, SETS], ids=lambda kind: str(kind.kind))
def test_pods_that_may_not_be_read_only_cost_the_explanation(kind: Kind) -> None:
    """The wait goes on, and is reported as far as it is known."""
    world = waiting()
    add_pod(world, CONTROLLER, {"reason": "InvalidImageName", "message": "what?"})
    refused = Fault(
        error=ForbiddenError("no"), matches=lambda request: request.kind == kind, times=None
    )
    world.cluster.gate.faults.append(refused)
    world.settle(timedelta(seconds=20))
    assert world.at(State.HEALTH_CHECKING)
    assert str(CONTROLLER) in world.message
    assert "InvalidImageName" not in world.message
