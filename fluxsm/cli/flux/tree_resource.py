# SPDX-License-Identifier: Apache-2.0
"""`fluxsm tree KIND/NAME`: what an object of Flux manages."""

from __future__ import annotations

import click

from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.flux import kinds
from fluxsm.cli.target import Target


@click.command("resource", short_help="Show what an object of Flux manages.")
@kinds.argument
@out.option(out.TEXT, out.JSON, out.YAML, default=out.TEXT)
@cluster_of.options
def command(target: Target, words: tuple[str, ...], output: str) -> None:
    """Show what an object of Flux manages, and what those objects manage, as a tree.

    KIND is Kustomization (ks), HelmRelease (hr), ResourceSet (rset) or FluxInstance.
    """
    kind, name = kinds.parse(words)
    show(target, kind.kind, name, output)


def show(target: Target, kind: str, name: str, output: str) -> None:
    """Print the tree of an object.

    Raises:
        UsageError: it does not exist, or manages nothing.
        ClusterError: it cannot be read.
    """
    from fluxsm.cli.flux import tree

    node = tree.grow(target.connect(), kind, target.namespace, name)
    if output != out.TEXT:
        out.values(tree.data(node), output)
        return
    for line in tree.lines(node):
        click.echo(line)
    click.echo()
