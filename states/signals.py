# SPDX-License-Identifier: Apache-2.0
"""What may interrupt any state, in the order in which it is looked at.

The chain is asked before every handler, so a deletion, a suspension or a new spec never waits
for the work of the state it finds. It reads metadata only, which is there whatever else is wrong
with the instance.
"""

from __future__ import annotations

from collections.abc import Callable

from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.machine.events import Event
from fluxsm.machine.states import State


def gone(observed: Observed) -> Outcome | None:
    """The instance is not there any more."""
    return Outcome(event=Event.GONE, message="The instance is gone") if observed.gone else None


def deleted(observed: Observed) -> Outcome | None:
    """The instance is being deleted."""
    if observed.instance.is_deleted and observed.state is not State.UNINSTALLING:
        return Outcome(event=Event.DELETED, message="Uninstalling")
    return None


def suspended(observed: Observed) -> Outcome | None:
    """The instance is disabled by annotation."""
    disabled = observed.instance.metadata.suspended
    if disabled and observed.state not in {State.SUSPENDED, State.UNINSTALLING}:
        return Outcome(event=Event.SUSPENDED, message="Reconciliation is disabled")
    return None


def resumed(observed: Observed) -> Outcome | None:
    """The instance is enabled again."""
    if observed.state is State.SUSPENDED and not observed.instance.metadata.suspended:
        return Outcome(event=Event.RESUMED, message="Reconciliation in progress")
    return None


def changed(observed: Observed) -> Outcome | None:
    """The spec, or an annotation that asks for something, is not what the run works on."""
    instance, run = observed.instance, observed.run
    same = (
        instance.metadata.generation == run.generation
        and instance.metadata.asking == run.asked
        and (instance.manifest.get("spec") or {}) == run.spec
    )
    if same:
        return None
    return Outcome(event=Event.CHANGED, message="Reconciliation in progress")


SIGNALS: tuple[Callable[[Observed], Outcome | None], ...] = (
    gone,
    deleted,
    suspended,
    resumed,
    changed,
)


def first_signal(observed: Observed) -> Outcome | None:
    """The outcome of the first signal that is up, None when all is quiet."""
    for signal in SIGNALS:
        outcome = signal(observed)
        if outcome is not None:
            return outcome
    return None
