# SPDX-License-Identifier: Apache-2.0
"""Migrating: store every custom resource of some kinds again, then say that it was done.

The work is cut into slices, so that a deletion or a new spec is seen between two of them. The
plans are worked out from the cluster, so after a crash the remaining ones are simply found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from fluxsm.api.objects import CRD, Manifest, ObjectRef
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Cluster, PatchType, Ports
from fluxsm.core.progress import Rewriting
from fluxsm.errors import (
    ClusterError,
    ConflictError,
    ExpiredError,
    KindNotServedError,
    MigrationError,
    NotFoundError,
)
from fluxsm.machine.events import Event
from fluxsm.objects import migration
from fluxsm.objects.migration import Plan
from states.work.bridge import await_served, bridge, served_by
from states.work.newest import write_newest
from states.work.releasing import SLICE

_TRIES: Final = 5
_NOW: Final = timedelta(0)


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Do a slice of the first plan; Migrated when no plan is left."""
    known = observed.run
    plans = known.migration_after if known.applied else known.migration_before
    if not plans:
        return Outcome(event=Event.MIGRATED)
    progress = observed.stay.progress
    progress = progress if isinstance(progress, Rewriting) else Rewriting()
    outcome = bridge(plans, progress, observed, ports) or _await_serving(plans[0], observed)
    if outcome is not None:
        return outcome
    return _advance(plans, replace(progress, plan=plans[0]), observed, ports)


def _await_serving(plan: Plan, observed: Observed) -> Outcome | None:
    """Wait until no API server stores objects in a version any more that is going away."""
    left = served_by(observed) - observed.tick
    if not plan.retired or left <= _NOW:
        return None
    message = f"Waiting for every API server to store {plan.kind.kind} in {plan.storage}"
    return Outcome(event=Event.WAITING, message=message, wait=message, after=left)


def _advance(
    plans: Sequence[Plan], progress: Rewriting, observed: Observed, ports: Ports
) -> Outcome:
    """Rewrite the next slice of the first plan.

    Raises:
        KindNotServedError: nobody knows what is stored of the kind.
    """
    plan = plans[0]
    try:
        progress = _rewrite_slice(plan, progress, ports.cluster)
    except KindNotServedError:
        if _is_defined(plan, ports.cluster):
            # Discovery may know a version some moments before requests for it are served, and one
            # of several API servers later than the others.
            return await_served(plans[:1])
        progress = replace(progress, token="")  # without a CRD nothing can be stored of it
    total = f"{progress.done} objects of {plan.kind.kind}"
    if progress.token:
        return _go_on(f"Migrated {total}", progress)
    if plan.retired:
        _trim(plan, ports)
    rest = tuple(plans[1:])
    known = observed.run
    known = (
        replace(known, migration_after=rest)
        if known.applied
        else replace(known, migration_before=rest)
    )
    done = _go_on(f"Migrated {total} to {plan.storage}", Rewriting(bridge=progress.bridge))
    return replace(done, run=known)


def _go_on(message: str, progress: Rewriting) -> Outcome:
    """Something was done, so whatever limits a wait begins again."""
    return Outcome(
        event=Event.WAITING, message=message, progress=progress, wait=message, after=_NOW
    )


def _rewrite_slice(plan: Plan, progress: Rewriting, cluster: Cluster) -> Rewriting:
    """Rewrite one page of objects; a list that expired half-way is begun again.

    Raises:
        KindNotServedError: the API server that was asked does not serve the kind.
    """
    try:
        page = cluster.list_page(plan.kind, metadata_only=True, limit=SLICE, token=progress.token)
    except ExpiredError:
        if progress.restarts >= _TRIES:
            raise
        again = replace(progress, token="", restarts=progress.restarts + 1)
        return _rewrite_slice(plan, again, cluster)
    for item in page.items:
        _rewrite(item, plan, cluster)
    return replace(progress, token=page.token, done=progress.done + len(page.items))


def _is_defined(plan: Plan, cluster: Cluster) -> bool:
    try:
        cluster.get(ObjectRef(CRD, "", plan.crd))
    except NotFoundError:
        return False
    return True


def _rewrite(item: Manifest, plan: Plan, cluster: Cluster) -> None:
    """Store one object again, as it is at that moment.

    Raises:
        KindNotServedError: it may be there, but this API server does not know its kind.
        MigrationError: it keeps changing, or the API server refuses it.
    """
    ref = ObjectRef.of(item)
    ref = ObjectRef(plan.kind, ref.namespace, ref.name)

    def write(live: Manifest) -> None:
        patch = migration.rewrite_patch(live, plan.api_version)
        kind = PatchType.JSON if isinstance(patch, list) else PatchType.MERGE
        cluster.patch(ref, patch, type=kind)

    failed = f"{ref} could not be migrated to {plan.storage}"
    try:
        write_newest(ref, item, write, cluster)
    except KindNotServedError:
        raise
    except NotFoundError:
        return
    except ConflictError as error:
        raise MigrationError(f"{failed}: it keeps changing") from error
    except ClusterError as error:
        if error.passing:
            raise
        raise MigrationError(f"{failed}: {error}") from error


def _trim(plan: Plan, ports: Ports) -> None:
    """Say that no object is stored in another version any more.

    Raises:
        MigrationError: the CRD changed meanwhile, so that may not be true.
    """
    ref = ObjectRef(CRD, "", plan.crd)
    for _ in range(_TRIES):
        try:
            crd = ports.cluster.get(ref)
        except NotFoundError:
            return  # whoever deleted it has deleted its objects with it
        if migration.storage_version(crd) != plan.storage:
            raise MigrationError(f"{ref} changed its storage version during the migration")
        try:
            answer = ports.cluster.patch(ref, migration.trim_patch(crd), subresource="status")
        except ConflictError:
            continue
        ports.live.put(answer)
        return
    raise MigrationError(f"{ref} keeps changing, so its storedVersions could not be trimmed")
