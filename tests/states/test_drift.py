# SPDX-License-Identifier: Apache-2.0
"""What happens when others change or delete what was applied."""

from __future__ import annotations

from datetime import timedelta

from fluxsm.api import names
from fluxsm.machine.states import State
from fluxsm.machine.triggers import Trigger
from fluxsm.objects.drift import FIRST_PAUSE, FREE_REPAIRS
from fluxsm.simulation.world import World
from tests.states.worlds import CONTROLLER, installed, old_flux, unhealthy, version


def test_a_deleted_object_is_back_at_once() -> None:
    """With few requests, a Warning that names it, no write of the status, and it is counted."""
    world = installed()
    requests, status = len(world.cluster.gate.asked()), world.status
    world.user.delete(CONTROLLER)
    now = world.clock.now()
    world.settle()
    assert world.clock.now() - now < timedelta(seconds=1)
    assert str(CONTROLLER) in world.managed()
    assert len(world.cluster.gate.asked()) - requests <= 4
    drifts = [n for n in world.recorder.events if n.reason == names.DRIFT_DETECTED]
    assert [event.message for event in drifts] == [f"{CONTROLLER} deleted"]
    assert world.metrics.drifted == 1
    assert world.status["inventory"] == status["inventory"]


def test_a_changed_field_is_put_back() -> None:
    """The event names the field and who changed it; fields that are not ours are left alone."""
    world = installed()
    others = world.cluster.as_manager("dashboard")
    others.patch(CONTROLLER, {"metadata": {"annotations": {"note": "mine"}}})
    world.settle()
    assert names.DRIFT_DETECTED not in world.recorder.reasons
    world.user.patch(CONTROLLER, {"spec": {"replicas": 7}})
    world.settle()
    found = world.user.get(CONTROLLER)
    assert found["spec"]["replicas"] == 1
    assert found["metadata"]["annotations"]["note"] == "mine"
    (event,) = [n for n in world.recorder.events if n.reason == names.DRIFT_DETECTED]
    assert "spec.replicas changed by kubectl-edit" in event.message


def test_a_fight_is_backed_off() -> None:
    """Somebody who rewrites a field again and again is answered ever more slowly."""
    world = installed()
    rival = world.cluster.as_manager("hpa")

    for _ in range(60):
        if world.user.get(CONTROLLER)["spec"]["replicas"] == 1:
            rival.patch(CONTROLLER, {"spec": {"replicas": 7}})
        world.settle()
        world.clock.advance(timedelta(seconds=10))
    repairs = world.recorder.reasons.count(names.DRIFT_DETECTED)
    assert 4 <= repairs <= 12
    assert world.at(State.READY)


def test_a_repair_that_was_put_off_is_made_by_itself() -> None:
    """When the pause is over, and not only when something else wakes the operator."""
    world = installed()
    rival = world.cluster.as_manager("hpa")
    for _ in range(FREE_REPAIRS + 1):
        rival.patch(CONTROLLER, {"spec": {"replicas": 7}})
        delay = world.settle(timedelta(0))
    assert world.user.get(CONTROLLER)["spec"]["replicas"] == 7
    assert delay == FIRST_PAUSE
    world.settle(FIRST_PAUSE)
    assert world.user.get(CONTROLLER)["spec"]["replicas"] == 1


# While the health of what was applied is waited for


def test_what_is_deleted_before_it_was_healthy_is_applied_again_at_once() -> None:
    """In the same run: waiting for it would end with a failure, for nothing could bring it back."""
    world = unhealthy()
    began = world.steps[-1].memory.run.started
    world.user.delete(CONTROLLER)
    now = world.clock.now()
    world.settle()
    assert world.path[-4:] == [
        State.HEALTH_CHECKING,
        State.APPLYING,
        State.HEALTH_CHECKING,
        State.READY,
    ]
    assert world.clock.now() - now < timedelta(seconds=1)
    run = world.steps[-1].memory.run
    assert (run.started, run.trigger) == (began, Trigger.START)
    drifts = [n for n in world.recorder.events if n.reason == names.DRIFT_DETECTED]
    assert [event.message for event in drifts] == [f"{CONTROLLER} deleted"]
    messages = [n.message for n in world.recorder.events if "created" in n.message]
    assert [message.count(f"{CONTROLLER} created") for message in messages] == [1]


def test_what_is_changed_before_it_was_healthy_is_put_back_at_once() -> None:
    """A wrong field may be the very reason why it does not get healthy."""
    world = unhealthy()
    world.controllers.healthy = lambda _: False
    world.user.patch(CONTROLLER, {"spec": {"replicas": 7}})
    world.settle(timedelta(seconds=1))
    assert world.at(State.HEALTH_CHECKING)
    assert world.user.get(CONTROLLER)["spec"]["replicas"] == 1
    world.controllers.healthy = lambda _: True
    world.settle()
    assert world.at(State.READY)


def test_a_repair_in_the_middle_of_a_run_leaves_nothing_of_the_run_out() -> None:
    """Old objects are still rewritten after it, which the repair of a Ready Flux does not do."""
    world = World()
    old_flux(world)
    world.controllers.healthy = lambda _: False
    world.create(distribution=version("2.7.x"))
    world.reach(State.HEALTH_CHECKING)
    world.user.delete(CONTROLLER)
    world.reach(State.APPLYING)
    world.controllers.healthy = lambda _: True
    world.settle()
    assert world.path[-3:] == [State.HEALTH_CHECKING, State.MIGRATING, State.READY]


def test_an_object_without_repairs_keeps_what_was_changed_before_it_was_healthy() -> None:
    """Its owner has opted out, and another object that is repaired changes nothing about that."""
    world = unhealthy()
    world.user.patch(
        CONTROLLER,
        {"metadata": {"annotations": {names.RECONCILE: names.DISABLED}}, "spec": {"replicas": 7}},
    )
    world.settle()
    assert world.user.get(CONTROLLER)["spec"]["replicas"] == 7


def test_a_fight_over_an_object_does_not_keep_a_run_from_its_end() -> None:
    """Repairs are backed off, so the wait for health comes to its limit."""
    world = unhealthy()
    world.controllers.healthy = lambda _: False
    for _ in range(300):
        if str(CONTROLLER) in world.managed():
            world.user.delete(CONTROLLER)
        world.settle()
        if world.at(State.FAILED):
            break
        world.clock.advance(timedelta(seconds=10))
    assert world.reason == names.HEALTH_CHECK_FAILED
    assert 4 <= world.recorder.reasons.count(names.DRIFT_DETECTED) <= 12
