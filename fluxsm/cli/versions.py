# SPDX-License-Identifier: Apache-2.0
"""`fluxsm versions`: which versions a distribution has, and which one a range would choose."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import click

from fluxsm.cli import distribution
from fluxsm.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One version of a distribution.

    Attributes:
        version: as the distribution spells it.
        matches: whether it is in the range.
        selected: whether it is the one that would be installed.
    """

    version: str
    matches: bool
    selected: bool


@click.command("versions", short_help="List the Flux versions of a distribution.")
@distribution.option
@click.option(
    "--range",
    "expression",
    default="*",
    show_default=True,
    help="Range as in .spec.distribution.version, such as 2.x or ~2.7.0.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Table, or a JSON list of {version, matches, selected}.",
)
def command(place: str | None, expression: str, output: str) -> None:
    """List the Flux versions of a distribution, newest first.

    Shows which of them a range matches, and which one would be installed. The operator looks only
    at minors that its own distribution has; here every version counts.
    """
    found = distribution.open_distribution(place)
    rows = list_versions(found.versions(), expression)
    click.echo(_json(rows) if output == "json" else _table(rows))
    distribution.say_starter(found)
    if not any(row.selected for row in rows):
        click.echo(f"• no version in {found.source} matches {expression}", err=True)


def list_versions(names: Iterable[str], expression: str) -> list[Row]:
    """The versions, newest first, with what a range says about them.

    Args:
        names: the versions, oldest first.
        expression: the range.

    Raises:
        UsageError: the expression is not a range.
    """
    from fluxsm.build.version import Range, matching

    names = list(names)
    try:
        matches = matching(Range.parse(expression), names)
    except ValueError as error:
        raise UsageError(f"--range {expression!r} is not a version range: {error}") from None
    return [
        Row(version=name, matches=name in matches, selected=name in matches[:1])
        for name in reversed(names)
    ]


def _json(rows: Sequence[Row]) -> str:
    return json.dumps([asdict(row) for row in rows], indent=2)


def _table(rows: Sequence[Row]) -> str:
    """Columns as in all tables: padded with blanks, then a tab."""
    cells = [("VERSION", "MATCHES", "SELECTED")]
    cells += [(row.version, _word(row.matches), _word(row.selected)) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    return "\n".join(
        "\t".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _word(value: bool) -> str:
    return "yes" if value else "no"
