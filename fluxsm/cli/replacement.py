# SPDX-License-Identifier: Apache-2.0
"""Objects of an operator that is there already, and that no apply can turn into ours.

The reference operator has the same names, so that either takes over from the other. Two fields
cannot be changed: the selector of a Deployment, which has other labels there, and the role of a
binding. Such an object is deleted, and ours is created in its place. It is the operator alone: no
controller of Flux, and no custom resource, goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.cli import connection
from fluxsm.errors import ClusterError, ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster

_FIXED: Final[Mapping[str, Sequence[str]]] = {
    "Deployment": ("spec", "selector"),
    "ClusterRoleBinding": ("roleRef",),
    "RoleBinding": ("roleRef",),
}
"""Where an object has what cannot be changed, by kind."""

_RESOURCE_SET: Final = Kind(names.GROUP, names.VERSION, "ResourceSet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What is deleted before ours can be created.

    Attributes:
        live: the objects, as they are.
        resource_sets: how many objects there are that the operator reconciles which goes, and ours
            does not.
    """

    live: tuple[Manifest, ...] = ()
    resource_sets: int = 0

    def __bool__(self) -> bool:
        """Whether anything is replaced."""
        return bool(self.live)

    def of(self, ref: ObjectRef) -> Manifest | None:
        """The object that is in the way of ours, None where there is none."""
        return next((item for item in self.live if ObjectRef.of(item) == ref), None)

    def lines(self) -> Iterator[str]:
        """For people: what is replaced, and what nobody looks after any more."""
        for item in self.live:
            field = ".".join(_FIXED[item["kind"]])
            yield (
                f"• {ObjectRef.of(item)} is of another operator, with another {field}: it is"
                " deleted and created again; Flux and its custom resources stay"
            )
        if self.resource_sets:
            yield (
                f"• {self.resource_sets} ResourceSets stay, with all that they have made, but are"
                " not reconciled any more: this operator does not know them"
            )


def look_up(cluster: KubeCluster, objects: Sequence[Manifest]) -> Replacement:
    """Find what is in the way.

    Args:
        cluster: where.
        objects: of our operator.

    Raises:
        ClusterError: the cluster cannot be read.
    """
    find = connection.finder(cluster)
    found = []
    for wanted in objects:
        if wanted["kind"] in _FIXED:
            live = find(ObjectRef.of(wanted))
            if live is not None and _fixed(live) != _fixed(wanted):
                found.append({"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], **live})
    return Replacement(live=tuple(found), resource_sets=_resource_sets(cluster) if found else 0)


def rehearse(cluster: KubeCluster, objects: Sequence[Manifest], found: Replacement) -> None:
    """Have the API server check all of it, because half of it would leave no operator at all.

    Raises:
        ClusterError: it would refuse something; nothing was changed.
    """
    rest = [item for item in objects if found.of(ObjectRef.of(item)) is None]
    try:
        for answer in cluster.apply_all(rest, dry_run=True):
            if isinstance(answer, ClusterError) and not isinstance(answer, NotFoundError):
                raise answer
        for item in found.live:
            cluster.delete(ObjectRef.of(item), uid=item["metadata"]["uid"], dry_run=True)
    except ClusterError as error:
        raise type(error)(f"{error}; nothing was changed") from None


def remove(cluster: KubeCluster, live: Manifest, timeout: timedelta) -> None:
    """Delete an object, and wait until it is gone with its pods.

    Raises:
        ClusterError: it may not be deleted, or is not gone in time.
    """
    ref = ObjectRef.of(live)
    cluster.delete(ref, uid=live["metadata"]["uid"], propagation="Foreground")
    find = connection.finder(cluster)
    if not connection.wait_until(lambda: find(ref) is None, timeout.total_seconds()):
        raise ClusterError(
            f"{ref} of the other operator is not gone after {timeout.total_seconds():.0f}s;"
            " its status says what holds it; call the command again"
        )


def _fixed(manifest: Manifest) -> Any:
    """What cannot be changed about an object."""
    found: Any = manifest
    for key in _FIXED[manifest["kind"]]:
        found = found.get(key) or {}
    return found


def _resource_sets(cluster: KubeCluster) -> int:
    """How many ResourceSets there are; 0 where they are not served, or may not be listed."""
    try:
        return sum(1 for _ in cluster.list(_RESOURCE_SET, metadata_only=True))
    except (NotFoundError, ForbiddenError):
        return 0
