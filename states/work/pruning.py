# SPDX-License-Identifier: Apache-2.0
"""Remove objects of an inventory, dependents first, and only what is really ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fluxsm.api.objects import CRD, Manifest, ObjectRef
from fluxsm.core.observed import Observed
from fluxsm.core.ports import Ports
from fluxsm.errors import ClusterError, ConflictError, NotFoundError
from fluxsm.objects import inventory, ownership
from fluxsm.objects.changes import Action, Change
from fluxsm.objects.inventory import Entry
from states.work import orphaning
from states.work.serving import read_served


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What became of the entries.

    Attributes:
        changes: one per entry that is done with: deleted or skipped, or kept for its users.
        kept: entries whose deletion failed; they stay in the inventory.
        used: definitions that stay for their objects; they stay in the inventory.
        errors: why, in the order of `kept`.
        awaited: objects whose deletion the API server accepted.
    """

    changes: tuple[Change, ...] = ()
    kept: tuple[Entry, ...] = ()
    used: tuple[Entry, ...] = ()
    errors: tuple[ClusterError, ...] = ()
    awaited: tuple[ObjectRef, ...] = ()


def prune(
    entries: Sequence[Entry],
    observed: Observed,
    ports: Ports,
    *,
    propagation: str = "Background",
    running: bool = False,
) -> Pruned:
    """Delete the objects of some inventory entries; every entry is tried.

    Args:
        entries: what has to go.
        observed: whose objects they are.
        ports: the world.
        propagation: `Foreground` keeps an object until everything that depends on it is gone.
        running: whether controllers of Flux may act on what is deleted. Then nothing that they
            deployed goes with it, and a definition stays for as long as it has objects.
    """
    changes: list[Change] = []
    kept: list[Entry] = []
    used: list[Entry] = []
    errors: list[ClusterError] = []
    awaited: list[ObjectRef] = []
    for entry in inventory.in_deletion_order(entries):
        ref = entry.ref
        try:
            change = _delete(ref, observed, ports, propagation, running=running)
        except ClusterError as error:
            kept.append(entry)
            errors.append(error)
            continue
        changes.append(change)
        if change.action is Action.KEPT:
            used.append(entry)
        if change.action is Action.DELETED:
            awaited.append(ref)
    return Pruned(
        changes=tuple(changes),
        kept=tuple(kept),
        used=tuple(used),
        errors=tuple(errors),
        awaited=tuple(awaited),
    )


def _delete(
    ref: ObjectRef, observed: Observed, ports: Ports, propagation: str, *, running: bool
) -> Change:
    """Delete one object if its labels say that it is ours; being gone counts as deleted.

    What the watches know will do for a start: the deletion holds only for the version that was
    looked at. If that is not the newest one, the object is read and judged again.
    """
    live = ports.live.get(ref)
    try:
        if live is not None:
            try:
                return _delete_if_ours(
                    ref, live, observed, ports, propagation, guarded=True, running=running
                )
            except ConflictError:
                pass
        ref, live = read_served(ref, ports.cluster)
        return _delete_if_ours(
            ref, live, observed, ports, propagation, guarded=False, running=running
        )
    except NotFoundError:
        return Change(ref=ref, action=Action.DELETED)


def _delete_if_ours(
    ref: ObjectRef,
    live: Manifest,
    observed: Observed,
    ports: Ports,
    propagation: str,
    *,
    guarded: bool,
    running: bool,
) -> Change:
    """Delete exactly this incarnation: somebody may have replaced it with one of their own."""
    instance, metadata = observed.instance.metadata, live["metadata"]
    if ownership.why_kept(live, instance.name, instance.namespace):
        return Change(ref=ref, action=Action.SKIPPED)
    if "deletionTimestamp" in metadata:
        # It is on its way, perhaps since a request whose answer was lost.
        return Change(ref=ref, action=Action.DELETED)
    if running and orphaning.prunes(ref.kind):
        orphaning.orphan(ref, live, ports.cluster, propagation)
        return Change(ref=ref, action=Action.ORPHANED)
    if running and ref.kind == CRD and (users := orphaning.users(live, ports.cluster)):
        return Change(ref=ref, action=Action.KEPT, note=f"for {users}")
    ports.cluster.delete(
        ref,
        uid=str(metadata.get("uid", "")),
        resource_version=str(metadata.get("resourceVersion", "")) if guarded else "",
        propagation=propagation,
    )
    return Change(ref=ref, action=Action.DELETED)
