# SPDX-License-Identifier: Apache-2.0
"""HealthChecking: watch until everything that was applied is healthy, or cannot become so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from fluxsm.api.objects import CRD, ObjectRef
from fluxsm.core import force
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.core.progress import Diagnosis
from fluxsm.errors import HealthError
from fluxsm.machine.events import Event
from fluxsm.machine.triggers import Trigger
from fluxsm.objects import health, migration
from fluxsm.objects.health import Found
from fluxsm.objects.migration import Plan
from states.work import drift as drifting
from states.work.diagnosis import explain, investigate, next_look
from states.work.write_ahead import built


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Answer Healthy when all is Current, fail when nothing can come of it, else wait.

    What somebody else deletes or changes meanwhile cannot get healthy by waiting: Drifted. Repairs
    that are put off are looked for with the pods, every few seconds.
    """
    if not observed.instance.spec.wait:
        return _healthy(observed, ports)
    drifted = drifting.detect(drifting.find(observed, ports), observed)
    if drifted:
        return drifted
    found = health.statuses(built(observed.run).objects, ports.live.get, observed.now)
    unhealthy = [(ref, status) for ref, status in found if not status.is_current]
    if not unhealthy:
        return _healthy(observed, ports)
    diagnosis = investigate(unhealthy, observed, ports)
    unhealthy = explain(unhealthy, diagnosis, observed, ports)
    if all(status.is_failed for _, status in unhealthy):
        waited = observed.tick - observed.stay.entered
        limit = observed.instance.metadata.reconcile_timeout
        raise HealthError(health.failed_early(unhealthy, waited, limit))
    return _wait(observed, unhealthy, diagnosis)


def _healthy(observed: Observed, ports: Ports) -> Outcome:
    """Healthy, with what is left to migrate; a repair of drift leaves nothing."""
    plans = () if observed.run.trigger is Trigger.DRIFT else tuple(_plans(observed, ports))
    return Outcome(event=Event.HEALTHY, run=replace(observed.run, migration_after=plans))


def _wait(observed: Observed, unhealthy: Sequence[Found], diagnosis: Diagnosis) -> Outcome:
    """Wait until something changes, the pods are worth another look, or time is up."""
    limit = observed.instance.metadata.reconcile_timeout
    return Outcome(
        event=Event.WAITING,
        message=health.waiting_for(unhealthy),
        expired=health.timed_out(unhealthy, limit),
        progress=diagnosis,
        after=max(next_look(diagnosis, observed) - observed.tick, timedelta(0)),
    )


def _plans(observed: Observed, ports: Ports) -> Iterator[Plan]:
    """The kinds whose objects must be stored again, now that the new definitions are in place."""
    instance, build = observed.instance, built(observed.run)
    if not instance.spec.migrate_resources:
        return
    applied = instance.status.last_applied_revision or ""
    asked = force.is_forced(instance.metadata.annotations, instance.saved)
    forced = asked or force.is_minor_upgrade(applied, build.revision)
    for item in build.objects:
        live = ports.live.get(ObjectRef.of(item)) if item["kind"] == CRD.kind else None
        plan = migration.plan_after(live, forced=forced) if live else None
        if plan is not None:
            yield plan
