# SPDX-License-Identifier: Apache-2.0
"""`fluxsm graph`: draw the machine, or write it out."""

from __future__ import annotations

import difflib

import click

from fluxsm.machine.render import HIGHLIGHTING, RENDERERS
from fluxsm.machine.states import State


class StateName(click.ParamType[State]):
    """The name of a state, in upper or lower case; an unknown one is answered with the nearest."""

    name = "state"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> State:
        """The state of a name."""
        by_name = {state.value.lower(): state for state in State}
        text = str(value)
        if text.lower() in by_name:
            return by_name[text.lower()]
        near = difflib.get_close_matches(text.lower(), by_name, n=1)
        hint = f"; did you mean {by_name[near[0]]}?" if near else "."
        known = ", ".join(State)
        message = f"there is no state {text!r}{hint} The states are {known}."
        raise click.BadParameter(message, ctx, param)


@click.command("graph")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(RENDERERS)),
    default="mermaid",
    show_default=True,
    help="Language of the output.",
)
@click.option(
    "--current",
    type=StateName(),
    help="Highlight a state, for instance the one in status.state.",
)
def command(format_: str, current: State | None) -> None:
    """Draw the state machine.

    The pictures (mermaid, dot, svg) draw states that do the same as one and leave out rows that
    stay where they are; markdown, json and scxml have every row. Colours say what a state means:
    Ready, working, waiting, failed or leaving.
    """
    from fluxsm.machine.render import render
    from states.table import TABLE

    if current and format_ not in HIGHLIGHTING:
        raise click.UsageError(
            f"--current cannot be shown in {format_}; use --format {', '.join(HIGHLIGHTING)}"
        )
    click.echo(render(TABLE, format_, current), nl=False)
