# SPDX-License-Identifier: Apache-2.0
"""HealthChecking: watch until everything that was applied is healthy, or cannot become so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import ClusterError, HealthError
from fluxsm.machine.alphabet import Event
from fluxsm.ports import Ports
from fluxsm.rules import force, health, migration
from fluxsm.rules.health import Found, Health
from fluxsm.rules.migration import Plan
from fluxsm.run import Deadline, Failure, Trigger
from fluxsm.step import Observed, Outcome, entered
from states.building import CRD
from states.recording import built

_POD = Kind("", "v1", "Pod")
_SETS = Kind("apps", "v1", "ReplicaSet")
_PATIENCE = timedelta(seconds=5)
"""How long a Deployment may take before its pods are looked at."""


def run(observed: Observed, ports: Ports) -> Outcome:
    """Answer Healthy when all is Current, fail when nothing can come of it, else wait."""
    if not observed.instance.spec.wait:
        return _healthy(observed, ports)
    found = health.statuses(built(observed.run).objects, ports.live.get, observed.now)
    unhealthy = [(ref, status) for ref, status in found if not status.is_current]
    if not unhealthy:
        return _healthy(observed, ports)
    waited = observed.now - entered(observed.run)
    limit = observed.instance.reconcile_timeout
    if waited >= _PATIENCE:
        unhealthy = _with_pods(unhealthy, observed, ports)
    if all(status.is_failed for _, status in unhealthy):
        raise HealthError(health.failed_early(unhealthy, waited, limit))
    return _wait(observed, unhealthy, waited, limit)


def _healthy(observed: Observed, ports: Ports) -> Outcome:
    """Healthy, with what is left to migrate; a repair of drift leaves nothing."""
    plans = () if observed.run.trigger is Trigger.DRIFT else tuple(_plans(observed, ports))
    return Outcome(event=Event.HEALTHY, facts={"migration_after": plans})


def _wait(
    observed: Observed,
    unhealthy: Sequence[Found],
    waited: timedelta,
    limit: timedelta,
) -> Outcome:
    failure = Failure(reason=names.HEALTH_CHECK_FAILED, message=health.timed_out(unhealthy, limit))
    deadline = Deadline(at=entered(observed.run) + limit, failure=failure)
    left = max(limit - waited, timedelta(0))
    return Outcome(
        event=Event.WAITING,
        message=health.waiting_for(unhealthy),
        facts={"deadline": deadline},
        after=min(_PATIENCE, left),
    )


def _with_pods(unhealthy: Sequence[Found], observed: Observed, ports: Ports) -> list[Found]:
    """The same in the light of what pods say: some will never start, and then waiting is no use."""
    return [(ref, _look_at_pods(ref, found, observed, ports)) for ref, found in unhealthy]


def _look_at_pods(ref: ObjectRef, found: Health, observed: Observed, ports: Ports) -> Health:
    live = ports.live.get(ref)
    selector = _pod_selector(live)
    if live is None or not selector:
        return found
    try:
        sets = list(ports.cluster.list(_SETS, namespace=ref.namespace, labels=selector))
        pods = list(ports.cluster.list(_POD, namespace=ref.namespace, labels=selector))
    except ClusterError:
        return found  # pods only help to fail sooner; the wait itself goes on without them
    return health.with_pods(found, health.current_pods(live, sets, pods), observed.now)


def _pod_selector(manifest: Manifest | None) -> str:
    if manifest is None or manifest.get("kind") != "Deployment":
        return ""
    labels = manifest.get("spec", {}).get("selector", {}).get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _plans(observed: Observed, ports: Ports) -> Iterator[Plan]:
    """The kinds whose objects must be stored anew, now that the new definitions are in place."""
    instance, build = observed.instance, built(observed.run)
    if not instance.spec.migrate_resources:
        return
    status = observed.manifest.get("status") or {}
    applied = instance.status.last_applied_revision or ""
    forced = force.is_forced(instance.metadata.annotations, status) or force.is_minor_upgrade(
        applied, build.revision
    )
    for item in build.objects:
        live = ports.live.get(ObjectRef.of(item)) if item["kind"] == CRD.kind else None
        plan = migration.plan_after(live, forced=forced) if live else None
        if plan is not None:
            yield plan
