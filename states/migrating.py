# SPDX-License-Identifier: Apache-2.0
"""Migrating: store every custom resource of some kinds anew, then say that it was done.

The work is cut into slices, so that a deletion or a new spec is heard between two of them. The
plans are worked out from the cluster, so after a crash the remaining ones are simply found again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.errors import ClusterError, ConflictError, ExpiredError, MigrationError, NotFoundError
from fluxsm.machine.alphabet import Event
from fluxsm.ports import Cluster, PatchType, Ports
from fluxsm.rules import migration
from fluxsm.rules.migration import Plan
from fluxsm.run import Deadline, Failure
from fluxsm.step import Observed, Outcome
from states.building import CRD
from states.recording import built, is_recorded, record

_SLICE = 50
_TRIES = 5
_NOW = timedelta(0)
_LOOK_AGAIN = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a migration is.

    Attributes:
        plan: the plan at work.
        items: what is left of its list.
        done: objects that were rewritten.
        restarts: how often the list had to be begun again.
    """

    plan: Plan
    items: Iterator[Manifest]
    done: int = 0
    restarts: int = 0


def run(observed: Observed, ports: Ports) -> Outcome:
    """Do a slice of the first plan; Migrated when no plan is left."""
    field = "migration_after" if observed.run.applied else "migration_before"
    plans: Sequence[Plan] = getattr(observed.run, field)
    if not plans:
        return Outcome(event=Event.MIGRATED)
    plan = plans[0]
    if plan.bridge is not None and not _is_bridged(plan, observed, ports):
        if not is_recorded(observed, built(observed.run)):
            return record(observed, built(observed.run))
        return _build_bridge(plan, plan.bridge, observed, ports)
    progress: Progress | None = observed.run.notes.get("migration")
    if progress is None or progress.plan is not plan:
        progress = Progress(plan=plan, items=_list(plan, ports.cluster))
    try:
        progress, finished = _advance(progress, ports.cluster)
    except NotFoundError:
        if plan.bridge is None or progress.done:
            raise
        # Discovery may know the new version some moments before requests for it are served.
        return Outcome(event=Event.WAITING, message=_awaiting(plan), after=_LOOK_AGAIN)
    total = f"{progress.done} objects of {progress.plan.kind.kind}"
    if not finished:
        return _going_on(f"Migrated {total}", progress)
    if progress.plan.retired:
        _trim(progress.plan, ports)
    return Outcome(
        event=Event.WAITING,
        message=f"Migrated {total} to {progress.plan.storage}",
        facts={field: tuple(plans[1:]), "notes": {}, "deadline": None},
        after=_NOW,
    )


def _going_on(message: str, progress: Progress) -> Outcome:
    facts = {"notes": {"migration": progress}, "deadline": None}
    return Outcome(event=Event.WAITING, message=message, facts=facts, after=_NOW)


def _is_bridged(plan: Plan, observed: Observed, ports: Ports) -> bool:
    """Whether the API server works by the bridge, as far as it tells.

    It goes on by the old CRD for some moments after it has accepted the new one. What is written
    then is stored in the old version still, and could not be read by anybody once that is gone.
    """
    notes = observed.run.notes
    progress: Progress | None = notes.get("migration")
    if progress is not None and progress.plan is plan:
        return True
    return notes.get("bridge") is plan and ports.cluster.serves(plan.kind)


def _build_bridge(plan: Plan, bridge: Manifest, observed: Observed, ports: Ports) -> Outcome:
    """Apply the bridge, then wait until it carries."""
    message = _awaiting(plan)
    if observed.run.notes.get("bridge") is plan:
        return Outcome(event=Event.WAITING, message=message, after=_LOOK_AGAIN)
    answer = ports.cluster.apply_all([bridge])[0]
    if isinstance(answer, ClusterError):
        raise MigrationError(f"{plan}: {answer}")
    ports.live.put(answer.manifest)
    limit = observed.settings.crd_timeout
    failure = Failure(
        reason=names.RECONCILIATION_FAILED,
        message=f"{message}: not done within {limit.total_seconds():.0f}s",
    )
    facts = {
        "notes": {"bridge": plan},
        "deadline": Deadline(at=observed.now + limit, failure=failure),
    }
    return Outcome(event=Event.WAITING, message=message, facts=facts, after=_NOW)


def _awaiting(plan: Plan) -> str:
    return f"Waiting for {plan.kind} to be served"


def _list(plan: Plan, cluster: Cluster) -> Iterator[Manifest]:
    return cluster.list(plan.kind, metadata_only=True)


def _advance(progress: Progress, cluster: Cluster) -> tuple[Progress, bool]:
    """Rewrite some objects; a list that expired half-way is begun again.

    Raises:
        NotFoundError: the kind has a CRD and is not served yet, so nobody knows what is stored.
    """
    try:
        chunk = list(islice(progress.items, _SLICE))
    except NotFoundError:
        if _is_defined(progress.plan, cluster):
            raise
        return progress, True  # without a CRD nothing can be stored of it
    except ExpiredError:
        if progress.restarts >= _TRIES:
            raise
        items = _list(progress.plan, cluster)
        return replace(progress, items=items, restarts=progress.restarts + 1), False
    for item in chunk:
        _rewrite(item, progress.plan, cluster)
    return replace(progress, done=progress.done + len(chunk)), len(chunk) < _SLICE


def _is_defined(plan: Plan, cluster: Cluster) -> bool:
    try:
        cluster.get(ObjectRef(CRD, "", plan.crd))
    except NotFoundError:
        return False
    return True


def _rewrite(item: Manifest, plan: Plan, cluster: Cluster) -> None:
    """Store one object anew, as it is at that moment.

    Raises:
        MigrationError: it keeps changing, or the API server refuses it.
    """
    ref = ObjectRef.of(item)
    ref = ObjectRef(plan.kind, ref.namespace, ref.name)
    for _ in range(_TRIES):
        patch = migration.rewrite_patch(item, plan.api_version)
        kind = PatchType.JSON if isinstance(patch, list) else PatchType.MERGE
        try:
            cluster.patch(ref, patch, type=kind)
        except NotFoundError:
            return
        except ConflictError:
            try:
                item = cluster.get(ref)
            except NotFoundError:
                return
        except ClusterError as error:
            raise MigrationError(
                f"{ref} could not be migrated to {plan.storage}: {error}"
            ) from error
        else:
            return
    raise MigrationError(f"{ref} could not be migrated to {plan.storage}: it keeps changing")


def _trim(plan: Plan, ports: Ports) -> None:
    """Say that no object is stored in another version any more."""
    ref = ObjectRef(CRD, "", plan.crd)
    for _ in range(_TRIES):
        crd = ports.cluster.get(ref)
        if migration.storage_version(crd) != plan.storage:
            raise MigrationError(f"{ref} changed its storage version during the migration")
        try:
            answer = ports.cluster.patch(ref, migration.trim_patch(crd), subresource="status")
        except ConflictError:
            continue
        ports.live.put(answer)
        return
    raise MigrationError(f"{ref} keeps changing, so its storedVersions could not be trimmed")
