# SPDX-License-Identifier: Apache-2.0
"""Markdown tables: every row, in order of precedence."""

from __future__ import annotations

from collections.abc import Iterable

from fluxsm.machine.graph import GONE, Graph
from fluxsm.machine.table import Row, guard_words


def render(graph: Graph) -> str:
    """One table with all rows; the highlighted state is bold, a row that stays says so."""

    def shown(name: str) -> str:
        return f"**{name}**" if name == graph.current else name

    cells = [
        (shown(row.source.value), row.event.value, guard_words(row.guard), shown(_dest(row)))
        for row in graph.rows
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
