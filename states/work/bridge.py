# SPDX-License-Identifier: Apache-2.0
"""Bridging: definitions that know the old and the new versions, for as long as objects move over.

The API server goes on by the old definition for some moments after it has accepted another one.
What is written then is stored in the old version still, and could not be read by anybody once that
is gone. One of several API servers may lag behind the one that is asked, and nothing tells: so
besides being served, a definition must have been there for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fluxsm.api import names
from fluxsm.core.memory import Deadline, Failure
from fluxsm.core.ports import Ports
from fluxsm.core.step import Observed, Outcome
from fluxsm.errors import ClusterError, MigrationError
from fluxsm.machine.events import Event
from fluxsm.objects.migration import Plan
from states.work.write_ahead import built, is_recorded, record

SETTLE = timedelta(seconds=5)
"""How long API servers have to hear of a definition; they themselves grant each other as much
before they call a new one established."""

LOOK_AGAIN = timedelta(milliseconds=100)
_NOW = timedelta(0)
_BUILT, _CARRIES = "bridged", "carries"


def bridge(plans: Sequence[Plan], observed: Observed, ports: Ports) -> Outcome | None:
    """Apply the bridges of all plans and wait until they are served; None when that is so."""
    notes, missing = observed.run.notes, [plan for plan in plans if plan.bridge is not None]
    if not missing or _CARRIES in notes:
        return None
    if _BUILT in notes:
        return _await_all(missing, observed, ports)
    if not is_recorded(observed, built(observed.run)):
        return record(observed, built(observed.run))
    return _build(missing, observed, ports)


def settled_at(observed: Observed) -> datetime:
    """When every API server knows the definitions that this run, or one before it, has written."""
    return (observed.run.defined or observed.run.started) + SETTLE


def awaiting(plans: Sequence[Plan]) -> str:
    """What is waited for, for people."""
    return f"Waiting for {', '.join(str(plan.kind) for plan in plans)} to be served"


def _build(plans: Sequence[Plan], observed: Observed, ports: Ports) -> Outcome:
    bridges = [plan.bridge for plan in plans if plan.bridge is not None]
    answers = ports.cluster.apply_all(bridges)
    for plan, answer in zip(plans, answers, strict=True):
        if isinstance(answer, ClusterError):
            raise MigrationError(f"{plan}: {answer}")
        ports.live.put(answer.manifest)
    limit = observed.settings.crd_timeout
    failure = Failure(
        reason=names.RECONCILIATION_FAILED,
        message=f"{awaiting(plans)}: not done within {limit.total_seconds():.0f}s",
    )
    facts = {
        "notes": {**observed.run.notes, _BUILT: True},
        "defined": observed.now,
        "deadline": Deadline(at=observed.now + limit, failure=failure),
    }
    return Outcome(event=Event.WAITING, message=awaiting(plans), facts=facts, after=_NOW)


def _await_all(plans: Sequence[Plan], observed: Observed, ports: Ports) -> Outcome:
    missing = [plan for plan in plans if not ports.cluster.serves(plan.kind)]
    if missing:
        return Outcome(event=Event.WAITING, message=awaiting(missing), after=LOOK_AGAIN)
    notes = {**observed.run.notes, _CARRIES: True}
    return Outcome(event=Event.WAITING, facts={"notes": notes}, after=_NOW)
