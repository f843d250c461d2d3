# SPDX-License-Identifier: Apache-2.0
"""How long a state may take, and when a resting one goes on by itself.

Timers are worked out once, on arrival, so that the status can show them and chance has its say
only once.
"""

from __future__ import annotations

from datetime import timedelta

from fluxsm.core import schedule
from fluxsm.core.observed import Observed
from fluxsm.machine.table import Due

REGISTRY_LIMIT = timedelta(minutes=2)
"""More than a registry has for everything that one state asks of it: each request ends after 30
seconds, and at most three follow one another."""


def registry_limit(observed: Observed) -> timedelta:  # noqa: ARG001 every limit looks like this
    """What a state may take that asks a registry."""
    return REGISTRY_LIMIT


def stage_limit(observed: Observed) -> timedelta:
    """What one wait for the API server may take."""
    return observed.settings.stage_timeout


def health_limit(observed: Observed) -> timedelta:
    """What the objects may take to become healthy."""
    return observed.instance.metadata.reconcile_timeout


def uninstall_limit(observed: Observed) -> timedelta:
    """What the uninstallation may take, from its beginning to its end."""
    return observed.settings.uninstall_timeout


def next_run(observed: Observed, random: float) -> Due | None:
    """When the next run is due: sooner than usual while an upgrade is blocked; None if never.

    Args:
        observed: what is known on arrival.
        random: a number in [0, 1) for jitter.
    """
    process, settings = observed.process, observed.settings
    if process.blocked:
        delay = schedule.retry_delay(
            max(process.blocks, 1),
            minimum=settings.min_retry,
            maximum=settings.max_retry,
            jitter=settings.jitter,
            random=random,
        )
        return Due(after=delay, is_shown=False)
    every = observed.instance.metadata.reconcile_every
    interval = schedule.next_reconcile(every, settings.jitter, random)
    return None if interval is None else Due(after=interval, every=every)


def next_try(observed: Observed, random: float) -> Due:
    """When a failed run is tried again: after a delay that doubles with each failure in a row.

    Args:
        observed: what is known on arrival.
        random: a number in [0, 1) for jitter.
    """
    settings = observed.settings
    delay = schedule.retry_delay(
        observed.process.failures,
        minimum=settings.min_retry,
        maximum=settings.max_retry,
        jitter=settings.jitter,
        random=random,
    )
    return Due(after=delay)
