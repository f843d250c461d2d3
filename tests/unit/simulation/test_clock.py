# SPDX-License-Identifier: Apache-2.0
"""Clocks run at the same speed, and each can be set without the others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fluxsm.simulation.clock import BEGINNING, OtherClock, VirtualClock
from fluxsm.simulation.world import INSTANCE, World

MINUTE = timedelta(minutes=1)


def test_a_clock_that_is_set_still_measures_time() -> None:
    """The wall clock jumps, the monotonic one does not."""
    clock = VirtualClock()
    clock.advance(MINUTE)
    for jump in (-60 * MINUTE, 5 * MINUTE):
        before = clock.now()
        clock.shift(jump)
        assert clock.now() - before == jump
        assert clock.monotonic() == 60
    clock.advance(MINUTE)
    assert clock.monotonic() == 120
    assert clock.now() == BEGINNING + (2 - 55) * MINUTE


def test_time_does_not_run_backwards() -> None:
    """A mistake in a test is not a jump of the clock."""
    with pytest.raises(ValueError, match="backwards"):
        VirtualClock().advance(-MINUTE)


def test_another_clock_goes_its_own_way() -> None:
    """It is ahead by what it is set to, whatever the first one is set to."""
    clock = VirtualClock()
    other = OtherClock(clock)
    other.offset = MINUTE
    clock.shift(-60 * MINUTE)
    clock.advance(MINUTE)
    assert other.now() == BEGINNING + 2 * MINUTE
    assert other.monotonic() == clock.monotonic()


def test_the_api_server_has_a_clock_of_its_own() -> None:
    """Its timestamps do not follow the clock of the operator."""
    world = World()
    world.clock.shift(-24 * 60 * MINUTE)
    world.server_clock.offset = MINUTE
    world.create()
    created = world.user.get(INSTANCE)["metadata"]["creationTimestamp"]
    assert created == "2026-01-01T12:01:00Z"
