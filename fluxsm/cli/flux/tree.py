# SPDX-License-Identifier: Apache-2.0
"""A tree of what an object of Flux manages, and of what those manage in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fluxsm.api import names
from fluxsm.api.flux_kinds import BY_WORD
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.cli.flux.kinds import Served
from fluxsm.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster

_GROWING = frozenset({names.INSTANCE_KIND, "ResourceSet", "Kustomization", "HelmRelease"})
"""Kinds whose objects have an inventory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An object and what it manages.

    Attributes:
        ref: the object.
        children: in the order of its inventory.
    """

    ref: ObjectRef
    children: tuple[Node, ...] = ()


class Grower:
    """Reads inventories; an object that comes up again is not expanded again."""

    def __init__(self, cluster: KubeCluster) -> None:
        """Prepare.

        Args:
            cluster: the API server.
        """
        self._cluster = cluster
        self._served = Served(cluster)
        self._seen: set[tuple[str, str, str, str]] = set()

    def root(self, kind: str, namespace: str, name: str) -> Node:
        """The tree of an object.

        Raises:
            UsageError: it does not exist.
            ClusterError: it, or what is below it, cannot be read.
        """
        ref = self._served.ref(BY_WORD[kind.lower()], namespace, name)
        found = self._served.read(ref)
        self._seen.add(ref.identity)
        return Node(ref=ref, children=self._children(found, expand=True))

    def _children(self, obj: Manifest, *, expand: bool) -> tuple[Node, ...]:
        return tuple(self._node(ref, expand=expand) for ref in self._listed(obj))

    def _node(self, ref: ObjectRef, *, expand: bool) -> Node:
        """An object below another one; what an instance below it manages is not expanded."""
        known = BY_WORD.get(ref.kind.kind.lower())
        grows = known is not None and known.group == ref.kind.group and known.kind in _GROWING
        if not (expand and grows) or ref.identity in self._seen:
            return Node(ref=ref)
        self._seen.add(ref.identity)
        try:
            found = self._cluster.get(ref)
        except NotFoundError:
            return Node(ref=ref)
        below = ref.kind.kind != names.INSTANCE_KIND
        return Node(ref=ref, children=self._children(found, expand=below))

    def _listed(self, obj: Manifest) -> Iterable[ObjectRef]:
        from fluxsm.cli.flux import helm
        from fluxsm.objects import inventory

        entries = inventory.of_status(obj)
        if entries or obj.get("kind") != "HelmRelease":
            return [entry.ref for entry in entries]
        return helm.objects(self._cluster, obj)


def lines(node: Node) -> Iterator[str]:
    """The lines of a tree."""
    yield str(node.ref)
    yield from _below(node, "")


def data(node: Node) -> dict[str, Any]:
    """The tree for programs."""
    found: dict[str, Any] = {
        "apiVersion": node.ref.kind.api_version,
        "kind": node.ref.kind.kind,
        "name": node.ref.name,
    }
    if node.ref.namespace:
        found["namespace"] = node.ref.namespace
    if node.children:
        found["children"] = [data(child) for child in node.children]
    return found


def _below(node: Node, indent: str) -> Iterator[str]:
    for place, child in enumerate(node.children, start=1):
        is_last = place == len(node.children)
        yield f"{indent}{'└── ' if is_last else '├── '}{child.ref}"
        yield from _below(child, f"{indent}{'    ' if is_last else '│   '}")


def grow(cluster: KubeCluster, kind: str, namespace: str, name: str) -> Node:
    """The tree of an object.

    Raises:
        UsageError: the kind has no inventory, or the object does not exist.
        ClusterError: it, or what is below it, cannot be read.
    """
    if kind not in _GROWING:
        kinds = ", ".join(sorted(_GROWING))
        raise UsageError(f"a {kind} manages no objects; {kinds} do")
    return Grower(cluster).root(kind, namespace, name)
