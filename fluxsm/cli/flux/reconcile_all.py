# SPDX-License-Identifier: Apache-2.0
"""`fluxsm reconcile all`: have all objects of a kind reconciled now."""

from __future__ import annotations

import click

from fluxsm.api.objects import ObjectRef
from fluxsm.cli import talk
from fluxsm.cli import target as cluster_of
from fluxsm.cli.completion.offer import offer
from fluxsm.cli.flux import filters
from fluxsm.cli.target import Target
from fluxsm.errors import ClusterError, UsageError


@click.command("all", short_help="Reconcile all objects of a kind now.")
@click.option(
    "--kind",
    "kind",
    metavar="KIND",
    shell_complete=offer("kinds"),
    help="Kind or short name, such as ks.",
)
@click.option("--force", is_flag=True, help="Also set forceAt: a HelmRelease is upgraded again.")
@filters.ready
@filters.all_namespaces
@cluster_of.options
def command(
    target: Target, kind: str | None, force: bool, ready: str | None, all_namespaces: bool
) -> None:
    """Have all objects of a kind reconciled now, without a wait.

    One that cannot be asked is named, and the others are asked all the same.
    """
    from fluxsm.cli import request
    from fluxsm.cli.flux import kinds, listing

    if not kind:
        raise UsageError("--kind is required, such as --kind ks")
    wanted = kinds.of_word(kind)
    if not wanted.answers:
        raise UsageError(f"nothing reconciles a {wanted.kind}: it is read where it is needed")
    cluster = target.connect()
    namespace = "" if all_namespaces else target.namespace
    asked = 0
    for item in listing.objects(cluster, [wanted], namespace=namespace, ready=ready or ""):
        ref = ObjectRef.of(item)
        try:
            request.reconcile(cluster, ref, force=force)
        except ClusterError as error:
            talk.failed(f"{ref.namespace}/{ref.name}: {error}")
        else:
            asked += 1
            talk.done(f"Reconciliation triggered for {ref.namespace}/{ref.name}")
    if not asked:
        where = f" in namespace {namespace}; -A looks in all" if namespace else ""
        raise UsageError(f"no resources reconciled of kind {wanted.kind}{where}")
