# SPDX-License-Identifier: Apache-2.0
"""`fluxsm tree`: what an instance manages."""

from __future__ import annotations

import click

from fluxsm.api import names
from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target


@click.command("instance", short_help="Show what a FluxInstance manages.")
@subject.argument
@out.option(out.TEXT, out.JSON, out.YAML, default=out.TEXT)
@cluster_of.options
def command(target: Target, name: str, output: str) -> None:
    """Show what a FluxInstance manages, and what its sync manages in turn, as a tree."""
    from fluxsm.cli.flux import tree_resource

    tree_resource.show(target, names.INSTANCE_KIND, name, output)
