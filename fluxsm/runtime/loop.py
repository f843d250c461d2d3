# SPDX-License-Identifier: Apache-2.0
"""The watch loop: take steps while there is something to do, else sleep until a wake-up is due.

A wake-up is either a call of `wake` (a watch reported something) or the time that the last turn
asked for. Time is measured by the monotonic clock, so a wall clock that jumps does no damage.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from fluxsm.core.ports import Clock
from fluxsm.core.schedule import retry_delay

log = logging.getLogger("fluxsm.loop")

Turn = Callable[[], timedelta | None]

LONGEST_SLEEP: Final = 60.0
"""Look at least this often, whatever was missed."""

PAUSE_AFTER_CRASH: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=1)
"""The pause after a defect outside a handler, doubled with each one in a row."""

BUSY_TURNS: Final = 1_000
"""Turns without a pause after which something must be wrong."""


class Loop:
    """Calls `turn` until it is stopped."""

    def __init__(
        self, turn: Turn, clock: Clock, on_woken: Callable[[float], None] = lambda _: None
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            turn: takes one step and says when to take the next.
            clock: the time.
            on_woken: called with how many seconds a wake-up waited for its turn.
        """
        self._turn = turn
        self._clock = clock
        self._on_woken = on_woken
        self._condition = threading.Condition()
        self._woken: float | None = clock.monotonic()
        self._stopped = False
        self._busy = 0
        self._defects = 0
        self.turned = clock.monotonic()

    def wake(self) -> None:
        """Take a step soon. May be called from any thread."""
        with self._condition:
            if self._woken is None:
                self._woken = self._clock.monotonic()
            self._condition.notify_all()

    def stop(self) -> None:
        """End after the current turn. May be called from any thread."""
        self._stopped = True
        self.wake()

    @property
    def stopped(self) -> bool:
        """Whether the loop was asked to end."""
        return self._stopped

    def run(self) -> None:
        """Take turns until `stop` is called."""
        while not self._stopped:
            self._answer_wakes()
            delay = self._safe_turn()
            self.turned = self._clock.monotonic()
            self._sleep(delay)

    def _safe_turn(self) -> timedelta | None:
        """One turn; a defect is logged and slows the loop down, but never ends it."""
        try:
            delay = self._turn()
        except Exception:
            log.exception("a step failed in an unexpected way; trying again")
            self._defects += 1
            return retry_delay(self._defects, minimum=PAUSE_AFTER_CRASH, maximum=LONGEST_PAUSE)
        self._defects = 0
        return delay

    def _answer_wakes(self) -> None:
        """Take note of the wake-ups so far; the turn that follows answers them all."""
        with self._condition:
            woken, self._woken = self._woken, None
        if woken is not None:
            self._on_woken(self._clock.monotonic() - woken)

    def _sleep(self, delay: timedelta | None) -> None:
        seconds = LONGEST_SLEEP if delay is None else min(delay.total_seconds(), LONGEST_SLEEP)
        if seconds <= 0:
            self._busy += 1
            if self._busy < BUSY_TURNS:
                return
            log.error("%d steps without a pause; pausing", self._busy)
            seconds = PAUSE_AFTER_CRASH.total_seconds()
        self._busy = 0
        with self._condition:
            self._condition.wait_for(
                lambda: self._woken is not None or self._stopped, timeout=seconds
            )
