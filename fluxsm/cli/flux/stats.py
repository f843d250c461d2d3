# SPDX-License-Identifier: Apache-2.0
"""`fluxsm stats`: how many objects of Flux run, fail and are suspended."""

from __future__ import annotations

from typing import Final

import click

from fluxsm.api.objects import Manifest
from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.table import Column
from fluxsm.cli.target import Target
from fluxsm.errors import UsageError

COLUMNS: Final = tuple(
    Column(title) for title in ("RECONCILERS", "RUNNING", "FAILING", "SUSPENDED", "STORAGE")
)


@click.command("stats", short_help="Count the objects of Flux by how they are.")
@out.option(out.TABLE, out.JSON, out.YAML)
@cluster_of.options
def command(target: Target, output: str) -> None:
    """Count the objects of each kind of Flux that run, fail and are suspended.

    The numbers are those of the FluxReport, which the operator renews every few minutes.
    """
    from fluxsm.cli.flux import report
    from fluxsm.objects import manifest

    found = report.find(target.connect())
    listed = manifest.entries(found, "spec", "reconcilers")
    if not listed:
        raise UsageError("the FluxReport has no statistics yet; fluxsm get all counts by itself")
    if output == out.TABLE:
        out.rows(COLUMNS, [cells(dict(item)) for item in listed])
    else:
        out.values([dict(item) for item in listed], output)


def cells(reconciler: Manifest) -> tuple[str, ...]:
    """The cells of a kind.

    Raises:
        MalformedError: the report lacks the shape that its kind promises.
    """
    from fluxsm.objects import manifest

    counts = (manifest.number(reconciler, "stats", key) for key in _COUNTS)
    size = manifest.text(reconciler, "stats", "totalSize")
    return (manifest.text(reconciler, "kind"), *map(str, counts), size or "-")


_COUNTS: Final = ("running", "failing", "suspended")
