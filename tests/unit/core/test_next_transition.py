# SPDX-License-Identifier: Apache-2.0
"""The status says when a resting instance goes on, and that alone is never worth a write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from fluxsm.api.objects import Manifest
from fluxsm.core.failure import Failure
from fluxsm.core.instance import Instance
from fluxsm.core.memory import Stay
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Clock, Ports
from fluxsm.core.runs import start
from fluxsm.core.settings import Settings
from fluxsm.core.step import Step, take
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.runtime.reconciler import merge_patch
from states.behaviour import BEHAVIOUR

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TICK = timedelta(hours=7)
SETTINGS = Settings(jitter=0.1, min_retry=timedelta(seconds=10), max_retry=timedelta(minutes=1))


class StandingClock:
    """A clock that stands still; its chance is in the middle, so that jitter does nothing."""

    def random(self) -> float:
        """The middle."""
        return 0.5


def step(
    state: State,
    event: Event,
    manifest: Manifest | None = None,
    *,
    failure: Failure | None = None,
    blocks: int = 0,
    failures: int = 0,
    stay: Stay | None = None,
) -> Step:
    """The step that an event makes from a state."""
    found = Instance(manifest or instance())
    memory = start(found, TICK)
    process = replace(memory.process, blocks=blocks, failures=failures)
    observed = Observed(
        instance=found,
        state=state,
        memory=replace(memory, process=process, stay=stay or memory.stay),
        now=NOW,
        tick=TICK,
        settings=SETTINGS,
    )
    outcome = Outcome(event=event, failure=failure)
    behaviour = replace(BEHAVIOUR, signals=lambda _: outcome)
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


def test_ready_says_how_often_it_runs() -> None:
    """The interval stays true, also after a quiet run that writes nothing."""
    status = step(State.HEALTH_CHECKING, Event.HEALTHY).status
    assert status["nextTransition"] == {"event": "Due", "every": "1h0m0s"}


def test_ready_without_periodic_runs_says_nothing() -> None:
    """An interval of zero means that only a change brings it on."""
    status = step(State.HEALTH_CHECKING, Event.HEALTHY, instance(reconcileEvery="0")).status
    assert "nextTransition" not in status


def test_failed_says_when_it_tries_again() -> None:
    """The back-off after the failure; every failure is saved, so the moment is true."""
    failure = Failure(reason="ReconciliationFailed", message="no")
    status = step(State.APPLYING, Event.FAULT, failure=failure).status
    assert status["nextTransition"] == {"event": "Due", "at": "2026-01-01T12:00:10Z"}


def test_a_blocked_upgrade_shows_no_moment() -> None:
    """It is tried again without a write of the status, so a moment would soon be wrong."""
    blocked = Failure(reason="ArtifactFailed", message="no")
    taken = step(State.FETCHING_ARTIFACT, Event.BLOCKED, failure=blocked, blocks=1)
    assert "nextTransition" not in taken.status
    assert taken.memory.stay.due_at == TICK + timedelta(seconds=20)


@pytest.mark.parametrize("event", [Event.DUE, Event.SUSPENDED, Event.DELETED], ids=str)
def test_it_is_gone_when_the_instance_moves(event: Event) -> None:
    """What does not rest waits for no timer of its own."""
    ready = step(State.HEALTH_CHECKING, Event.HEALTHY)
    after = step(State.READY, event, instance(ready.status), stay=ready.memory.stay)
    assert "nextTransition" not in after.status


def test_a_wait_writes_nothing() -> None:
    """The timer that the status shows is the one that is waited for."""
    ready = step(State.HEALTH_CHECKING, Event.HEALTHY)
    after = step(State.READY, Event.WAITING, instance(ready.status), stay=ready.memory.stay)
    assert not after.saves
    assert after.status == ready.status


def test_a_moment_makes_way_for_a_period() -> None:
    """A merge patch keeps what it does not name, so what is gone is named, at any depth."""
    old = {"a": 1, "nextTransition": {"event": "Due", "at": "x"}, "conditions": [1]}
    new = {"nextTransition": {"event": "Due", "every": "1h"}, "conditions": [2]}
    assert merge_patch(old, new) == {
        "a": None,
        "conditions": [2],
        "nextTransition": {"at": None, "every": "1h"},
    }
