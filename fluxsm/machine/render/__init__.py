# SPDX-License-Identifier: Apache-2.0
"""Draw or write a graph of the machine. Every renderer is a function from a graph to a text.

All of them start from `fluxsm.machine.graph`, so that no two pictures can disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from fluxsm.machine import graph
from fluxsm.machine.graph import Graph
from fluxsm.machine.render import dot, markdown, mermaid, plain, scxml, svg
from fluxsm.machine.states import State
from fluxsm.machine.table import Table

RENDERERS: Final[Mapping[str, Callable[[Graph], str]]] = {
    "mermaid": mermaid.render,
    "dot": dot.render,
    "svg": svg.render,
    "markdown": markdown.render,
    "json": plain.render,
    "scxml": scxml.render,
}
"""Renderers by the name of their format."""

PICTURES: Final = frozenset({"mermaid", "dot", "svg"})
"""Formats for the eye: they leave out what would hide the rest. The others have every row."""

HIGHLIGHTING: Final = (*sorted(PICTURES), "json", "markdown")
"""Formats that can highlight a state."""


def render(table: Table, format_: str, current: State | None = None) -> str:
    """A table in one of the formats, with one state highlighted."""
    found = graph.condensed(table) if format_ in PICTURES else graph.extract(table)
    return RENDERERS[format_](graph.highlight(found, current) if current else found)
