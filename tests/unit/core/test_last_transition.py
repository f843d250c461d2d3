# SPDX-License-Identifier: Apache-2.0
"""The status says by which row its state was entered, and a wait there does not overwrite it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Clock, Ports
from fluxsm.core.step import Step, take
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from states.behaviour import BEHAVIOUR
from tests.unit.core.test_next_transition import StandingClock, instance, step


def test_the_row_is_shown_with_its_guard() -> None:
    """Where a guard decided, in words."""
    taken = step(State.MIGRATING, Event.MIGRATED)
    assert taken.status["state"] == State.APPLYING
    assert taken.status["lastTransition"] == {"from": "Migrating", "event": "Migrated"}
    waits = step(State.PENDING, Event.STARTED)
    assert waits.status["lastTransition"] == {"from": "Pending", "event": "Started"}


def test_a_wait_keeps_what_led_there() -> None:
    """The state that is saved late is shown with the row that entered it."""
    entered = step(State.APPLYING, Event.APPLIED)
    later = _wait(entered)
    assert later.saves
    assert later.status["state"] == State.HEALTH_CHECKING
    assert later.status["lastTransition"] == {"from": "Applying", "event": "Applied"}


def test_a_process_that_begins_in_a_state_knows_of_no_row() -> None:
    """What the status said of another state must not stand beside this one."""
    found = instance()
    found["status"] = {
        "state": "Applying",
        "lastTransition": {"from": "Building", "event": "Built"},
    }
    waiting = step(State.PENDING, Event.WAITING, found)
    assert waiting.status["state"] == State.PENDING
    assert "lastTransition" not in waiting.status


def _wait(before: Step) -> Step:
    """The step of a wait, two seconds after another step that was not saved."""
    outcome = Outcome(event=Event.WAITING, message="Waiting", after=timedelta(seconds=9))
    observed = replace(
        before.observed,
        state=before.entered.state,
        memory=before.memory,
        tick=before.observed.tick + timedelta(seconds=2),
    )
    behaviour = replace(BEHAVIOUR, signals=lambda _: outcome)
    ports = Ports(**dict.fromkeys(Ports.__dataclass_fields__, cast("Any", None)))
    return take(observed, behaviour, replace(ports, clock=cast("Clock", StandingClock())))
