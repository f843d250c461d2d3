# SPDX-License-Identifier: Apache-2.0
"""Failed: wait for the next try. Every failure is tried again; no state is a dead end."""

from __future__ import annotations

from datetime import timedelta

from fluxsm.machine.alphabet import Event
from fluxsm.ports import Ports
from fluxsm.step import Observed, Outcome
from states import timers


def run(observed: Observed, ports: Ports) -> Outcome:
    """Answer Due when the back-off has passed."""
    due = observed.run.due or timers.next_try(observed, ports.clock.random())
    left = due - observed.now
    if left <= timedelta(0):
        return Outcome(event=Event.DUE)
    failure = observed.run.failure
    return Outcome(event=Event.WAITING, message=failure.message if failure else "", after=left)
