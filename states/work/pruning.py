# SPDX-License-Identifier: Apache-2.0
"""Remove objects of an inventory, dependents first, and only what is really ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.observed import Observed
from fluxsm.core.ports import Cluster, Ports
from fluxsm.errors import ClusterError, ConflictError, KindNotServedError, NotFoundError
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


def prune(
    entries: Sequence[Entry], observed: Observed, ports: Ports, *, propagation: str = "Background"
) -> Pruned:
    """Delete the objects of some inventory entries; every entry is tried.

    Args:
        entries: what has to go.
        observed: whose objects they are.
        ports: the world.
        propagation: `Foreground` keeps an object until everything that depends on it is gone.
    """
    changes: list[Change] = []
    kept: list[Entry] = []
    errors: list[ClusterError] = []
    awaited: list[ObjectRef] = []
    for entry in inventory.in_deletion_order(entries):
        ref = entry.ref
        try:
            action = _delete(ref, observed, ports, propagation)
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


def _delete(ref: ObjectRef, observed: Observed, ports: Ports, propagation: str) -> Action:
    """Delete one object if its labels say that it is ours; being gone counts as deleted.

    What the watches know will do for a start: the deletion holds only for the version that was
    looked at. If that is not the newest one, the object is read and judged again.
    """
    live = ports.live.get(ref)
    try:
        if live is not None:
            try:
                return _delete_if_ours(ref, live, observed, ports, propagation, guarded=True)
            except ConflictError:
                pass
        ref, live = read_served(ref, ports.cluster)
        return _delete_if_ours(ref, live, observed, ports, propagation, guarded=False)
    except NotFoundError:
        return Action.DELETED


def read_served(ref: ObjectRef, cluster: Cluster) -> tuple[ObjectRef, Manifest]:
    """Read an object at its version, or at another one where that is not served any more.

    The inventory lists an object at the version at which it was applied. When a definition has
    dropped that version since, not found does not mean that the object is gone.

    Raises:
        NotFoundError: it does not exist, at whatever version.
    """
    try:
        return ref, cluster.get(ref)
    except KindNotServedError:
        version = cluster.served_version(ref.kind)
        if version in {"", ref.kind.version}:
            raise
    kind = Kind(ref.kind.group, version, ref.kind.kind)
    served = ObjectRef(kind, ref.namespace, ref.name)
    return served, cluster.get(served)


def _delete_if_ours(
    ref: ObjectRef,
    live: Manifest,
    observed: Observed,
    ports: Ports,
    propagation: str,
    *,
    guarded: bool,
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
        propagation=propagation,
    )
    return Action.DELETED
