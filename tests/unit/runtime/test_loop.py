# SPDX-License-Identifier: Apache-2.0
"""The loop takes turns, and tells how long a wake-up waited for its own."""

from __future__ import annotations

from datetime import timedelta

from fluxsm.runtime.loop import Loop
from fluxsm.simulation.clock import VirtualClock

SECOND = timedelta(seconds=1)


class Turns:
    """A loop whose turns take a second each, the last of three stops it.

    Attributes:
        waits: what the loop reported about wake-ups.
    """

    def __init__(self, woken_in: int) -> None:
        self.count = 0
        self.waits: list[float] = []
        self._woken_in = woken_in
        self._clock = VirtualClock()
        self._loop = Loop(self._turn, self._clock, self.waits.append)
        self._loop.run()

    def _turn(self) -> timedelta:
        self.count += 1
        for _ in range(2 if self.count == self._woken_in else 0):
            self._loop.wake()
            self._clock.advance(SECOND)
        if self.count == 3:
            self._loop.stop()
        return timedelta(0)


def test_a_wake_up_waits_for_the_turn_under_way() -> None:
    """Further ones in the same turn are answered together with the first."""
    turns = Turns(woken_in=1)
    assert turns.count == 3
    assert turns.waits == [0.0, 2.0]


def test_a_turn_that_nobody_woke_tells_nothing() -> None:
    """The start counts as a wake-up, a turn by the timer does not."""
    assert Turns(woken_in=0).waits == [0.0]


def test_a_defect_in_a_turn_does_not_end_the_loop() -> None:
    """It is logged and followed by a pause."""
    clock, turns = VirtualClock(), list[int]()

    def turn() -> timedelta:
        turns.append(len(turns))
        if len(turns) == 1:
            loop.wake()  # so that the pause ends at once
            raise RuntimeError("a defect")
        loop.stop()
        return timedelta(0)

    loop = Loop(turn, clock)
    loop.run()
    assert turns == [0, 1]


def test_a_defect_that_stays_is_tried_again_more_and_more_rarely() -> None:
    """The pauses double up to a limit, and one turn that goes well begins them again."""
    fails = True

    def turn() -> None:
        if fails:
            raise KeyError("a defect")

    loop = Loop(turn, VirtualClock())
    pauses = [loop._safe_turn() for _ in range(6)]
    assert pauses == [timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 60, 60)]
    fails = False
    assert loop._safe_turn() is None
    fails = True
    assert loop._safe_turn() == timedelta(seconds=5)
