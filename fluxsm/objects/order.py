# SPDX-License-Identifier: Apache-2.0
"""The order in which objects are delivered, applied and deleted."""

from __future__ import annotations

from fluxsm.api.objects import Kind, Manifest, ObjectRef

_FIRST = (
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
)
_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_RANKS = {kind: rank for rank, kind in enumerate(_FIRST)} | {
    kind: len(_FIRST) + 1 + rank for rank, kind in enumerate(_LAST)
}

# The order of kustomize's legacy sort, over which the digest of a revision is taken.
_LEGACY_FIRST = (
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
)
_LEGACY_RANKS = {kind: rank for rank, kind in enumerate(_LEGACY_FIRST)} | {
    kind: len(_LEGACY_FIRST) + 1 + rank for rank, kind in enumerate(_LAST)
}


def sort_key(manifest: Manifest) -> tuple[int, str, str, str, str]:
    """Sort key: rank of the kind, then group, kind, namespace and name as plain text."""
    ref = ObjectRef.of(manifest)
    kind = ref.kind
    rank = _RANKS.get(kind.kind, len(_FIRST))
    return (rank, kind.group, kind.kind, ref.namespace, ref.name)


def sort_for_delivery(objects: list[Manifest]) -> list[Manifest]:
    """Objects in the order in which they are printed and applied."""
    return sorted(objects, key=sort_key)


def digest_key(manifest: Manifest) -> tuple[int, str, str, str]:
    """Sort key of the stream over which the digest of a revision is taken."""
    ref = ObjectRef.of(manifest)
    kind = ref.kind
    rank = _LEGACY_RANKS.get(kind.kind, len(_LEGACY_FIRST))
    return (rank, _legacy_kind(kind), ref.namespace or "~X", ref.name)


def _legacy_kind(kind: Kind) -> str:
    return f"{kind.group or '~G'}_{kind.version}_{kind.kind}"
