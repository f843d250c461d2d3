# SPDX-License-Identifier: Apache-2.0
"""What follows from the deletion of objects of Flux, in sentences for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.objects import manifest


def of_deleted(deleted: Sequence[Manifest], prunes: Callable[[Kind], bool]) -> Iterator[str]:
    """What follows when objects go while Flux stays.

    Args:
        deleted: live objects that would be deleted.
        prunes: whether a controller acts on the deletion of an object of a kind.
    """
    for item in deleted:
        ref = ObjectRef.of(item)
        if prunes(ref.kind):
            yield without_pruning(ref, item)
        elif ref.kind == Kind("apps", "v1", "Deployment"):
            yield f"{ref} goes: nothing reconciles its kinds any more"


def without_pruning(ref: ObjectRef, live: Manifest) -> str:
    """What stays when an object that prunes is deleted.

    Args:
        ref: the object.
        live: as it is, with its inventory.
    """
    entries = manifest.read(live, "status", "inventory", "entries")
    count = len(entries) if isinstance(entries, list) else 0
    what = f"the {count} objects that it deployed stay" if count else "what it deployed stays"
    return f"{ref} is deleted without pruning: {what} in the cluster"


def of_uninstallation(deleted: Sequence[Manifest], resources: Mapping[str, int]) -> Iterator[str]:
    """What follows when all of Flux goes.

    Its controllers stop first, and then finalizers are taken off, so that nothing that Flux has
    applied is deleted.

    Args:
        deleted: live objects that would be deleted.
        resources: how many custom resources there are, by the name of their definition.
    """
    for item in deleted:
        ref = ObjectRef.of(item)
        total = resources.get(ref.name, 0) if ref.kind == CRD else 0
        if total:
            kind = manifest.text(item, "spec", "names", "kind")
            yield f"{total} custom resources of the kind {kind} are deleted with their definition"
        elif ref.kind == Kind("", "v1", "Namespace"):
            yield f"everything in {ref} is deleted with it"
    if deleted:
        yield "what Flux has applied stays in the cluster, and nothing reconciles it any more"
