# SPDX-License-Identifier: Apache-2.0
"""Clocks whose time passes only when they are asked to: that of the operator, and that of others.

All clocks of a world run at the same speed. They may show different times of day, and each can be
set while it runs; only the monotonic clock never jumps.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

BEGINNING: Final = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


class VirtualClock:
    """Implements `fluxsm.core.ports.Clock`.

    Attributes:
        elapsed: the time since the clock was made, which is what its monotonic clock shows.
        offset: by how much the wall clock is ahead of the right time.
        chance: what `random` answers; a half is no jitter at all.
    """

    def __init__(self, begin: datetime = BEGINNING) -> None:
        self._begin = begin
        self.elapsed = timedelta(0)
        self.offset = timedelta(0)
        self.chance = 0.5

    def now(self) -> datetime:
        """Wall-clock time, UTC."""
        return self.right_time() + self.offset

    def right_time(self) -> datetime:
        """The time of day that a clock shows that nobody has set."""
        return self._begin + self.elapsed

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self.elapsed.total_seconds()

    def random(self) -> float:
        """The number that was set."""
        return self.chance

    def advance(self, duration: timedelta) -> None:
        """Let time pass.

        Raises:
            ValueError: the duration is negative.
        """
        if duration < timedelta(0):
            raise ValueError("time does not run backwards")
        self.elapsed += duration

    def shift(self, duration: timedelta) -> None:
        """Set the wall clock forward, or back by a negative duration; no time passes."""
        self.offset += duration


class OtherClock:
    """The clock of another machine, such as that of the API server; a `fluxsm.core.ports.Clock`.

    Attributes:
        offset: by how much it is ahead of the right time.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """Wall-clock time, UTC, whatever the clock of the operator shows."""
        return self._clock.right_time() + self.offset

    def monotonic(self) -> float:
        """Seconds since the world began."""
        return self._clock.monotonic()

    def random(self) -> float:
        """The number that was set."""
        return self._clock.random()
