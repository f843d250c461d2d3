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
from typing import Any

from fluxsm.api.objects import CRD, Manifest, ObjectRef
from fluxsm.core.ports import Cluster, PatchType, Ports
from fluxsm.core.step import Observed, Outcome
from fluxsm.errors import ClusterError, ConflictError, ExpiredError, MigrationError, NotFoundError
from fluxsm.machine.events import Event
from fluxsm.objects import migration
from fluxsm.objects.migration import Plan
from states.work.bridge import LOOK_AGAIN, awaiting, bridge, settled_at

_SLICE = 50
_TRIES = 5
_NOW = timedelta(0)
_PROGRESS = "progress"


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
    outcome = bridge(plans, observed, ports) or _settle(plans[0], observed)
    if outcome is not None:
        return outcome
    progress = _progress(plans[0], observed, ports)
    try:
        progress, finished = _advance(progress, ports.cluster)
    except NotFoundError:
        if plans[0].bridge is None or progress.done:
            raise
        # Discovery may know the new version some moments before requests for it are served.
        return Outcome(event=Event.WAITING, message=awaiting(plans[:1]), after=LOOK_AGAIN)
    total = f"{progress.done} objects of {progress.plan.kind.kind}"
    if not finished:
        return _going_on(observed, f"Migrated {total}", progress)
    if progress.plan.retired:
        _trim(progress.plan, ports)
    message = f"Migrated {total} to {progress.plan.storage}"
    return _going_on(observed, message, None, **{field: tuple(plans[1:])})


def _settle(plan: Plan, observed: Observed) -> Outcome | None:
    """Wait until no API server stores objects in a version any more that is going away."""
    left = settled_at(observed) - observed.now
    if not plan.retired or left <= _NOW:
        return None
    message = f"Waiting for every API server to store {plan.kind.kind} in {plan.storage}"
    return Outcome(event=Event.WAITING, message=message, after=left)


def _progress(plan: Plan, observed: Observed, ports: Ports) -> Progress:
    """How far the plan is; it may only begin."""
    progress: Progress | None = observed.run.notes.get(_PROGRESS)
    return progress or Progress(plan=plan, items=_list(plan, ports.cluster))


def _going_on(observed: Observed, message: str, progress: Progress | None, **facts: Any) -> Outcome:
    notes = {**observed.run.notes, _PROGRESS: progress}
    facts |= {"notes": notes, "deadline": None}
    return Outcome(event=Event.WAITING, message=message, facts=facts, after=_NOW)


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
