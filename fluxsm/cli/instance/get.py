# SPDX-License-Identifier: Apache-2.0
"""`fluxsm get instance`: what instances there are, and how they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.completion.offer import offer
from fluxsm.cli.target import Target

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster


@click.command("instance", short_help="List FluxInstances.")
@click.argument("name", required=False, shell_complete=offer("instances"))
@click.option(
    "-A", "--all-namespaces", is_flag=True, help="All namespaces. [default: unless -n is given]"
)
@click.option("-w", "--watch", is_flag=True, help="Go on with each change, until interrupted.")
@out.option()
@cluster_of.options
def command(
    target: Target, name: str | None, all_namespaces: bool, watch: bool, output: str
) -> None:
    """List FluxInstances with their readiness, in all namespaces unless -n names one.

    A cluster has one, mostly flux-system/flux. No instance at all is no error, one that is named
    and does not exist is.
    """
    namespace = "" if all_namespaces else target.namespace_flag or ""
    cluster = target.connect()
    if watch:
        _watch(cluster, namespace, name, output)
        return
    found = list(_list(cluster, namespace, name))
    if name and not found:
        _complain(cluster, namespace, name)
    _show(found, output, single=bool(name))


def _list(cluster: KubeCluster, namespace: str, name: str | None) -> Iterator[Manifest]:
    from fluxsm.cli.instance import subject

    fields = f"metadata.name={name}" if name else ""
    yield from cluster.list(subject.KIND, namespace=namespace, fields=fields)


def _complain(cluster: KubeCluster, namespace: str, name: str) -> None:
    """Raise the error about an instance that does not exist."""
    from fluxsm.cli.instance import subject

    error = subject.missing(cluster, subject.ref_of(namespace, name))
    if error is not None:
        raise error


def _show(found: list[Manifest], output: str, *, single: bool) -> None:
    from fluxsm.cli.instance import row

    if output in {out.TABLE, out.WIDE}:
        now = datetime.now(UTC)
        out.rows(row.COLUMNS, [row.cells(item, now) for item in found], wide=output == out.WIDE)
        return
    out.objects(found, output, single=single and len(found) == 1)


def _watch(cluster: KubeCluster, namespace: str, name: str | None, output: str) -> None:
    """Print what there is, then a row or an object for each change."""
    from fluxsm.cli import talk
    from fluxsm.cli.changes import Changes
    from fluxsm.cli.follow import Followed, follow
    from fluxsm.cli.instance import row, subject

    fields = f"metadata.name={name}" if name else ""
    followed = Followed(kind=subject.KIND, namespace=namespace, fields=fields)
    first: list[Manifest] | None = []
    show = Changes(row.COLUMNS, row.cells, output)
    for event in follow(cluster, followed, on_break=talk.note):
        if event.type == "SYNCED":
            show.all(first or [])
            first = None
        elif event.type == "DELETED":
            talk.note(f"{ObjectRef.of(event.manifest)} is gone")
        elif first is not None:
            first.append(event.manifest)
        else:
            show.all([event.manifest])
