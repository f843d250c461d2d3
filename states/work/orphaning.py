# SPDX-License-Identifier: Apache-2.0
"""Delete what Flux acts on without deleting what Flux deployed.

The controllers of Flux prune or uninstall when an object of theirs is deleted. What garbage
collection removes must not have that effect: whoever leaves a field out of the spec of an instance
has not asked for the end of a fleet.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core import consequences
from fluxsm.core.ports import Cluster, Ports
from fluxsm.errors import KindNotServedError, NotFoundError
from fluxsm.objects import manifest, ownership
from states.work.newest import write_newest
from states.work.owned import custom_kinds
from states.work.releasing import SLICE, release_item, without_finalizer
from states.work.serving import read_served

_SPECS: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): {
        "suspend": True,
        "prune": False,
        "deletionPolicy": "Orphan",
    },
    ("helm.toolkit.fluxcd.io", "HelmRelease"): {"suspend": True},
}
"""What switches pruning off, by group and kind: a controller skips it for an object that is
suspended. A definition that has no `deletionPolicy` yet drops that field."""


def prunes(kind: Kind) -> bool:
    """Whether the deletion of an object makes a controller delete what the object deployed."""
    return (kind.group, kind.kind) in _SPECS


def describe(ref: ObjectRef, ports: Ports, instance: str, namespace: str) -> str:
    """What stays when an object goes, for people; empty where it is not going to be deleted.

    Args:
        ref: an object of a kind that prunes.
        ports: the world.
        instance: name of the instance whose object it must be.
        namespace: of that instance.

    Raises:
        ClusterError: it cannot be read.
    """
    try:
        live = ports.live.get(ref) or read_served(ref, ports.cluster)[1]
    except NotFoundError:
        return ""
    if manifest.is_leaving(live) or ownership.why_kept(live, instance, namespace):
        return ""
    return consequences.without_pruning(ref, live)


def orphan(ref: ObjectRef, live: Manifest, cluster: Cluster, propagation: str) -> None:
    """Delete an object so that no controller acts on the deletion, whatever copy it works with.

    One patch suspends the object, switches its pruning off and takes the finalizer off. The
    deletion holds only for the version that this gave. So the object is gone at once: there never
    is one that is being deleted and that a controller could finalize, not even by an older copy.
    If a controller has put its finalizer back in between, the deletion does not hold, and both
    requests are made again. After a crash between them the object is suspended, and the next run
    does the same.

    Args:
        ref: the object.
        live: the object as it was read or watched.
        cluster: the API server.
        propagation: what becomes of its dependents.

    Raises:
        NotFoundError: it is gone.
        ConflictError: somebody changes it each time in between.
        ClusterError: it is refused.
    """
    spec = _SPECS[(ref.kind.group, ref.kind.kind)]

    def write(live: Manifest) -> None:
        if manifest.is_leaving(live):
            return  # somebody else has deleted it
        patch = {"metadata": without_finalizer(live), "spec": spec}
        left = cluster.patch(ref, patch)["metadata"]
        cluster.delete(
            ref,
            uid=str(left["uid"]),
            resource_version=str(left["resourceVersion"]),
            propagation=propagation,
        )

    write_newest(ref, live, write, cluster)


def users(definition: Manifest, cluster: Cluster) -> str:
    """How many objects of a definition somebody wants to keep; empty for none.

    Objects that are being deleted lose the finalizer of Flux: their controller is going, and
    without it they would stay, and the definition with them.

    Args:
        definition: a CRD that is about to be deleted.
        cluster: the API server.

    Raises:
        ClusterError: the objects cannot be listed or released.
    """
    for kind in custom_kinds([definition]):
        try:
            page = cluster.list_page(kind, metadata_only=True, limit=SLICE)
        except KindNotServedError:
            continue
        leaving = [item for item in page.items if manifest.is_leaving(item)]
        for item in leaving:
            with suppress(NotFoundError):  # gone in the meantime
                release_item(item, cluster)
        if len(leaving) < len(page.items) or page.token:
            return f"{len(page.items)}{' or more' if page.token else ''} {kind.kind}"
    return ""
