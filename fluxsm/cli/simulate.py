# SPDX-License-Identifier: Apache-2.0
"""`fluxsm simulate`: the lifecycle of an instance without a cluster."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsm.cli import color
from fluxsm.cli.talk import Mark

if TYPE_CHECKING:
    from fluxsm.simulation.scenario import Scenario


@click.command("simulate")
@click.argument("scenario", required=False)
@click.option("--list", "list_", is_flag=True, help="List the scenarios that come with fluxsm.")
@color.option
def command(scenario: str | None, list_: bool) -> None:
    """Play SCENARIO, a YAML file or the name of a scenario that comes with fluxsm.

    Every step is a real one: table, handlers, build and status are those of the operator. Only
    the servers are in memory, and time jumps.
    """
    from fluxsm.errors import UsageError
    from fluxsm.simulation.titles import titles

    if list_:
        for name, title in titles().items():
            click.echo(f"{name:<22} {title}")
        return
    if not scenario:
        raise UsageError("say which scenario to play; --list shows those that come with fluxsm")
    sys.exit(_play(_find(scenario)))


def _find(name: str) -> Scenario:
    from fluxsm.errors import UsageError
    from fluxsm.simulation.lifecycles import lifecycle
    from fluxsm.simulation.scenario import load

    path = Path(name)
    if name != "-" and not path.is_file():
        return lifecycle(name)
    try:
        text = sys.stdin.read() if name == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} cannot be read: {error}") from None
    return load(text, name)


def _play(scenario: Scenario) -> int:
    from fluxsm.cli import text
    from fluxsm.cli.quiet import quiet
    from fluxsm.simulation.player import GONE, ExpectationError, play, stage
    from fluxsm.simulation.transcript import conditions, describe
    from fluxsm.simulation.world import WorldError

    world, columns = stage(), text.terminal_columns()
    shown = 0

    def catch_up() -> None:
        nonlocal shown
        for moment in world.moments[shown:]:
            line = describe(moment, columns)
            if line:
                click.echo(line)
        shown = len(world.moments)

    def announce(heading: str) -> None:
        catch_up()
        if not heading.startswith("expect"):
            click.echo(f"{Mark.TRIGGERED.colored} {heading}")

    try:
        with quiet():
            play(scenario, world, announce)
    except (ExpectationError, WorldError) as error:
        catch_up()
        click.echo(f"{Mark.FAILED.colored} {error}", err=True)
        return 1
    catch_up()
    click.echo(f"\nThe instance is {f'in {world.state}' if world.state else GONE.lower()}.")
    for line in conditions(world.read()):
        for part in text.wrapped(line, columns or len(line) + 2, first="  ", rest="    "):
            click.echo(part)
    return 0
