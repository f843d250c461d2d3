# SPDX-License-Identifier: Apache-2.0
"""Where the API server keeps a kind: plural and scope, without asking for the well-known ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.errors import KindNotServedError


@dataclass(frozen=True, slots=True)
class Place:
    """How a kind is addressed.

    Attributes:
        plural: the last part of its path.
        namespaced: whether its objects are in namespaces.
    """

    plural: str
    namespaced: bool


_CLUSTER_WIDE: Final = {
    ("", "Namespace"): "namespaces",
    ("", "Node"): "nodes",
    ("", "PersistentVolume"): "persistentvolumes",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "customresourcedefinitions",
    ("rbac.authorization.k8s.io", "ClusterRole"): "clusterroles",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "clusterrolebindings",
    ("storage.k8s.io", "StorageClass"): "storageclasses",
    ("scheduling.k8s.io", "PriorityClass"): "priorityclasses",
}
_NAMESPACED: Final = {
    ("", "ConfigMap"): "configmaps",
    ("", "Event"): "events",
    ("", "PersistentVolumeClaim"): "persistentvolumeclaims",
    ("", "Pod"): "pods",
    ("", "ResourceQuota"): "resourcequotas",
    ("", "Secret"): "secrets",
    ("", "Service"): "services",
    ("", "ServiceAccount"): "serviceaccounts",
    ("apps", "DaemonSet"): "daemonsets",
    ("apps", "Deployment"): "deployments",
    ("apps", "ReplicaSet"): "replicasets",
    ("apps", "StatefulSet"): "statefulsets",
    ("coordination.k8s.io", "Lease"): "leases",
    ("networking.k8s.io", "NetworkPolicy"): "networkpolicies",
    ("policy", "PodDisruptionBudget"): "poddisruptionbudgets",
    ("rbac.authorization.k8s.io", "Role"): "roles",
    ("rbac.authorization.k8s.io", "RoleBinding"): "rolebindings",
    ("fluxcd.controlplane.io", "FluxInstance"): "fluxinstances",
    ("fluxcd.controlplane.io", "FluxReport"): "fluxreports",
}
_KNOWN: Final = {
    **{key: Place(plural, namespaced=False) for key, plural in _CLUSTER_WIDE.items()},
    **{key: Place(plural, namespaced=True) for key, plural in _NAMESPACED.items()},
}


class Paths:
    """Paths of kinds. Unknown kinds are looked up once, by the list of their group and version."""

    def __init__(self, fetch: Callable[[str], dict[str, Any]]) -> None:
        """Prepare.

        Args:
            fetch: reads a path of the API server; raises KindNotServedError where there is none.
        """
        self._fetch = fetch
        self._found: dict[Kind, Place] = {}

    def collection(self, kind: Kind, namespace: str = "") -> str:
        """The path of all objects of a kind, in one namespace or in all.

        Raises:
            KindNotServedError: the kind is not served at this version.
        """
        place = self.place(kind)
        middle = f"/namespaces/{quote(namespace)}" if namespace and place.namespaced else ""
        return f"{_root(kind)}{middle}/{place.plural}"

    def object(self, ref: ObjectRef, subresource: str = "") -> str:
        """The path of an object.

        Raises:
            KindNotServedError: the kind is not served at this version.
        """
        tail = f"/{subresource}" if subresource else ""
        return f"{self.collection(ref.kind, ref.namespace)}/{quote(ref.name, safe=':')}{tail}"

    def place(self, kind: Kind) -> Place:
        """How a kind is addressed.

        Raises:
            KindNotServedError: the kind is not served at this version.
        """
        known = _KNOWN.get((kind.group, kind.kind))
        if known is not None:
            return known
        if kind not in self._found:
            self._look_up(kind)
        return self._found[kind]

    def forget(self, kind: Kind) -> None:
        """Look a kind up again at the next use."""
        self._found.pop(kind, None)

    def _look_up(self, kind: Kind) -> None:
        answer = self._fetch(_root(kind))
        for item in answer.get("resources") or []:
            if "/" not in item["name"]:
                found = Kind(kind.group, kind.version, item["kind"])
                self._found[found] = Place(item["name"], namespaced=bool(item["namespaced"]))
        if kind not in self._found:
            raise KindNotServedError(f"the API server does not serve {kind}")


def _root(kind: Kind) -> str:
    return f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
