# SPDX-License-Identifier: Apache-2.0
"""An object on its way through the build, with the identities it has had, and how to find some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest

CLUSTER_SCOPED = frozenset(
    {
        "Namespace",
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        # Not in any Flux so far, but a later one or a patch may bring them.
        "APIService",
        "FlowSchema",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)
"""Kinds that have no namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespacedName:
    """A name and namespace that an object has, or had when it was loaded.

    Attributes:
        name: `metadata.name`.
        namespace: `metadata.namespace`, or None where the object has none.
    """

    name: str
    namespace: str | None = None


@dataclass(slots=True, kw_only=True)
class Resource:
    """A manifest that the build may change, and the identity it was loaded with.

    User patches select by the original or the current name, so the original is kept
    (for a shard copy the component's name, for RBAC objects the name without suffix).

    Attributes:
        manifest: the object; owned by the build, never shared with the distribution.
        original: identity at load time.
        former: further identities it had in between, oldest first.
    """

    manifest: Manifest
    original: NamespacedName
    former: list[NamespacedName] = field(default_factory=list)

    @classmethod
    def of(cls, manifest: Manifest) -> Resource:
        """A resource whose original identity is the present one."""
        metadata = manifest["metadata"]
        return cls(
            manifest=manifest,
            original=NamespacedName(
                name=str(metadata["name"]), namespace=metadata.get("namespace")
            ),
        )

    @property
    def kind(self) -> str:
        """The object's kind, or the empty string."""
        return str(self.manifest.get("kind", ""))

    @property
    def group_kind(self) -> Kind:
        """The object's kind with its API version."""
        return Kind.of(self.manifest)

    @property
    def name(self) -> str:
        """The current `metadata.name`."""
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str | None:
        """The current `metadata.namespace`, None where there is none."""
        value = self.manifest["metadata"].get("namespace")
        return None if value is None else str(value)

    @property
    def cluster_scoped(self) -> bool:
        """Whether the kind has no namespace."""
        return self.kind in CLUSTER_SCOPED

    @property
    def is_shard(self) -> bool:
        """Whether it is the copy for a shard."""
        return names.SHARD_ROLE in annotations_of(self.manifest)

    def is_called(self, name: str) -> bool:
        """Whether this is its original or its current name."""
        return name in {self.original.name, self.name}


def annotations_of(manifest: Manifest) -> dict[str, str]:
    """The annotations of an object, empty where it has none."""
    return manifest["metadata"].get("annotations") or {}


def deployments(resources: Iterable[Resource]) -> Iterator[Resource]:
    """All Deployments, shards included."""
    return (item for item in resources if item.group_kind == Kind("apps", "v1", "Deployment"))


def deployments_of(resources: Iterable[Resource], *components: str) -> Iterator[Resource]:
    """The Deployments of components, shards included."""
    for item in deployments(resources):
        if any(item.is_called(component) for component in components):
            yield item
