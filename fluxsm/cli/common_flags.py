# SPDX-License-Identifier: Apache-2.0
"""`fluxsm options`: the flags that all commands about a cluster have."""

from __future__ import annotations

from typing import Any

import click

from fluxsm.cli import color, target


@click.command("options", short_help="List the flags that all commands about a cluster have.")
def command() -> None:
    """List the flags that all commands about a cluster have, also those that few people need.

    Each may also be written as the reference's client has it, with --kube- before its name.
    """
    context = click.get_current_context()
    formatter = context.make_formatter()
    with formatter.section("Flags of all commands about a cluster"):
        formatter.write_dl([found for item in _flags() if (found := item.get_help_record(context))])
    click.echo(formatter.getvalue().rstrip("\n"))


def _flags() -> list[click.Parameter]:
    """The common flags, then the rare ones."""
    shown: Any = click.Command("shown")
    for option in (*target.common(), *target.rare_options(hidden=False), color.option):
        shown = option(shown)
    return list(shown.params)
