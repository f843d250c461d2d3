# SPDX-License-Identifier: Apache-2.0
"""`fluxsm uninstall`: take the operator out of a cluster, with Flux or without."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from fluxsm.api import names
from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.cli import connection
from fluxsm.cli.durations import Duration
from fluxsm.errors import ClusterError, NotFoundError, UsageError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster


@click.command("uninstall", short_help="Take the operator, and Flux, out of a cluster.")
@connection.options
@click.option("--keep-flux", is_flag=True, help="Leave Flux running, without an operator.")
@click.option("--keep-namespace", is_flag=True, help="Leave the namespace, and what is in it.")
@click.option(
    "--timeout",
    type=Duration(),
    default="5m",
    show_default=True,
    help="Limit of the wait for Flux to be gone.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted.")
@click.option("--export", is_flag=True, help="Print the objects of the operator, ask no cluster.")
def command(
    kubeconfig: str | None,
    kube_context: str | None,
    namespace: str,
    keep_flux: bool,
    keep_namespace: bool,
    timeout: timedelta,
    dry_run: bool,
    export: bool,
) -> None:
    """Delete the FluxInstance, wait until the operator has removed Flux, then remove the operator.

    What Flux has deployed goes on running. With --keep-flux, Flux does so too; then the namespace
    is left, because Flux runs in it.
    """
    from fluxsm.cli import operator_manifests

    if export and dry_run:
        raise UsageError("--export and --dry-run exclude each other")
    objects = operator_manifests.read(namespace)
    if keep_namespace or keep_flux:
        objects = [item for item in objects if item["kind"] != "Namespace"]
    if export:
        from fluxsm.build import yaml

        click.echo(yaml.dump_all(objects), nl=False)
        return
    refs = [ObjectRef.of(item) for item in reversed(objects)]
    cluster = connection.connect(kubeconfig, kube_context)
    instance = ObjectRef(
        Kind(names.GROUP, names.VERSION, names.INSTANCE_KIND), namespace, names.SINGLETON
    )
    if dry_run:
        _preview(cluster, [instance, *refs])
        return
    if keep_flux:
        _remove(cluster, [ref for ref in refs if ref.kind.kind == "Deployment"], timeout)
        _abandon(cluster, instance)
    else:
        _remove(cluster, [instance], timeout)
    if not _remove(cluster, refs, timeout):
        sys.exit(1)


def _preview(cluster: KubeCluster, refs: Sequence[ObjectRef]) -> None:
    find = connection.finder(cluster)
    for ref in refs:
        click.echo(f"✔ {ref} would be deleted" if find(ref) else f"• {ref} does not exist")


def _abandon(cluster: KubeCluster, instance: ObjectRef) -> None:
    """Take the finalizer off and delete the instance: then nothing of Flux is removed."""
    try:
        cluster.patch(instance, {"metadata": {"finalizers": None}})
        cluster.delete(instance)
    except NotFoundError:
        click.echo(f"• {instance} does not exist")
    else:
        click.echo(f"✔ {instance} deleted, Flux goes on without it")


def _remove(cluster: KubeCluster, refs: Sequence[ObjectRef], timeout: timedelta) -> bool:
    """Delete objects and wait until they are gone; False when one of them could not be deleted.

    Raises:
        ClusterError: an object is not gone in time.
    """
    whole, waited = True, []
    for ref in refs:
        try:
            cluster.delete(ref, propagation="Foreground")
        except NotFoundError:
            click.echo(f"• {ref} does not exist")
        except ClusterError as error:
            click.echo(f"✗ {error}", err=True)
            whole = False
        else:
            click.echo(f"✔ {ref} deleted")
            waited.append(ref)
    _await_end(cluster, waited, timeout)
    return whole


def _await_end(cluster: KubeCluster, refs: Sequence[ObjectRef], timeout: timedelta) -> None:
    find = connection.finder(cluster)

    def left() -> list[ObjectRef]:
        return [ref for ref in refs if find(ref) is not None]

    if not connection.wait_until(lambda: not left(), timeout.total_seconds()):
        listed = ", ".join(str(ref) for ref in left())
        raise ClusterError(
            f"{listed} is not gone after {timeout.total_seconds():.0f}s; is the operator running?"
            " Its status and events say why; --keep-flux removes the operator alone"
        )
