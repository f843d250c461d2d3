# SPDX-License-Identifier: Apache-2.0
"""Markdown tables: every row, in order of precedence."""

from __future__ import annotations

from collections.abc import Iterable

from fluxsm.machine.graph import GONE, Graph
from fluxsm.machine.table import Row, guard_words


def render(graph: Graph) -> str:
    """One table with all rows."""
    return rows(graph.rows)


def rows(found: Iterable[Row]) -> str:
    """Rows as a table; a row that stays where it is says so."""
    cells = [
        (row.source.value, row.event.value, guard_words(row.guard), _dest(row)) for row in found
    ]
    return table(("State", "Event", "When", "Goes to"), cells)


def table(header: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    names = list(header)
    texts = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    texts += [f"| {' | '.join(map(_escaped, line))} |" for line in lines]
    return "\n".join(texts) + "\n"


def _escaped(cell: str) -> str:
    """A bar would end the cell, also within code."""
    return cell.replace("|", r"\|")


def _dest(row: Row) -> str:
    if row.dest is row.source:
        return "stays"
    return row.dest.value if row.dest else GONE
