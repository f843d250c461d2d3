# SPDX-License-Identifier: Apache-2.0
"""Ready: repair drift as it happens, ask for new artifacts, reconcile in the wanted rhythm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fluxsm.api import names
from fluxsm.core import schedule
from fluxsm.core.failure import Failure
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.core.progress import ArtifactCheck
from fluxsm.errors import ArtifactError, ClusterError
from fluxsm.machine.events import Event
from states.fetching_artifact import pull_secret
from states.work import drift as drifting
from states.work import hands


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Answer Drifted, NewArtifact or Due when one of them is so, else wait for the next one.

    Whatever it answers, it says which objects of the sync somebody has suspended meanwhile.
    """
    return hands.with_suspensions(_look(observed, ports), observed, ports)


def _look(observed: Observed, ports: Ports) -> Outcome:
    touched = drifting.find(observed, ports)
    drifted = drifting.detect(touched, observed)
    if drifted:
        return drifted
    if not _is_shown(observed):
        return Outcome(event=Event.DUE, message="the status does not say what runs")
    due, check = observed.stay.due_at, _next_check(observed)
    if due is not None and observed.tick >= due:
        return Outcome(event=Event.DUE)
    if check is not None and observed.tick >= check:
        return _check_artifact(observed, ports)
    ahead = (due, check, *drifting.repairs_ahead(touched, observed))
    wakes = [moment for moment in ahead if moment is not None]
    after = min(wakes) - observed.tick if wakes else None
    return Outcome(event=Event.WAITING, after=after)


def _is_shown(observed: Observed) -> bool:
    """Whether the saved status still says that this revision is Ready.

    It is a view that can be lost or overwritten; then another run works it out again.
    """
    status, build = observed.instance.status, observed.run.build
    ready = observed.instance.condition(names.READY)
    if ready is None or ready.status != "True":
        return False
    return build is None or status.last_applied_revision == build.revision


def _next_check(observed: Observed) -> timedelta | None:
    """When the registry is asked for the digest of the artifact, None without an artifact."""
    interval = observed.instance.metadata.reconcile_artifact_every
    if not observed.instance.spec.distribution.artifact or interval <= timedelta(0):
        return None
    progress = observed.stay.progress
    return progress.at if isinstance(progress, ArtifactCheck) else observed.stay.entered + interval


def _check_artifact(observed: Observed, ports: Ports) -> Outcome:
    """Ask for the digest only. What goes wrong is reported, but changes no condition."""
    reference = observed.instance.spec.distribution.artifact or ""
    try:
        digest = ports.distributions.digest(reference, pull_secret(observed, ports.cluster))
    except (ArtifactError, ClusterError) as error:
        # The check failed, whatever it was that failed it.
        failure = replace(Failure.of(error), reason=names.ARTIFACT_FAILED)
        return _after_check(observed, Event.FAULT, failure=failure)
    if digest is None:
        return Outcome(event=Event.WAITING, after=timedelta(seconds=1))
    known = observed.process.offered or observed.instance.status.last_artifact_revision
    seen = replace(observed.memory, process=replace(observed.process, offered=digest))
    observed = replace(observed, memory=seen)
    # What was tried before and could not be used is tried again by its own timer, not by this.
    if digest != known:
        checked = _after_check(observed, Event.NEW_ARTIFACT)
        return replace(checked, message=f"{reference} is now {digest}")
    return _after_check(observed, Event.WAITING)


def _after_check(observed: Observed, event: Event, failure: Failure | None = None) -> Outcome:
    """The outcome of a check, with the time of the next one: sooner after a failure."""
    settings, process = observed.settings, observed.process
    interval = observed.instance.metadata.reconcile_artifact_every
    failed = process.failed_checks + 1 if failure else 0
    delay = schedule.retry_delay(failed, minimum=settings.min_retry, maximum=settings.max_retry)
    pause = min(interval, delay) if failure else interval
    return Outcome(
        event=event,
        message=failure.message if failure else "",
        failure=failure,
        process=replace(process, failed_checks=failed),
        progress=ArtifactCheck(at=observed.tick + pause),
        after=None if failure else timedelta(0),
    )
