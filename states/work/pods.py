# SPDX-License-Identifier: Apache-2.0
"""The pods that a Deployment has left behind: they live on for a while after it was deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import Cluster
from fluxsm.errors import ClusterError
from fluxsm.objects import manifest

POD: Final = Kind("", "v1", "Pod")


def pods_of(deployments: Iterable[ObjectRef], cluster: Cluster) -> list[ObjectRef]:
    """The pods of Deployments that may be gone already, by the names of their ReplicaSets.

    Where pods may not be listed there is nothing to go by but the Deployments themselves, which
    are deleted in the foreground and so outlive their pods.
    """
    names: dict[str, list[str]] = {}
    for ref in deployments:
        names.setdefault(ref.namespace, []).append(ref.name)
    found: list[ObjectRef] = []
    for namespace, owners in names.items():
        try:
            pods = list(cluster.list(POD, namespace=namespace, metadata_only=True))
        except ClusterError:
            continue
        found += [ObjectRef.of(pod) for pod in pods if _is_of(pod, owners)]
    return found


def _is_of(pod: Manifest, deployments: Iterable[str]) -> bool:
    sets = [
        manifest.text(owner, "name")
        for owner in manifest.entries(pod, "metadata", "ownerReferences")
        if manifest.text(owner, "kind") == "ReplicaSet"
    ]
    return any(name.rpartition("-")[0] in set(deployments) for name in sets)
