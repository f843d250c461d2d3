# SPDX-License-Identifier: Apache-2.0
"""`fluxsm get all` and `fluxsm get KIND`: what Flux manages, and how it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from fluxsm.api.flux_kinds import FLUX_KINDS, FluxKind
from fluxsm.api.objects import Manifest
from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.flux import filters
from fluxsm.cli.target import Target
from fluxsm.errors import UsageError


@click.command("all", short_help="List objects of all kinds of Flux.")
@filters.kinds
@filters.all_namespaces
@filters.ready
@out.option()
@cluster_of.options
def command(
    target: Target, kinds: tuple[str, ...], all_namespaces: bool, ready: str | None, output: str
) -> None:
    """List the objects of all kinds of Flux in a namespace, with their readiness.

    A kind that is not installed is left out. That there is no object at all is an error.
    """
    from fluxsm.cli.flux import listing

    wanted = filters.chosen(kinds) or [kind for kind in FLUX_KINDS if kind.answers]
    namespace = "" if all_namespaces else target.namespace
    found = listing.objects(target.connect(), wanted, namespace=namespace, ready=ready or "")
    if not found:
        raise UsageError(f"no resources found{_where(namespace)}")
    show(found, output)


def show(found: Sequence[Manifest], output: str) -> None:
    """Print objects; as JSON and YAML, what the columns have, as the reference does."""
    from fluxsm.cli.flux import row

    if output in {out.TABLE, out.WIDE}:
        now = datetime.now(UTC)
        out.rows(row.COLUMNS, [row.cells(item, now) for item in found], wide=output == out.WIDE)
    elif output == out.NAME:
        out.objects(found, output)
    else:
        out.values([dict(row.data(item)) for item in found], output)


def show_kind(target: Target, kind: FluxKind, name: str, namespace: str, output: str) -> None:
    """Print the objects of one kind, or one of them; as JSON and YAML they are whole.

    Raises:
        UsageError: the one that is named does not exist, or the kind is not installed.
        ClusterError: they cannot be read.
    """
    from fluxsm.cli.flux import kinds, listing

    cluster = target.connect()
    if name and namespace:
        served = kinds.Served(cluster)
        found = [served.read(served.ref(kind, namespace, name))]
    else:
        kinds.Served(cluster).ref(kind, namespace, name)
        found = listing.objects(cluster, [kind], namespace=namespace, name=name)
    if output in {out.JSON, out.YAML}:
        out.objects(found, output, single=bool(name and namespace))
    else:
        show(found, output)


def _where(namespace: str) -> str:
    return f" in namespace {namespace}; -A looks in all" if namespace else ""
