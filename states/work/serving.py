# SPDX-License-Identifier: Apache-2.0
"""Read what the inventory lists, at whatever version the API server serves it by now."""

from __future__ import annotations

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import Cluster
from fluxsm.errors import KindNotServedError


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
