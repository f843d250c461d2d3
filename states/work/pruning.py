# SPDX-License-Identifier: Apache-2.0
"""Remove objects of an inventory, dependents first, and only what is really ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core.ports import Ports
from fluxsm.core.step import Observed
from fluxsm.errors import ClusterError, ConflictError, NotFoundError
from fluxsm.objects import inventory, ownership
from fluxsm.objects.changes import Action, Change
from fluxsm.objects.inventory import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What became of the entries.

    Attributes:
        changes: one per entry that is done with: deleted or skipped.
        kept: entries whose deletion failed; they stay in the inventory.
        errors: why, in the order of `kept`.
        awaited: objects whose deletion the API server accepted.
    """

    changes: tuple[Change, ...] = ()
    kept: tuple[Entry, ...] = ()
    errors: tuple[ClusterError, ...] = ()
    awaited: tuple[ObjectRef, ...] = ()


def prune(entries: Sequence[Entry], observed: Observed, ports: Ports) -> Pruned:
    """Delete the objects of some inventory entries; every entry is tried."""
    changes: list[Change] = []
    kept: list[Entry] = []
    errors: list[ClusterError] = []
    awaited: list[ObjectRef] = []
    for entry in inventory.in_deletion_order(entries):
        ref = entry.ref
        try:
            action = _delete(ref, observed, ports)
        except ClusterError as error:
            kept.append(entry)
            errors.append(error)
            continue
        changes.append(Change(ref=ref, action=action))
        if action is Action.DELETED:
            awaited.append(ref)
    return Pruned(
        changes=tuple(changes), kept=tuple(kept), errors=tuple(errors), awaited=tuple(awaited)
    )


def _delete(ref: ObjectRef, observed: Observed, ports: Ports) -> Action:
    """Delete one object if its labels say that it is ours; being gone counts as deleted.

    What the watches know will do for a start: the deletion holds only for the version that was
    looked at. If that is not the newest one, the object is read and judged again.
    """
    live = ports.live.get(ref)
    try:
        if live is not None:
            try:
                return _delete_if_ours(ref, live, observed, ports, guarded=True)
            except ConflictError:
                pass
        return _delete_if_ours(ref, ports.cluster.get(ref), observed, ports, guarded=False)
    except NotFoundError:
        return Action.DELETED


def _delete_if_ours(
    ref: ObjectRef, live: Manifest, observed: Observed, ports: Ports, *, guarded: bool
) -> Action:
    """Delete exactly this incarnation: somebody may have replaced it with one of their own."""
    instance, metadata = observed.instance.metadata, live["metadata"]
    if not ownership.is_owned(live, instance.name, instance.namespace):
        return Action.SKIPPED
    if ownership.is_prune_disabled(live):
        return Action.SKIPPED
    if "deletionTimestamp" in metadata:
        return Action.DELETED  # it is on its way, perhaps since a request whose answer was lost
    ports.cluster.delete(
        ref,
        uid=str(metadata.get("uid", "")),
        resource_version=str(metadata.get("resourceVersion", "")) if guarded else "",
        propagation="Background",
    )
    return Action.DELETED
