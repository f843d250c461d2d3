# SPDX-License-Identifier: Apache-2.0
"""Pods that take time to end: what is seen of them, and what their controllers still do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import NotFoundError
from fluxsm.simulation.controllers import FLUX_FINALIZER
from fluxsm.simulation.world import NAMESPACE, World
from tests.states.worlds import git_repository

DEPLOYMENT = Kind("apps", "v1", "Deployment")
POD = Kind("", "v1", "Pod")
CONTROLLER = ObjectRef(DEPLOYMENT, NAMESPACE, "source-controller")
SECONDS = timedelta(seconds=1)


@pytest.fixture
def world() -> World:
    """A world in which pods take 10 seconds to end, with a controller in it."""
    found = World()
    found.controllers.pods.termination = 10 * SECONDS
    labels = {"app": CONTROLLER.name}
    found.user.create(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": CONTROLLER.name, "namespace": NAMESPACE},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": []}},
            },
        }
    )
    found.controllers.run()
    return found


def pods(world: World) -> list[Manifest]:
    """The pods."""
    return list(world.user.list(POD))


def exists(world: World) -> bool:
    """Whether the Deployment does."""
    try:
        world.user.get(CONTROLLER)
    except NotFoundError:
        return False
    return True


def test_a_deployment_runs_pods_by_way_of_a_replica_set(world: World) -> None:
    """As many as it wants, with its labels."""
    (replica_set,) = world.user.list(Kind("apps", "v1", "ReplicaSet"))
    assert replica_set["metadata"]["ownerReferences"][0]["name"] == CONTROLLER.name
    assert len(pods(world)) == 2
    for pod in pods(world):
        assert pod["metadata"]["labels"] == {"app": CONTROLLER.name}
        (owner,) = pod["metadata"]["ownerReferences"]
        assert owner["kind"] == "ReplicaSet"
        assert owner["uid"] == replica_set["metadata"]["uid"]


def test_in_the_background_pods_outlive_their_deployment(world: World) -> None:
    """They are marked at once, and gone when their time is over."""
    world.user.delete(CONTROLLER)
    world.controllers.run()
    assert not exists(world)
    assert [bool(pod["metadata"].get("deletionTimestamp")) for pod in pods(world)] == [True, True]
    assert world.controllers.due == 10 * SECONDS
    world.pass_time(9 * SECONDS)
    assert len(pods(world)) == 2
    world.pass_time(1 * SECONDS)
    assert pods(world) == []
    assert world.controllers.due is None


def test_in_the_foreground_a_deployment_waits_for_its_pods(world: World) -> None:
    """It is marked, and goes with the last of them."""
    world.user.delete(CONTROLLER, propagation="Foreground")
    world.pass_time(9 * SECONDS)
    metadata = world.user.get(CONTROLLER)["metadata"]
    assert metadata["deletionTimestamp"]
    assert metadata["finalizers"] == ["foregroundDeletion"]
    assert len(pods(world)) == 2
    world.pass_time(1 * SECONDS)
    assert not exists(world)
    assert pods(world) == []


def test_without_pods_a_deployment_goes_in_the_foreground_at_once() -> None:
    """There is nothing to wait for."""
    world = World()
    world.create()
    world.settle()
    world.user.delete(CONTROLLER, propagation="Foreground")
    world.controllers.run()
    assert not exists(world)


def test_a_new_template_ends_the_old_pods(world: World) -> None:
    """New ones run beside them meanwhile."""
    old = {pod["metadata"]["uid"] for pod in pods(world)}
    labels = {"app": CONTROLLER.name, "version": "2"}
    world.user.patch(CONTROLLER, {"spec": {"template": {"metadata": {"labels": labels}}}})
    world.controllers.run()
    assert len(pods(world)) == 4
    world.pass_time(10 * SECONDS)
    assert len(pods(world)) == 2
    assert old.isdisjoint(pod["metadata"]["uid"] for pod in pods(world))


def test_a_controller_holds_objects_for_as_long_as_its_pods_live() -> None:
    """A finalizer that was taken off comes back until the last pod is gone."""
    world = World()
    world.controllers.pods.termination = 10 * SECONDS
    world.controllers.reconciling = True
    world.create()
    world.settle()
    repository = ObjectRef.of(world.user.create(git_repository("one")))
    world.process.disconnected = True
    world.user.delete(CONTROLLER)
    world.controllers.run()

    def release() -> list[str]:
        world.user.patch(repository, {"metadata": {"finalizers": None}})
        world.controllers.run()
        return list(world.user.get(repository)["metadata"].get("finalizers") or [])

    assert release() == [FLUX_FINALIZER]
    world.clock.advance(10 * SECONDS)
    world.controllers.run()
    assert release() == []
