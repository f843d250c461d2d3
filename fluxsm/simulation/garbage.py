# SPDX-License-Identifier: Apache-2.0
"""The garbage collector: what is owned goes with its owners, and holds one that waits for it."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.simulation.api_server import ApiServer
from fluxsm.simulation.deletion import FOREGROUND, ORPHAN


class GarbageCollector:
    """Looks at all owner references when it is called."""

    def __init__(self, cluster: ApiServer) -> None:
        self._cluster = cluster
        self._store = cluster.store

    def run(self) -> None:
        """Do what is due."""
        everything = self._store.everything()
        dependents = [item for item in everything if item["metadata"].get("ownerReferences")]
        for owner in everything:
            waits = _waits_for(owner)
            if ORPHAN in waits:
                self._orphan(owner, dependents)
            elif FOREGROUND in waits:
                self._delete_first(owner, dependents)
        if dependents:
            self._collect(dependents, {item["metadata"]["uid"] for item in everything})

    def _orphan(self, owner: Manifest, dependents: list[Manifest]) -> None:
        """Take the references to an owner off, then let it go."""
        for item in _owned(owner, dependents):
            kept = [entry for entry in _owners(item) if entry["uid"] != owner["metadata"]["uid"]]
            patch = {"metadata": {"ownerReferences": kept or None}}
            self._cluster.patch(ObjectRef.of(item), patch)
        self._release(owner, ORPHAN)

    def _delete_first(self, owner: Manifest, dependents: list[Manifest]) -> None:
        """Delete what an owner owns; it goes when nothing of that blocks it."""
        blocking = False
        for item in _owned(owner, dependents):
            blocking = blocking or _blocks(item, owner)
            if not item["metadata"].get("deletionTimestamp"):
                self._cluster.delete(ObjectRef.of(item), propagation="Foreground")
        if not blocking:
            self._release(owner, FOREGROUND)

    def _collect(self, dependents: list[Manifest], uids: set[str]) -> None:
        """Delete what none of its owners is left of."""
        for item in dependents:
            gone = not any(entry["uid"] in uids for entry in _owners(item))
            key = ObjectRef.of(item).identity
            if gone and not item["metadata"].get("deletionTimestamp") and self._store.get(key):
                self._cluster.delete(ObjectRef.of(item), propagation="Background")

    def _release(self, owner: Manifest, finalizer: str) -> None:
        kept = [name for name in owner["metadata"]["finalizers"] if name != finalizer]
        patch = {"metadata": {"finalizers": kept or None}}
        self._cluster.patch(ObjectRef.of(owner), patch)


def _waits_for(owner: Manifest) -> frozenset[str]:
    metadata = owner["metadata"]
    return frozenset(metadata.get("finalizers") or () if metadata.get("deletionTimestamp") else ())


def _owners(item: Manifest) -> list[Manifest]:
    return list(item["metadata"].get("ownerReferences") or [])


def _owned(owner: Manifest, dependents: list[Manifest]) -> Iterator[Manifest]:
    uid = owner["metadata"]["uid"]
    return (item for item in dependents if any(entry["uid"] == uid for entry in _owners(item)))


def _blocks(item: Manifest, owner: Manifest) -> bool:
    uid = owner["metadata"]["uid"]
    return any(entry["uid"] == uid and entry.get("blockOwnerDeletion") for entry in _owners(item))
