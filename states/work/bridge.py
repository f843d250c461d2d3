# SPDX-License-Identifier: Apache-2.0
"""Bridges: definitions that know the old and the new versions, while objects move over.

The API server goes on by the old definition for some moments after it has accepted another one.
What is written then is stored in the old version still, and could not be read by anybody once that
is gone. One of several API servers may lag behind the one that is asked, and nothing shows it: so
besides being served, a definition must have been there for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.core.progress import Bridge, Rewriting
from fluxsm.errors import ClusterError, MigrationError
from fluxsm.machine.events import Event
from fluxsm.objects.migration import Plan
from states.work.write_ahead import built, is_recorded, record

SERVING_DELAY: Final = timedelta(seconds=5)
"""How long API servers have to notice a definition; they themselves grant each other as much
before they call a new one established."""

LOOK_AGAIN: Final = timedelta(milliseconds=100)
_NOW: Final = timedelta(0)


def bridge(
    plans: Sequence[Plan], progress: Rewriting, observed: Observed, ports: Ports
) -> Outcome | None:
    """Apply the bridges of all plans and wait until they are served; None when that is so."""
    missing = [plan for plan in plans if plan.bridge is not None]
    if not missing or progress.bridge is Bridge.SERVED:
        return None
    if progress.bridge is Bridge.APPLIED:
        return _await_all(missing, progress, ports)
    if not is_recorded(observed, built(observed.run)):
        return record(observed, built(observed.run))
    return _build(missing, progress, observed, ports)


def served_by(observed: Observed) -> timedelta:
    """When every API server knows the definitions that this run, or one before it, has written."""
    written = observed.run.defined
    return (observed.run.started if written is None else written) + SERVING_DELAY


def await_served(plans: Sequence[Plan]) -> Outcome:
    """Wait until the kinds of some plans are served."""
    kinds = ", ".join(str(plan.kind) for plan in plans)
    return Outcome(
        event=Event.WAITING,
        message=f"Waiting for {kinds} to be served",
        wait=f"{kinds} served",
        after=LOOK_AGAIN,
    )


def _build(plans: Sequence[Plan], progress: Rewriting, observed: Observed, ports: Ports) -> Outcome:
    bridges = [plan.bridge for plan in plans if plan.bridge is not None]
    answers = ports.cluster.apply_all(bridges)
    for plan, answer in zip(plans, answers, strict=True):
        if isinstance(answer, ClusterError):
            if answer.passing:
                raise answer
            raise MigrationError(f"{plan}: {answer}")
        ports.live.put(answer.manifest)
    return replace(
        await_served(plans),
        run=replace(observed.run, defined=observed.tick),
        progress=replace(progress, bridge=Bridge.APPLIED),
        after=_NOW,
    )


def _await_all(plans: Sequence[Plan], progress: Rewriting, ports: Ports) -> Outcome:
    missing = [plan for plan in plans if not ports.cluster.serves(plan.kind)]
    if missing:
        return await_served(missing)
    served = replace(progress, bridge=Bridge.SERVED)
    return Outcome(event=Event.WAITING, progress=served, after=_NOW)
