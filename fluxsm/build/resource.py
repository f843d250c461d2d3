# SPDX-License-Identifier: Apache-2.0
"""An object on its way through the build, with the identities it has had."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as plain JSON-like data."""

CLUSTER_SCOPED = frozenset(
    {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
)
"""Kinds of a distribution that have no namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
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
    original: Identity
    former: list[Identity] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The object's kind, or the empty string."""
        return str(self.manifest.get("kind", ""))

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
