# SPDX-License-Identifier: Apache-2.0
"""`fluxsm graph`: draw the machine, or write it out."""

from __future__ import annotations

import click

from fluxsm.machine.render import RENDERERS


@click.command("graph")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(RENDERERS)),
    default="mermaid",
    show_default=True,
    help="Language of the output.",
)
def command(format_: str) -> None:
    """Draw the state machine.

    The pictures (mermaid, dot, svg) draw states that do the same as one and leave out rows that
    stay where they are; markdown and json have every row.
    """
    from fluxsm.machine.render import render
    from states.table import TABLE

    click.echo(render(TABLE, format_), nl=False)
