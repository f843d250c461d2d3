# SPDX-License-Identifier: Apache-2.0
"""What an uninstallation removes, and what it leaves: looked up before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from fluxsm.api import names
from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.cli import connection
from fluxsm.errors import (
    ForbiddenError,
    InvalidError,
    MalformedError,
    NotFoundError,
    UsageError,
)

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster

INSTANCE: Final = Kind(names.GROUP, names.VERSION, names.INSTANCE_KIND)
NAMESPACE: Final = "Namespace"

_WORKLOADS: Final = tuple(
    Kind("apps", "v1", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet")
)
_SHARED: Final = frozenset({"CustomResourceDefinition", "ClusterRole"})
"""Kinds of which all operators of a cluster have one object together."""

_BLIND: Final = "does not support dry run"
"""How the API server says that a webhook cannot be asked beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What goes and what stays.

    Attributes:
        instance: the FluxInstance, None when there is none.
        flux: what the operator removes with it; empty when Flux stays.
        own: objects of the operator that exist, in the order in which they go.
        missing: those that do not exist.
        counts: how many custom resources go with a definition.
        stays: what is left alone, and why.
    """

    instance: Manifest | None
    flux: tuple[ObjectRef, ...]
    own: tuple[ObjectRef, ...]
    missing: tuple[ObjectRef, ...]
    counts: dict[ObjectRef, int]
    stays: dict[ObjectRef, str]

    def __bool__(self) -> bool:
        """Whether anything goes."""
        return self.instance is not None or bool(self.own)

    def lines(self) -> Iterator[str]:
        """For people: what goes, and what stays."""
        listed = [ref for ref in self.flux if ref.kind.kind == CRD.kind]
        if self.instance is not None:
            tail = _with(len(self.flux), "object", "of Flux")
            yield f"• {ObjectRef.of(self.instance)} goes{tail}"
        for ref in [*listed, *self.own]:
            if ref.kind.kind == CRD.kind:
                yield f"• {ref} goes{_with(self.counts.get(ref, 0), 'custom resource')}"
            else:
                tail = ", and with it everything in it" if ref.kind.kind == NAMESPACE else ""
                yield f"• {ref} goes{tail}"
        for ref, why in self.stays.items():
            yield f"• {ref} stays: {why}"


def _with(count: int, word: str, tail: str = "") -> str:
    """How many things go too."""
    plural = "" if count == 1 else "s"
    return f", and with it {count} {word}{plural}{f' {tail}' if tail else ''}" if count else ""


def look_up(
    cluster: KubeCluster, namespace: str, refs: Sequence[ObjectRef], *, keep_flux: bool
) -> Removal:
    """Find out what an uninstallation removes.

    Objects that all operators of a cluster share stay while another namespace has an instance, and
    a namespace stays while something runs in it that is neither the operator nor its Flux.

    Args:
        cluster: where.
        namespace: of the operator.
        refs: its objects, in the order in which they go.
        keep_flux: whether Flux stays.

    Raises:
        ClusterError: the cluster cannot be read.
        UsageError: the instance is suspended, so its deletion would leave Flux without a keeper.
    """
    find = connection.finder(cluster)
    instance = find(ObjectRef(INSTANCE, namespace, names.SINGLETON))
    if instance is not None and not keep_flux:
        refuse_suspended(instance)
    flux = () if keep_flux or instance is None else _inventory(instance)
    there = [ref for ref in refs if find(ref) is not None]
    stays = _shared(cluster, namespace, there) | _inhabited(cluster, there, flux)
    own = tuple(ref for ref in there if ref not in stays)
    definitions = [ref for ref in (*flux, *own) if ref.kind.kind == CRD.kind]
    counts = {ref: _count(cluster, found) for ref in definitions if (found := find(ref))}
    missing = tuple(ref for ref in refs if ref not in there)
    return Removal(
        instance=instance, flux=flux, own=own, missing=missing, counts=counts, stays=stays
    )


def is_suspended(instance: Manifest) -> bool:
    """Whether an instance is suspended by its annotation."""
    from fluxsm.api.instance import parse_metadata

    return parse_metadata(instance).suspended


def refuse_suspended(instance: Manifest) -> None:
    """Refuse to delete an instance of which the operator would leave Flux behind.

    Raises:
        UsageError: it is suspended.
    """
    if is_suspended(instance):
        raise UsageError(
            f"nothing was changed: {ObjectRef.of(instance)} is suspended, so its deletion leaves"
            f" Flux behind; set the annotation {names.RECONCILE} to enabled first, or use"
            " --keep-flux"
        )


def rehearse(cluster: KubeCluster, removal: Removal, patch: Manifest | None = None) -> None:
    """Have the API server check each write, without doing it.

    Args:
        cluster: where.
        removal: what will be deleted.
        patch: what is changed in the instance before.

    Raises:
        ClusterError: it would refuse one.
    """
    if removal.instance is not None:
        ref = ObjectRef.of(removal.instance)
        if patch is not None:
            _rehearse(lambda: cluster.patch(ref, patch, dry_run=True))
        _rehearse(lambda: cluster.delete(ref, dry_run=True))
    for ref in removal.own:
        _rehearse(partial(cluster.delete, ref, dry_run=True))


def _rehearse(write: Callable[[], object]) -> None:
    try:
        write()
    except NotFoundError:
        return
    except InvalidError as error:
        if _BLIND not in str(error):
            raise


def workloads(cluster: KubeCluster, namespace: str) -> tuple[ObjectRef, ...]:
    """What runs in a namespace and is not about to go.

    Raises:
        ClusterError: it cannot be listed.
    """
    return tuple(
        ObjectRef.of(item)
        for kind in _WORKLOADS
        for item in cluster.list(kind, namespace=namespace, metadata_only=True)
        if not item["metadata"].get("deletionTimestamp")
    )


def _inventory(instance: Manifest) -> tuple[ObjectRef, ...]:
    """What the operator has applied for an instance; a status that makes no sense lists nothing."""
    from fluxsm.objects import inventory

    try:
        return tuple(entry.ref for entry in inventory.of_status(instance))
    except MalformedError:
        return ()


def _shared(
    cluster: KubeCluster, namespace: str, refs: Sequence[ObjectRef]
) -> dict[ObjectRef, str]:
    """Objects that an operator of another namespace needs."""
    try:
        found = [ObjectRef.of(item) for item in cluster.list(INSTANCE, metadata_only=True)]
    except NotFoundError:
        return {}
    others = [ref for ref in found if ref.namespace != namespace]
    if not others:
        return {}
    return {ref: f"{others[0]} needs it" for ref in refs if ref.kind.kind in _SHARED}


def _inhabited(
    cluster: KubeCluster, refs: Sequence[ObjectRef], flux: Sequence[ObjectRef]
) -> dict[ObjectRef, str]:
    """The namespace, when something runs in it that does not go before it does."""
    going = {ref.identity for ref in (*refs, *flux)}
    return {
        ref: f"{foreign[0]} runs in it"
        for ref in refs
        if ref.kind.kind == NAMESPACE
        and (foreign := [r for r in workloads(cluster, ref.name) if r.identity not in going])
    }


def _count(cluster: KubeCluster, definition: Manifest) -> int:
    """How many custom resources there are of a definition; 0 when they may not be listed."""
    spec = definition["spec"]
    served = [item["name"] for item in spec["versions"] if item.get("served")]
    if not served:
        return 0
    kind = Kind(spec["group"], served[-1], spec["names"]["kind"])
    try:
        return sum(1 for _ in cluster.list(kind, metadata_only=True))
    except (NotFoundError, ForbiddenError):
        return 0
