# SPDX-License-Identifier: Apache-2.0
"""`fluxsm get KIND`: the objects of one kind of Flux."""

from __future__ import annotations

import click

from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.flux import filters
from fluxsm.cli.target import Target
from fluxsm.errors import UsageError


@click.command("resource", short_help="List objects of one kind of Flux.")
@click.argument("words", nargs=-1, required=True, metavar="KIND [NAME]")
@filters.all_namespaces
@out.option()
@cluster_of.options
def command(target: Target, words: tuple[str, ...], all_namespaces: bool, output: str) -> None:
    """List the objects of one kind of Flux, or one of them: `get ks`, `get ks apps`, `get ks/apps`.

    KIND is the kind, its plural or its short name, such as Kustomization, kustomizations or ks.
    """
    from fluxsm.cli.flux import get_all, kinds

    parts = words[0].split("/") if len(words) == 1 else list(words)
    if len(parts) > 2 or not all(parts):
        raise UsageError(f"{' '.join(words)!r} is neither KIND, nor KIND/NAME, such as ks/apps")
    name = parts[1] if len(parts) == 2 else ""
    namespace = "" if all_namespaces else target.namespace
    get_all.show_kind(target, kinds.of_word(parts[0]), name, namespace, output)
