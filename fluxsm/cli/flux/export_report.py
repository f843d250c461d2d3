# SPDX-License-Identifier: Apache-2.0
"""`fluxsm export report`: what the operator reports about the cluster."""

from __future__ import annotations

import click

from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.target import Target


@click.command("report", short_help="Print the FluxReport.")
@out.option(out.YAML, out.JSON, default=out.YAML)
@cluster_of.options
def command(target: Target, output: str) -> None:
    """Print the first FluxReport of any namespace, for a file or a support case."""
    from fluxsm.cli.flux import report
    from fluxsm.cli.flux.export import clean

    out.values(clean(report.find(target.connect())), output)
