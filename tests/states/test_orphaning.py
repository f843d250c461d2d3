# SPDX-License-Identifier: Apache-2.0
"""What Flux has deployed stays when an object of Flux is removed by garbage collection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import ConflictError, NotFoundError
from fluxsm.machine.states import State
from fluxsm.simulation.deploying import FINALIZER
from fluxsm.simulation.faults import Crash, Fault, When
from fluxsm.simulation.requests import Request
from fluxsm.simulation.world import NAMESPACE, World

COMPONENTS = ["source-controller", "kustomize-controller", "helm-controller"]
SYNC = {
    "kind": "GitRepository",
    "url": "https://example.com/fleet.git",
    "ref": "refs/heads/main",
    "path": "clusters/one",
}
KUSTOMIZATION = Kind("kustomize.toolkit.fluxcd.io", "v1", "Kustomization")
ROOT = ObjectRef(KUSTOMIZATION, NAMESPACE, NAMESPACE)
RELEASE = Kind("helm.toolkit.fluxcd.io", "v2", "HelmRelease")
DEFINITION = ObjectRef(
    Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
    "",
    "helmreleases.helm.toolkit.fluxcd.io",
)


def synced(*, stale: bool = False) -> World:
    """A Ready instance whose sync has deployed something."""
    world = World()
    world.controllers.flux.on, world.controllers.flux.stale = True, stale
    world.create(components=COMPONENTS, sync=SYNC)
    world.reach(State.READY)
    world.settle()
    assert len(world.controllers.flux.deployed) == 1
    return world


def stands(world: World, ref: ObjectRef) -> bool:
    """Whether an object exists."""
    try:
        world.user.get(ref)
    except NotFoundError:
        return False
    return True


def check(world: World) -> None:
    """The Kustomization is gone, what it deployed is there, and people can read so."""
    assert world.at(State.READY)
    assert not stands(world, ROOT)
    assert all(stands(world, ref) for ref in world.controllers.flux.deployed)
    (kept, *_) = [n for n in world.recorder.events if n.reason == names.WORKLOADS_KEPT]
    assert kept.message == (
        f"{ROOT} is deleted without pruning: the 1 objects that it deployed stay in the cluster"
    )
    newest, before, *_ = world.status["history"]
    assert before["metadata"]["orphaned"] == str(ROOT)
    assert "orphaned" not in newest["metadata"]


def test_the_controller_of_this_world_prunes() -> None:
    """What others delete is pruned, so that the other tests show something."""
    world = synced()
    world.user.delete(ROOT)
    world.controllers.run()
    assert not any(stands(world, ref) for ref in world.controllers.flux.deployed)


@pytest.mark.parametrize("stale", [False, True])
def test_a_dropped_sync(stale: bool) -> None:
    """The workloads stay, also if a controller goes by a copy from before."""
    world = synced(stale=stale)
    world.edit(sync=None)
    world.settle()
    check(world)


@pytest.mark.parametrize("stale", [False, True])
def test_a_renamed_sync(stale: bool) -> None:
    """The new one deploys as well, and the old one prunes nothing."""
    world = synced(stale=stale)
    world.edit(sync={**SYNC, "name": "other"})
    world.settle()
    check(world)
    assert len(world.controllers.flux.deployed) == 2


def test_a_sync_that_comes_back_is_not_suspended() -> None:
    """Also if the operator was killed between suspending it and deleting it."""
    world = synced()
    world.edit(sync=None)
    world.cluster.gate.faults.append(
        Fault(error=Crash(), matches=lambda item: item.verb == "delete" and item.ref == ROOT)
    )
    with pytest.raises(Crash):
        world.settle()
    assert world.user.get(ROOT)["spec"]["suspend"] is True
    world.cluster.gate.clear()
    world.edit(sync=SYNC)
    world.boot()
    world.settle()
    spec = world.user.get(ROOT)["spec"]
    assert "suspend" not in spec
    assert "deletionPolicy" not in spec
    assert spec["prune"] is True


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_write(when: When, stale: bool) -> None:
    """The end is the same, and the status says so."""
    clean = synced(stale=stale)
    before = len(clean.cluster.gate.mutations())
    clean.edit(sync=None)
    clean.settle()
    writes = clean.cluster.gate.mutations()[before:]
    assert [item.call for item in writes if item.kind == KUSTOMIZATION] == ["patch", "delete"]
    for skip in range(len(writes)):
        world = synced(stale=stale)
        world.edit(sync=None)
        fault = Fault(error=Crash(), matches=lambda item: item.mutates, when=when, skip=skip)
        world.cluster.gate.faults.append(fault)
        with pytest.raises(Crash):
            world.settle()
        world.cluster.gate.clear()
        world.boot()
        world.settle()
        check(world)


def test_a_controller_that_puts_its_finalizer_back() -> None:
    """The deletion does not hold then, and both requests are made again."""
    world, raced = synced(stale=True), [0]
    controller = world.cluster.as_manager("kustomize-controller")

    def race(request: Request) -> None:
        if request.verb == "delete" and request.ref == ROOT and raced[0] < 3:
            raced[0] += 1
            controller.patch(ROOT, {"metadata": {"finalizers": [FINALIZER]}})

    world.cluster.gate.on_request = race
    world.edit(sync=None)
    world.settle()
    assert raced == [3]
    check(world)


def test_a_deletion_that_is_refused_keeps_the_workloads() -> None:
    """It is tried again later, and nothing was deleted meanwhile."""
    world = synced(stale=True)
    fault = Fault(
        error=ConflictError("changed"), matches=lambda item: item.verb == "delete", times=None
    )
    world.cluster.gate.faults.append(fault)
    world.edit(sync=None)
    world.settle(timedelta(seconds=5))
    assert stands(world, ROOT)
    world.cluster.gate.clear()
    world.pass_time(timedelta(minutes=1))
    check(world)


def release(**metadata: Any) -> Manifest:
    """A release of the user."""
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "app", "namespace": NAMESPACE, **metadata},
        "spec": {"interval": "1h"},
    }


def test_a_dropped_component_whose_kinds_are_used() -> None:
    """The controller goes, the definition and its objects stay until nobody uses them."""
    world = synced()
    world.user.create(release())
    world.settle()
    world.edit(components=COMPONENTS[:2])
    world.settle()
    assert world.at(State.READY)
    assert stands(world, DEFINITION)
    assert all(stands(world, ref) for ref in world.controllers.flux.deployed)
    (kept,) = [n for n in world.recorder.events if n.reason == names.DEFINITIONS_KEPT]
    assert kept.message == (
        f"{DEFINITION} kept for 1 HelmRelease; delete these objects, or put the component back"
    )
    listed = [entry["id"] for entry in world.status["inventory"]["entries"]]
    assert f"_{DEFINITION.name}_apiextensions.k8s.io_CustomResourceDefinition" in listed
    written = len(world.cluster.gate.mutations())
    world.pass_time(timedelta(hours=3))
    assert world.cluster.gate.mutations()[written:] == []
    world.user.delete(ObjectRef(RELEASE, NAMESPACE, "app"))  # its controller is gone
    world.pass_time(timedelta(hours=2))
    assert not stands(world, DEFINITION)
    assert all(stands(world, ref) for ref in world.controllers.flux.deployed)


def test_a_component_that_comes_back_finds_its_objects() -> None:
    """As if it had never been gone."""
    world = synced()
    world.user.create(release())
    world.settle()
    world.edit(components=COMPONENTS[:2])
    world.settle()
    world.edit(components=COMPONENTS)
    world.settle()
    assert world.at(State.READY)
    assert stands(world, ObjectRef(RELEASE, NAMESPACE, "app"))
    assert all(stands(world, ref) for ref in world.controllers.flux.deployed)
