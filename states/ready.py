# SPDX-License-Identifier: Apache-2.0
"""Ready: repair drift as it happens, ask for new artifacts, reconcile in the wanted rhythm."""

from __future__ import annotations

from datetime import datetime, timedelta

from fluxsm.api import names
from fluxsm.core import schedule
from fluxsm.core.ports import Ports
from fluxsm.core.step import Observed, Outcome, entered
from fluxsm.errors import ArtifactError, ClusterError
from fluxsm.machine.events import Event
from states.fetching_artifact import pull_secret
from states.work import drift as drifting
from states.work import timers


def run(observed: Observed, ports: Ports) -> Outcome:
    """Answer Drifted, NewArtifact or Due when one of them is so, else wait for the next one."""
    touched = drifting.find(observed, ports)
    drifted = drifting.detect(touched, observed)
    if drifted:
        return drifted
    if not _is_told(observed):
        return Outcome(event=Event.DUE, message="the status does not say what runs")
    due = observed.run.due or timers.next_run(observed, ports.clock.random())
    if due and observed.now >= due:
        return Outcome(event=Event.DUE)
    check = observed.run.next_artifact_check or _next_check(observed)
    if check and observed.now >= check:
        return _check_artifact(observed, ports)
    wakes = [
        moment for moment in (due, check, *drifting.repairs_ahead(touched, observed)) if moment
    ]
    after = min(wakes) - observed.now if wakes else None
    facts = {"due": due, "next_artifact_check": check}
    return Outcome(event=Event.WAITING, facts=facts, after=after)


def _is_told(observed: Observed) -> bool:
    """Whether the saved status still says that this revision is Ready.

    It is a view that can be lost or overwritten; then another run works it out again.
    """
    status, build = observed.instance.status, observed.run.build
    ready = observed.instance.condition(names.READY)
    if ready is None or ready.status != "True":
        return False
    return build is None or status.last_applied_revision == build.revision


def _next_check(observed: Observed) -> datetime | None:
    """When the registry is asked for the digest of the artifact, None without an artifact."""
    interval = observed.instance.reconcile_artifact_every
    if not observed.instance.spec.distribution.artifact or interval <= timedelta(0):
        return None
    return entered(observed.run) + interval


def _check_artifact(observed: Observed, ports: Ports) -> Outcome:
    """Ask for the digest only. What goes wrong is told, but changes no condition."""
    reference = observed.instance.spec.distribution.artifact or ""
    try:
        digest = ports.distributions.digest(reference, pull_secret(observed, ports.cluster))
    except (ArtifactError, ClusterError) as error:
        return Outcome(
            event=Event.FAULT, message=str(error), facts=_after_check(observed, failed=True)
        )
    if digest is None:
        return Outcome(event=Event.WAITING, after=timedelta(seconds=1))
    facts = _after_check(observed, failed=False) | {"offered": digest}
    # What was tried before and could not be used is tried again by its own timer, not by this.
    if digest != (observed.run.offered or observed.instance.status.last_artifact_revision):
        return Outcome(
            event=Event.NEW_ARTIFACT, message=f"{reference} is now {digest}", facts=facts
        )
    return Outcome(event=Event.WAITING, facts=facts, after=timedelta(0))


def _after_check(observed: Observed, *, failed: bool) -> dict[str, object]:
    checks = observed.run.failed_checks + 1 if failed else 0
    interval = observed.instance.reconcile_artifact_every
    settings = observed.settings
    delay = (
        min(
            interval,
            schedule.retry_delay(checks, minimum=settings.min_retry, maximum=settings.max_retry),
        )
        if failed
        else interval
    )
    return {"failed_checks": checks, "next_artifact_check": observed.now + delay}
