# SPDX-License-Identifier: Apache-2.0
"""Remove objects of an inventory, dependents first, and only what is really ours."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from fluxsm.api.objects import CRD, Manifest, ObjectRef
from fluxsm.core.observed import Observed
from fluxsm.core.ports import Ports
from fluxsm.errors import ClusterError, ConflictError, NotFoundError
from fluxsm.objects import inventory, manifest, ownership
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
    way = _Way(observed=observed, ports=ports, propagation=propagation, running=running)
    changes: list[Change] = []
    kept: list[Entry] = []
    used: list[Entry] = []
    errors: list[ClusterError] = []
    awaited: list[ObjectRef] = []
    for entry in inventory.in_deletion_order(entries):
        ref = entry.ref
        try:
            change = way.delete(ref)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How objects are deleted; the attributes are those of `prune`."""

    observed: Observed
    ports: Ports
    propagation: str
    running: bool

    def delete(self, ref: ObjectRef) -> Change:
        """Delete one object if its labels say that it is ours; being gone counts as deleted.

        What the watches know will do for a start: the deletion holds only for the version that
        was looked at. If that is not the newest one, the object is read and judged again.
        """
        live = self.ports.live.get(ref)
        try:
            if live is not None:
                with suppress(ConflictError):
                    return self._delete_if_ours(ref, live, guarded=True)
            ref, live = read_served(ref, self.ports.cluster)
            return self._delete_if_ours(ref, live, guarded=False)
        except NotFoundError:
            return Change(ref=ref, action=Action.DELETED)

    def _delete_if_ours(self, ref: ObjectRef, live: Manifest, *, guarded: bool) -> Change:
        """Delete exactly this incarnation: somebody may have replaced it with one of their own."""
        instance, cluster = self.observed.instance.metadata, self.ports.cluster
        if ownership.why_kept(live, instance.name, instance.namespace):
            return Change(ref=ref, action=Action.SKIPPED)
        if manifest.is_leaving(live):
            # It is on its way, perhaps since a request whose answer was lost.
            return Change(ref=ref, action=Action.DELETED)
        if self.running and orphaning.prunes(ref.kind):
            orphaning.orphan(ref, live, cluster, self.propagation)
            return Change(ref=ref, action=Action.ORPHANED)
        if self.running and ref.kind == CRD and (users := orphaning.users(live, cluster)):
            return Change(ref=ref, action=Action.KEPT, note=f"for {users}")
        metadata = live["metadata"]
        cluster.delete(
            ref,
            uid=str(metadata.get("uid", "")),
            resource_version=str(metadata.get("resourceVersion", "")) if guarded else "",
            propagation=self.propagation,
        )
        return Change(ref=ref, action=Action.DELETED)
