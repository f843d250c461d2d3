# SPDX-License-Identifier: Apache-2.0
"""`fluxsm get KIND`: the objects of one kind of Flux."""

from __future__ import annotations

import click

from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.completion.offer import offer
from fluxsm.cli.flux import filters
from fluxsm.cli.target import Target


@click.command("resource", short_help="List objects of one kind of Flux.")
@click.argument(
    "words", nargs=-1, required=True, metavar="KIND [NAME]", shell_complete=offer("objects")
)
@filters.all_namespaces
@out.option()
@cluster_of.options
def command(target: Target, words: tuple[str, ...], all_namespaces: bool, output: str) -> None:
    """List the objects of one kind of Flux, or one of them: `get ks`, `get ks apps`, `get ks/apps`.

    KIND is the kind, its plural or its short name, such as Kustomization, kustomizations or ks.
    """
    from fluxsm.cli.flux import get_all, kinds

    is_kind = len(words) == 1 and "/" not in words[0]
    kind, name = (words[0], "") if is_kind else kinds.split(words)
    namespace = "" if all_namespaces else target.namespace
    get_all.show_kind(target, kinds.of_word(kind), name, namespace, output)
