# SPDX-License-Identifier: Apache-2.0
"""Failed: wait for the next try. Every failure is tried again; no state is a dead end."""

from __future__ import annotations

from fluxsm.machine.alphabet import Event
from fluxsm.ports import Ports
from fluxsm.rules import schedule
from fluxsm.step import Observed, Outcome, entered


def run(observed: Observed, ports: Ports) -> Outcome:  # noqa: ARG001 it only waits
    """Answer Due when the back-off has passed."""
    settings = observed.settings
    delay = schedule.retry_delay(
        observed.run.failures, minimum=settings.min_retry, maximum=settings.max_retry
    )
    left = entered(observed.run) + delay - observed.now
    if left.total_seconds() <= 0:
        return Outcome(event=Event.DUE)
    failure = observed.run.failure
    return Outcome(event=Event.WAITING, message=failure.message if failure else "", after=left)
