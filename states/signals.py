# SPDX-License-Identifier: Apache-2.0
"""What may interrupt any state, in the order in which it is looked at.

The chain is asked before every handler, so a deletion, a suspension or a new spec never waits
for the work of the state it finds.
"""

from __future__ import annotations

from collections.abc import Callable

from fluxsm.core.step import Observed, Outcome
from fluxsm.machine.events import Event
from fluxsm.machine.states import State


def deleted(observed: Observed) -> Outcome | None:
    """The instance is being deleted."""
    if observed.instance.metadata.deletion_timestamp and observed.state is not State.UNINSTALLING:
        return Outcome(event=Event.DELETED, message="Uninstalling")
    return None


def suspended(observed: Observed) -> Outcome | None:
    """The instance is disabled by annotation."""
    if observed.instance.suspended and observed.state not in {State.SUSPENDED, State.UNINSTALLING}:
        return Outcome(event=Event.SUSPENDED, message="Reconciliation is disabled")
    return None


def resumed(observed: Observed) -> Outcome | None:
    """The instance is enabled again."""
    if observed.state is State.SUSPENDED and not observed.instance.suspended:
        return Outcome(event=Event.RESUMED, message="Reconciliation in progress")
    return None


def changed(observed: Observed) -> Outcome | None:
    """The spec or an annotation is not the one that the run works on."""
    metadata, run = observed.instance.metadata, observed.run
    if metadata.generation == run.generation and metadata.annotations == run.annotations:
        return None
    return Outcome(event=Event.CHANGED, message="Reconciliation in progress")


def expired(observed: Observed) -> Outcome | None:
    """The time limit of the state has passed."""
    deadline = observed.run.deadline
    if deadline is None or observed.now < deadline.at:
        return None
    return Outcome(
        event=Event.EXPIRED,
        message=deadline.failure.message,
        facts={"failure": deadline.failure, "deadline": None},
    )


SIGNALS: tuple[Callable[[Observed], Outcome | None], ...] = (
    deleted,
    suspended,
    resumed,
    changed,
    expired,
)


def first_signal(observed: Observed) -> Outcome | None:
    """The outcome of the first signal that is up, None when all is quiet."""
    for signal in SIGNALS:
        outcome = signal(observed)
        if outcome is not None:
            return outcome
    return None
