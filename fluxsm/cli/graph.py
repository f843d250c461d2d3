# SPDX-License-Identifier: Apache-2.0
"""`fluxsm graph`: draw the machine, or write it out."""

from __future__ import annotations

import difflib

import click

from fluxsm.api import names
from fluxsm.cli import target as cluster_of
from fluxsm.cli.failure import say
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target
from fluxsm.errors import UsageError
from fluxsm.machine.render import RENDERERS
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
@click.option("--live", is_flag=True, help="Highlight the state of the instance in the cluster.")
@cluster_of.options
def command(
    target: Target,
    format_: str,
    current: State | None,
    live: bool,
) -> None:
    """Draw the state machine.

    The pictures (mermaid, dot, svg) draw states that do the same as one and leave out rows that
    stay where they are; markdown and json have every row. Colours say what a state means: Ready,
    working, waiting, failed or leaving.
    """
    from fluxsm.machine.render import render
    from states.table import TABLE

    if live and current:
        raise UsageError("--current and --live exclude each other")
    if live:
        current = _live(target)
    click.echo(render(TABLE, format_, current), nl=False)


def _live(target: Target) -> State | None:
    """The state that the instance is in, or that its conditions decide.

    Raises:
        UsageError: there is no instance.
    """
    from fluxsm.core.explanation import explain
    from states.table import TABLE

    ref = subject.ref_of(target.namespace, names.SINGLETON)
    found = explain(subject.read(target.connect(), ref), TABLE)
    if found.definition is None:
        say("• the status names no state, and its conditions decide none: nothing is highlighted")
        return None
    if found.is_inferred:
        say(f"• the status names no state; {found.definition.state} follows from its conditions")
    return found.definition.state
