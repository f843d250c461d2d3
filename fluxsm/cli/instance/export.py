# SPDX-License-Identifier: Apache-2.0
"""`fluxsm export instance`: an instance for a file."""

from __future__ import annotations

import click

from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target


@click.command("instance", short_help="Print a FluxInstance for a file.")
@subject.argument
@out.option(out.YAML, out.JSON, default=out.YAML)
@cluster_of.options
def command(target: Target, name: str, output: str) -> None:
    """Print a FluxInstance as it would be written into a file: `fluxsm export > flux.yaml`.

    Without status, and without the metadata that the cluster adds. `fluxsm build -f` takes it.
    """
    from fluxsm.cli.flux.export import clean

    found = subject.read(target.connect(), subject.ref_of(target.namespace, name))
    out.values(clean(found), output)
