# SPDX-License-Identifier: Apache-2.0
"""When a resting instance goes on by itself.

Worked out once, on arrival, so that the status can say it and chance has its say only once.
"""

from __future__ import annotations

from datetime import datetime

from fluxsm.core import schedule
from fluxsm.core.step import Observed, entered


def next_run(observed: Observed, random: float) -> datetime | None:
    """When the next run is due: sooner than usual while an upgrade is blocked; None if never.

    Args:
        observed: what is known on arrival.
        random: a number in [0, 1) for jitter.
    """
    run, settings = observed.run, observed.settings
    if run.blocked:
        delay = schedule.retry_delay(
            max(run.blocks, 1), minimum=settings.min_retry, maximum=settings.max_retry
        )
        return entered(run) + delay
    interval = schedule.next_reconcile(observed.instance.reconcile_every, settings.jitter, random)
    return None if interval is None else entered(run) + interval


def next_try(observed: Observed, random: float) -> datetime:  # noqa: ARG001 as above
    """When a failed run is tried again: after a delay that doubles with each failure in a row."""
    settings = observed.settings
    delay = schedule.retry_delay(
        observed.run.failures, minimum=settings.min_retry, maximum=settings.max_retry
    )
    return entered(observed.run) + delay
