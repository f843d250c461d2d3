# SPDX-License-Identifier: Apache-2.0
"""When something happens next: retries, periodic runs, deadlines.

Every moment is worked out from a persisted moment and a duration, so a restart loses no timer.
Chance comes in as a number, so a test knows what it will be.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from fluxsm.api import names
from fluxsm.objects import manifest

ZERO: Final = timedelta(0)
_DOUBLINGS: Final = 64
"""More doublings than any sensible pair of limits needs; keeps the numbers small."""


def retry_delay(
    failures: int,
    *,
    minimum: timedelta,
    maximum: timedelta,
    jitter: float = 0,
    random: float = 0.5,
) -> timedelta:
    """Return how long to wait after a failure: doubled with each one, up to a limit.

    Args:
        failures: failures in a row, from 1 for the first; less counts as 1.
        minimum: the delay after the first failure; zero or less means no delay at all.
        maximum: the longest delay; jitter never exceeds it.
        jitter: share by which chance may shorten or lengthen the delay, 0 to 1.
        random: a number in [0, 1); one half means no change.
    """
    if minimum <= ZERO:
        return ZERO
    factor = 1 << min(max(failures, 1) - 1, _DOUBLINGS)
    delay = maximum if factor >= maximum / minimum else minimum * factor
    return min(_vary(delay, jitter, random), maximum)


def next_reconcile(interval: timedelta, jitter: float, random: float) -> timedelta | None:
    """Return how long to wait after a success, None when there is no periodic run.

    Args:
        interval: the wanted period; zero or less switches periodic runs off.
        jitter: share by which chance may shorten or lengthen the interval, 0 to 1. It keeps many
            clusters from asking a registry at the same moment.
        random: a number in [0, 1).
    """
    return None if interval <= ZERO else _vary(interval, jitter, random)


def _vary(duration: timedelta, jitter: float, random: float) -> timedelta:
    return duration * (1 + jitter * (2 * random - 1))


def is_requested(annotations: Mapping[str, str], status: Mapping[str, Any]) -> bool:
    """Whether the instance carries a request to reconcile that no run has answered yet."""
    requested = annotations.get(names.REQUESTED_AT, "")
    return bool(requested) and requested != manifest.text(status, "lastHandledReconcileAt")
