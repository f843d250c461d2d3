# SPDX-License-Identifier: Apache-2.0
"""The status says when a resting instance goes on, and that alone is never worth a write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from fluxsm.api.instance import parse_instance
from fluxsm.core.memory import Failure, Trigger, begin
from fluxsm.core.ports import Clock, Ports
from fluxsm.core.settings import Settings
from fluxsm.core.step import Observed, Outcome, Step, take
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from states.behaviour import BEHAVIOUR

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SETTINGS = Settings(jitter=0.1, min_retry=timedelta(seconds=10), max_retry=timedelta(minutes=1))


class StandingClock:
    """A clock that stands still; its chance is in the middle, so that jitter does nothing."""

    def random(self) -> float:
        """The middle."""
        return 0.5


def step(state: State, event: Event, manifest: dict[str, Any] | None = None, **facts: Any) -> Step:
    """The step that an event makes from a state."""
    found = manifest or instance()
    parsed = parse_instance(found)
    observed = Observed(
        instance=parsed,
        manifest=found,
        state=state,
        run=begin(Trigger.CHANGE, parsed, NOW),
        now=NOW,
        settings=SETTINGS,
    )
    behaviour = replace(BEHAVIOUR, signals=lambda _: Outcome(event=event, facts=facts))
    ports = Ports(**dict.fromkeys(Ports.__dataclass_fields__, cast("Any", None)))
    return take(observed, behaviour, replace(ports, clock=cast("Clock", StandingClock())))


def instance(status: dict[str, Any] | None = None, **annotations: str) -> dict[str, Any]:
    """An instance with a status."""
    prefix = "fluxcd.controlplane.io"
    return {
        "metadata": {
            "generation": 1,
            "annotations": {f"{prefix}/{key}": value for key, value in annotations.items()},
        },
        "spec": {"distribution": {"version": "2.x", "registry": "r"}},
        "status": status or {},
    }


def test_ready_says_when_the_next_run_is_due() -> None:
    """The interval after the arrival."""
    status = step(State.HEALTH_CHECKING, Event.HEALTHY).status
    assert status["nextTransition"] == {"event": "Due", "at": "2026-01-01T13:00:00Z"}


def test_ready_without_periodic_runs_says_nothing() -> None:
    """An interval of zero means that only a change brings it on."""
    status = step(State.HEALTH_CHECKING, Event.HEALTHY, instance(reconcileEvery="0")).status
    assert "nextTransition" not in status


def test_failed_says_when_it_tries_again() -> None:
    """The back-off after the failure."""
    failure = Failure(reason="ReconciliationFailed", message="no")
    status = step(State.APPLYING, Event.FAULT, failure=failure).status
    assert status["nextTransition"] == {"event": "Due", "at": "2026-01-01T12:00:10Z"}


def test_a_blocked_upgrade_says_when_it_is_tried_again() -> None:
    """Sooner than the interval."""
    blocked = Failure(reason="ArtifactFailed", message="no")
    status = step(State.FETCHING_ARTIFACT, Event.BLOCKED, blocked=blocked, blocks=2).status
    assert status["nextTransition"] == {"event": "Due", "at": "2026-01-01T12:00:20Z"}


@pytest.mark.parametrize("event", [Event.DUE, Event.SUSPENDED, Event.DELETED], ids=str)
def test_it_is_gone_when_the_instance_moves(event: Event) -> None:
    """What does not rest waits for no timer of its own."""
    ready = step(State.HEALTH_CHECKING, Event.HEALTHY)
    after = step(State.READY, event, instance(ready.status), due=ready.run.due)
    assert "nextTransition" not in after.status


def test_a_wait_writes_nothing() -> None:
    """The timer that the status shows is the one that is waited for."""
    ready = step(State.HEALTH_CHECKING, Event.HEALTHY)
    after = step(State.READY, Event.WAITING, instance(ready.status), due=ready.run.due)
    assert not after.saves
    assert after.status == ready.status


def test_a_new_timer_alone_writes_nothing() -> None:
    """When nothing else has changed, the saved moment is left to lie in the past."""
    failure = Failure(reason="ArtifactFailed", message="no")
    first = step(State.FETCHING_ARTIFACT, Event.FAULT, failure=failure)
    again = step(
        State.FETCHING_ARTIFACT, Event.FAULT, instance(first.status), failure=failure, failures=3
    )
    assert again.run.due == NOW + timedelta(seconds=60)
    assert not again.saves
    assert again.status == first.status
