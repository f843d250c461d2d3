# SPDX-License-Identifier: Apache-2.0
"""Take the Flux finalizers off custom resources, so that they can go without their controllers."""

from __future__ import annotations

from typing import Final

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import Cluster
from fluxsm.errors import ClusterError, ExpiredError, KindNotServedError, NotFoundError
from states.work.newest import write_newest

FINALIZER: Final = "finalizers.fluxcd.io"
SLICE: Final = 50
"""Objects of one page, and so of one step: what is released, rewritten or counted."""

_TRIES: Final = 3


def release(kind: Kind, token: str, cluster: Cluster) -> tuple[str, dict[str, str]]:
    """Take the finalizers off one page of objects.

    Args:
        kind: the kind.
        token: where its list goes on; empty at its beginning.
        cluster: the API server.

    Returns:
        Where the list goes on, empty at its end; and by object or kind, what was refused and why.
    """
    try:
        page = cluster.list_page(kind, metadata_only=True, limit=SLICE, token=token)
    except ExpiredError:
        return release(kind, "", cluster) if token else ("", {})
    except KindNotServedError:
        return "", {}  # if there are objects, the definition stays, and so another round comes
    except ClusterError as error:
        return "", {str(kind): str(error)}
    refused: dict[str, str] = {}
    for item in page.items:
        try:
            release_item(item, cluster)
        except NotFoundError:
            continue  # gone in the meantime, which is what was wanted
        except ClusterError as error:
            refused[str(ObjectRef.of(item))] = str(error)
    return page.token, refused


def release_item(item: Manifest, cluster: Cluster) -> None:
    """Take the finalizer off one object.

    A merge patch replaces the whole list, so it is guarded by the resourceVersion.

    Raises:
        NotFoundError: it is gone.
        ClusterError: it is refused, or somebody keeps changing it.
    """
    ref = ObjectRef.of(item)

    def write(live: Manifest) -> None:
        released = without_finalizer(live)
        if released["finalizers"] != (live["metadata"].get("finalizers") or None):
            _patch(ref, {"metadata": released}, cluster)

    write_newest(ref, item, write, cluster, tries=_TRIES)


def without_finalizer(live: Manifest) -> Manifest:
    """The metadata of a merge patch that takes the finalizer off the version that was looked at."""
    metadata = live["metadata"]
    kept = [value for value in metadata.get("finalizers") or [] if value != FINALIZER]
    return {"finalizers": kept or None, "resourceVersion": metadata.get("resourceVersion", "")}


def _patch(ref: ObjectRef, patch: Manifest, cluster: Cluster) -> None:
    """Patch an object; where its kind is not known it may be there all the same.

    Raises:
        NotFoundError: the object is gone.
        ClusterError: it is refused, or the kind is not known.
    """
    try:
        cluster.patch(ref, patch)
    except KindNotServedError as error:
        raise ClusterError(str(error)) from error
