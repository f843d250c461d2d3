# SPDX-License-Identifier: Apache-2.0
"""The time of this machine."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `fluxsm.core.ports.Clock`."""

    def now(self) -> datetime:
        """Wall-clock time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump, and go on while the machine sleeps."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def random(self) -> float:
        """A number in [0, 1)."""
        return random.random()  # noqa: S311 jitter is no secret
