# SPDX-License-Identifier: Apache-2.0
"""`fluxsm check-machine`: is the table sound, in every case?"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from fluxsm.cli.quiet import quiet

if TYPE_CHECKING:
    from fluxsm.machine.define import UnsoundTableError


@click.command("check-machine")
def command() -> None:
    """Explore every case of the machine and check its laws.

    The rows are checked as they stand; then every step from every place that can be reached, with
    the status that people would see; then whole lifecycles with the real handlers. A law that
    is broken is shown with the shortest path that breaks it, and the exit code is 1.
    """
    from fluxsm.machine.define import UnsoundTableError

    try:
        from states.table import TABLE
    except UnsoundTableError as error:
        _report_rows(error)
        sys.exit(1)
    from fluxsm.simulation.check import check

    sound = True
    with quiet():
        for result in check(TABLE):
            sound = sound and not result.broken
            click.echo(f"{'✗' if result.broken else '✓'} {result.summary}")
            for item in result.broken:
                _report(item.law, item.text, item.story)
    sys.exit(0 if sound else 1)


def _report_rows(error: UnsoundTableError) -> None:
    """A table that does not even load, shown by its rows."""
    from fluxsm.machine.laws import describe, law_name, violations

    table = error.table
    for law, violation in violations(table):
        story = describe(violation.story, violation.end, table.initial) if violation.end else []
        _report(law_name(law), violation.text, story)


def _report(law: str, text: str, story: Iterable[str]) -> None:
    click.echo(f"\n✗ {law}\n  {text}")
    for line in story:
        click.echo(f"    {line}")
