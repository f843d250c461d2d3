# SPDX-License-Identifier: Apache-2.0
"""Ready: repair drift as it happens, ask for new artifacts, reconcile in the wanted rhythm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.errors import ArtifactError, ClusterError
from fluxsm.machine.alphabet import Event
from fluxsm.ports import Ports
from fluxsm.rules import drift, ownership, schedule
from fluxsm.step import Observed, Outcome, entered
from states import timers
from states.fetching_artifact import pull_secret


def run(observed: Observed, ports: Ports) -> Outcome:
    """Answer Drifted, NewArtifact or Due when one of them is so, else wait for the next one."""
    drifted = _drifted(observed, ports)
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
    wakes = [moment for moment in (due, check, *_repairs_ahead(observed, ports)) if moment]
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


def _drifted(observed: Observed, ports: Ports) -> Outcome | None:
    """Drifted, with a message that names objects, fields and who changed them.

    An object over which somebody else insists on another value is left alone for a growing time:
    two programs that rewrite each other without end help nobody.
    """
    found = [
        (wanted, live)
        for wanted, live in _touched(observed, ports)
        if observed.now >= _next_repair(observed, ObjectRef.of(wanted))
    ]
    if not found:
        return None
    feuds, lines = dict(observed.run.feuds), []
    for wanted, live in found:
        identity = ObjectRef.of(wanted).identity
        feud = drift.after_repair(feuds.get(identity), observed.now)
        feuds[identity] = feud
        lines.append(f"{drift.describe(wanted, live)}{drift.warning(feud)}")
    return Outcome(event=Event.DRIFTED, message="; ".join(lines), facts={"feuds": feuds})


def _touched(observed: Observed, ports: Ports) -> Iterator[tuple[Manifest, Manifest | None]]:
    """Objects that are not any more what was applied, and how they are now.

    One whose owner has switched repairs off is left as it is until the next run.
    """
    build = observed.run.build
    for wanted in build.objects if build else ():
        live = ports.live.get(ObjectRef.of(wanted))
        if live is not None and ownership.is_repair_disabled(live):
            continue
        if observed.run.ledger.has_drifted(wanted, live):
            yield wanted, live


def _next_repair(observed: Observed, ref: ObjectRef) -> datetime:
    feud = observed.run.feuds.get(ref.identity)
    return feud.next_repair if feud else observed.now


def _repairs_ahead(observed: Observed, ports: Ports) -> Iterator[datetime]:
    """When the objects that are left alone for now are due."""
    for wanted, _ in _touched(observed, ports):
        yield _next_repair(observed, ObjectRef.of(wanted))
