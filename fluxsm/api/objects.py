# SPDX-License-Identifier: Apache-2.0
"""Kubernetes objects as plain data, and how they are named.

Manifests stay plain dicts: nothing is lost that a model would not know, and nothing is converted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON-like data."""


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A kind at one API version.

    Attributes:
        group: API group, empty for the core group.
        version: version without the group, such as `v1`.
        kind: such as `Deployment`.
    """

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """The value of an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @classmethod
    def of(cls, manifest: Manifest) -> Kind:
        """The kind of an object."""
        return cls.parse(str(manifest.get("apiVersion", "")), str(manifest.get("kind", "")))

    @classmethod
    def parse(cls, api_version: str, kind: str) -> Kind:
        """The kind named by the two fields of an object."""
        group, _, version = api_version.rpartition("/")
        return cls(group, version, kind)

    def __str__(self) -> str:
        """As in messages: `apps/v1 Deployment`."""
        return f"{self.api_version} {self.kind}"


CRD: Final = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """One object in a cluster.

    Attributes:
        kind: its kind and API version.
        namespace: empty for cluster-scoped objects.
        name: `metadata.name`.
    """

    kind: Kind
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> ObjectRef:
        """The reference of an object."""
        metadata = manifest.get("metadata") or {}
        return cls(
            Kind.of(manifest), str(metadata.get("namespace") or ""), str(metadata.get("name", ""))
        )

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What stays the same when the API version changes: group, kind, namespace, name."""
        return (self.kind.group, self.kind.kind, self.namespace, self.name)

    def __str__(self) -> str:
        """As in messages: `Deployment/flux-system/source-controller`."""
        middle = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.kind}/{middle}{self.name}"
