# SPDX-License-Identifier: Apache-2.0
"""`fluxsm migrate owner`: take the records of former appliers off what an applier manages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.cli import talk
from fluxsm.cli import target as cluster_of
from fluxsm.cli.flux import kinds
from fluxsm.cli.target import Target
from fluxsm.errors import ClusterError, NotFoundError, UsageError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster


@click.command("owner", short_help="Strip field managers of former appliers.")
@kinds.argument
@click.option("--dry-run", is_flag=True, help="Say what would be stripped, write nothing.")
@cluster_of.options
def command(target: Target, words: tuple[str, ...], dry_run: bool) -> None:
    """Strip the field managers that former appliers left on all objects of KIND/NAME.

    A field that two managers own stays when one of them drops it. After objects have moved from one
    applier to another, for instance from a HelmRelease to a Kustomization, the records of the old
    one keep such fields. KIND is FluxInstance, ResourceSet, Kustomization or HelmRelease.
    """
    from fluxsm.objects import applier, inventory

    kind, name = kinds.parse(words)
    if kind.kind not in applier.MANAGERS:
        raise UsageError(
            f"unsupported kind {kind.kind}; {', '.join(applier.MANAGERS)} apply objects"
        )
    cluster = target.connect()
    served = kinds.Served(cluster)
    ref = served.ref(kind, target.namespace, name)
    entries = inventory.of_status(served.read(ref))
    if not entries:
        raise UsageError(f"{ref} has no status.inventory entries; it has not applied anything")
    done, failed = 0, 0
    for entry in entries:
        try:
            done += _strip(cluster, entry.ref, kind.kind, dry_run=dry_run)
        except ClusterError as error:
            failed += 1
            talk.failed(f"{entry.ref}: {error}")
    if failed and not done:
        raise UsageError(f"no object was cleaned, {failed} of {len(entries)} failed, see above")
    word = f"{done}/{len(entries)} resources"
    owner = f"(current owner: {applier.MANAGERS[kind.kind]})"
    talk.done(f"{word} need cleanup {owner}" if dry_run else f"cleaned {word} {owner}")


def _strip(cluster: KubeCluster, ref: ObjectRef, kind: str, *, dry_run: bool) -> bool:
    """Whether an object had, or has, records of others.

    Raises:
        ClusterError: it cannot be read or written.
    """
    from fluxsm.core.ports import PatchType
    from fluxsm.objects import applier

    live = _read(cluster, ref)
    stale = applier.stale_managers(live, kind)
    if not stale:
        talk.note(f"{ref} already clean")
    elif dry_run:
        talk.waiting(f"{ref} would strip managers [{', '.join(stale)}]")
    else:
        patch = applier.strip_patch(live, kind)
        cluster.patch(ObjectRef.of(live), patch, type=PatchType.JSON)
        talk.done(f"{ref} stripped managers [{', '.join(stale)}]")
    return bool(stale)


def _read(cluster: KubeCluster, ref: ObjectRef) -> Manifest:
    """An object of an inventory, at the version that is served now.

    Raises:
        ClusterError: it cannot be read.
    """
    from dataclasses import replace

    try:
        return cluster.get(ref)
    except NotFoundError:
        version = cluster.served_version(ref.kind)
        if not version or version == ref.kind.version:
            raise
        return cluster.get(replace(ref, kind=replace(ref.kind, version=version)))
