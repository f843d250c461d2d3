# SPDX-License-Identifier: Apache-2.0
"""Objects that come and go while they are applied."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fluxsm.api.objects import ObjectRef
from fluxsm.machine.states import State
from fluxsm.simulation.registry import NEW, starter
from fluxsm.simulation.world import World
from tests.states.worlds import CONTROLLER, GIT_CRD, git_repository, installed

HELD = {"metadata": {"finalizers": ["example.com/held"]}}
FREE = {"metadata": {"finalizers": None}}


def hold(world: World, ref: ObjectRef) -> None:
    """Delete an object of which somebody else does not let go."""
    world.cluster.as_manager("somebody").patch(ref, HELD)
    world.user.delete(ref)


def remove(world: World, ref: ObjectRef) -> None:
    """Delete an object, and let go of it."""
    world.user.delete(ref)
    free(world, ref)


def free(world: World, ref: ObjectRef) -> None:
    """Let go of an object that is being deleted; nothing else happens yet."""
    world.user.patch(ref, FREE)
    assert str(ref) not in world.managed()


def test_a_definition_that_is_being_deleted_is_applied_once_it_is_gone() -> None:
    """It holds the run up until then, not until the time limit, and is reported."""
    world = World()
    objects = starter().component(NEW, "source-controller")
    crd = next(item for item in objects if item["metadata"]["name"] == GIT_CRD.name)
    world.user.create(crd)
    hold(world, GIT_CRD)
    world.create()
    began = world.clock.now()
    world.settle(timedelta(seconds=5))
    assert world.at(State.APPLYING)
    assert f"{GIT_CRD} status: 'Terminating'" in world.message
    free(world, GIT_CRD)
    world.reach(State.READY)
    assert world.clock.now() - began < world.settings.stage_timeout
    assert str(GIT_CRD) in world.managed()


def test_a_definition_that_stays_in_deletion_fails_the_run() -> None:
    """After the time limit, naming it; the controllers are there, for one may have to let go."""
    world = installed()
    hold(world, GIT_CRD)
    world.edit(components=["source-controller", "kustomize-controller"])
    began = world.clock.now()
    world.reach(State.FAILED, timedelta(minutes=2))
    assert world.clock.now() - began == world.settings.stage_timeout
    assert f"{GIT_CRD} status: 'Terminating'" in world.message
    assert [ref for ref in world.managed() if ref.endswith("/kustomize-controller")]


def test_the_controller_that_a_definition_waits_for_is_brought() -> None:
    """Its resources hold a definition that somebody deleted, and nobody else lets them go."""
    world = installed()
    world.user.create(git_repository("held", finalizers=["finalizers.fluxcd.io"]))
    world.user.delete(CONTROLLER)
    world.user.delete(GIT_CRD)
    assert str(CONTROLLER) not in world.managed()
    world.settle(timedelta(minutes=2))
    assert world.at(State.READY)
    assert "deletionTimestamp" not in world.user.get(GIT_CRD)["metadata"]


def test_a_controller_that_is_being_deleted_is_applied_once_it_is_gone() -> None:
    """Also where health is not waited for: it would be gone without anybody noticing."""
    world = installed(wait=False)
    uid = world.user.get(CONTROLLER)["metadata"]["uid"]
    hold(world, CONTROLLER)
    world.edit(distribution={"registry": "docker.io/fluxcd"})
    world.settle(timedelta(seconds=5))
    assert world.at(State.APPLYING)
    free(world, CONTROLLER)
    world.reach(State.READY)
    assert world.user.get(CONTROLLER)["metadata"]["uid"] != uid


@pytest.mark.parametrize("times", [1, 3])
def test_what_is_gone_again_in_its_stage_is_applied_again(times: int) -> None:
    """At once, not after the time limit of the stage."""
    world = World()
    world.controllers.establishing = False
    world.create()
    for _ in range(times):
        world.settle(timedelta(0), until=lambda: str(GIT_CRD) in world.managed())
        remove(world, GIT_CRD)
        world.settle(timedelta(0))
        assert str(GIT_CRD) in world.managed()
    world.controllers.establishing = True
    world.reach(State.READY)


def test_what_always_goes_again_is_not_applied_forever() -> None:
    """The time limit of the stage ends the run, after a handful of attempts."""
    world = World()
    world.controllers.establishing = False
    world.create()
    for _ in range(30):
        world.settle(timedelta(0))
        if str(GIT_CRD) in world.managed():
            remove(world, GIT_CRD)
    applies = [
        request
        for request in world.cluster.gate.mutations()
        if request.verb == "apply" and request.ref == GIT_CRD
    ]
    assert len(applies) == 5
    world.reach(State.FAILED, timedelta(minutes=2))
