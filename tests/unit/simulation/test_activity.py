# SPDX-License-Identifier: Apache-2.0
"""What an operator asks and says is counted by the hour."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from fluxsm.core.ports import KubernetesEvent
from fluxsm.machine.states import State
from fluxsm.simulation.activity import LOGGER, Activity
from fluxsm.simulation.clock import VirtualClock
from fluxsm.simulation.faults import refusal
from fluxsm.simulation.world import World

HOUR = timedelta(hours=1)
log = logging.getLogger(f"{LOGGER}.test")


@pytest.fixture
def activity() -> Activity:
    """Nothing happened yet."""
    return Activity(VirtualClock())


def test_each_hour_counts_for_itself() -> None:
    """By virtual time."""
    clock = VirtualClock()
    activity = Activity(clock)
    for _ in range(2):
        activity.add_event(KubernetesEvent(type="Normal", reason="A", message=""))
    clock.advance(HOUR)
    activity.add_event(KubernetesEvent(type="Warning", reason="B", message=""))
    assert {number: dict(hour.events) for number, hour in activity.hours.items()} == {
        0: {("Normal", "A"): 2},
        1: {("Warning", "B"): 1},
    }


@pytest.mark.parametrize("level", [logging.NOTSET, logging.INFO, logging.WARNING, logging.CRITICAL])
def test_lines_are_counted_whatever_the_log_shows(
    activity: Activity, caplog: pytest.LogCaptureFixture, level: int
) -> None:
    """INFO and above; shown is what would have been shown without."""
    with caplog.at_level(level, logger=LOGGER):
        shown = logging.getLogger(LOGGER).getEffectiveLevel()
        with activity.counting_lines():
            log.debug("debug")
            log.info("info")
            log.warning("warning")
    assert activity.hour().lines == {"INFO": 1, "WARNING": 1}
    wanted = [("info", logging.INFO), ("warning", logging.WARNING)]
    assert caplog.messages == [text for text, line in wanted if line >= shown]


def test_the_log_is_as_it_was_afterwards(activity: Activity) -> None:
    """Level, handlers and where its lines go."""
    logger = logging.getLogger(LOGGER)
    before = (logger.level, list(logger.handlers), logger.propagate)
    with pytest.raises(ValueError, match="oh"), activity.counting_lines():
        raise ValueError("oh")
    assert (logger.level, list(logger.handlers), logger.propagate) == before


def test_a_world_counts_what_its_operator_does() -> None:
    """Requests by verb and kind, those of users left out; Kubernetes events; lines of the log."""
    world = World()
    world.create()
    world.reach(State.READY)
    hour = world.activity.hours[0]
    assert hour.requests["apply", "Deployment"] == 1
    assert hour.requests["status", "FluxInstance"] >= 1
    assert ("create", "FluxInstance") not in hour.requests
    assert hour.asked == len(world.cluster.gate.asked())
    assert sum(hour.events.values()) == len(world.recorder.events)
    assert hour.lines["INFO"] >= len(world.path)


def test_what_is_refused_counts_too() -> None:
    """It was a request, and a warning of the log says so."""
    world = World()
    world.cluster.gate.faults.append(refusal("status", times=2))
    world.create()
    world.settle(timedelta(minutes=1))
    hour = world.activity.hours[0]
    refused = sum(count for (verb, _), count in hour.requests.items() if verb == "status")
    assert refused > 2
    assert hour.lines["WARNING"] >= 1
