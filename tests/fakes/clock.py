# SPDX-License-Identifier: Apache-2.0
"""Time that passes only when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


class FakeClock:
    """Implements `fluxsm.core.ports.Clock`."""

    def __init__(self, now: datetime = BEGINNING) -> None:
        self._begin = now
        self._now = now
        self.chance = 0.5
        """What `random` answers; a half is no jitter at all."""

    def now(self) -> datetime:
        """Wall-clock time, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (self._now - self._begin).total_seconds()

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
        self._now += duration
