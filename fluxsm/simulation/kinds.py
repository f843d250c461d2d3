# SPDX-License-Identifier: Apache-2.0
"""The kinds that the API server serves: those that it comes with, and those that CRDs define."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from fluxsm.api.objects import CRD, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """How a kind is served.

    Attributes:
        group: API group.
        kind: name of the kind.
        versions: served versions.
        storage: the version in which objects are stored.
        namespaced: whether objects are in namespaces.
        status: whether the status is a subresource.
        counted: whether objects have a generation.
        builtin: whether the kind comes with Kubernetes.
    """

    group: str
    kind: str
    versions: frozenset[str]
    storage: str
    namespaced: bool = True
    status: bool = False
    counted: bool = False
    builtin: bool = True


def _builtin(
    group: str, version: str, names: Iterable[str], *, namespaced: bool = True,
    status: bool = False, counted: bool = False,
) -> dict[tuple[str, str], Served]:  # fmt: skip
    return {
        (group, name): Served(
            group=group, kind=name, versions=frozenset({version}), storage=version,
            namespaced=namespaced, status=status, counted=counted,
        )
        for name in names
    }  # fmt: skip


_RBAC: Final = "rbac.authorization.k8s.io"
BUILTIN: Final = {
    **_builtin("", "v1", ["ConfigMap", "Secret", "ServiceAccount", "Event"]),
    **_builtin("", "v1", ["Service", "ResourceQuota", "Pod"], status=True),
    **_builtin("", "v1", ["PersistentVolumeClaim"], status=True),
    **_builtin("", "v1", ["Namespace", "Node"], namespaced=False, status=True),
    **_builtin("apps", "v1", ["Deployment", "ReplicaSet"], status=True, counted=True),
    **_builtin("apps", "v1", ["StatefulSet", "DaemonSet"], status=True, counted=True),
    **_builtin("networking.k8s.io", "v1", ["NetworkPolicy"], counted=True),
    **_builtin(_RBAC, "v1", ["Role", "RoleBinding"]),
    **_builtin(_RBAC, "v1", ["ClusterRole", "ClusterRoleBinding"], namespaced=False),
    **_builtin(
        CRD.group, CRD.version, [CRD.kind], namespaced=False, status=True, counted=True
    ),
}  # fmt: skip


def custom(crd: Manifest) -> Served:
    """How the kind of a CRD is served."""
    spec: dict[str, Any] = crd["spec"]
    versions = spec["versions"]
    return Served(
        group=spec["group"],
        kind=spec["names"]["kind"],
        versions=frozenset(item["name"] for item in versions if item.get("served")),
        storage=storage_of(crd),
        namespaced=spec["scope"] == "Namespaced",
        status=any("status" in (item.get("subresources") or {}) for item in versions),
        counted=True,
        builtin=False,
    )


def storage_of(crd: Manifest) -> str:
    """The version in which objects of a CRD are stored; empty if it has none."""
    found = [item["name"] for item in crd["spec"]["versions"] if item.get("storage")]
    return str(found[0]) if found else ""


def is_established(crd: Manifest) -> bool:
    """Whether the kind of a CRD is served already."""
    conditions = (crd.get("status") or {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)
