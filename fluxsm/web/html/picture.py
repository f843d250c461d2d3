# SPDX-License-Identifier: Apache-2.0
"""The drawn machine within the page: the current state lit, the way of the last run marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fluxsm.machine.graph import Edge, Graph, Role, condensed, highlight, short_guard
from fluxsm.machine.render.geometry import Drawing
from fluxsm.machine.render.layout import arrange
from fluxsm.machine.render.palette import DARK, LIGHT, Palette
from fluxsm.machine.render.svg import Marks, embed
from fluxsm.machine.states import State
from fluxsm.machine.table import Table, guard_words
from fluxsm.web.html.builder import Html

REFERENCE: Final = "/reference"
"""The page on which every state and reason is explained."""

Passage = Mapping[str, Any]
"""A transition of the API: source, event, dest."""


def state_link(name: str) -> str:
    """Where a state is explained."""
    return f"{REFERENCE}#state-{name}"


def picture(table: Table, current: str, path: Iterable[Passage]) -> Html:
    """The machine as SVG.

    Args:
        table: the table.
        current: the state to be lit; empty for none.
        path: the transitions of the last run.
    """
    graph, drawing, tips = _drawn(table)
    passed = list(path)
    marks = Marks(
        states=frozenset(name for item in passed for name in (item["source"], item["dest"])),
        edges=frozenset(_edges(graph, passed)),
        link=state_link,
        tip=lambda edge: tips[edge.source, edge.dest],
    )
    found = highlight(graph, State(current)) if current else graph
    return Html(embed(found, drawing, marks))


_Drawn = tuple[Graph, Drawing, Mapping[tuple[str, str], str]]


_drawings: dict[int, _Drawn] = {}
"""By the identity of the table: a layout takes 50 ms, and a process has one table."""


def _drawn(table: Table) -> _Drawn:
    """Graph, layout and tips of a table, worked out once."""
    if id(table) not in _drawings:
        graph = condensed(table)
        tips = {(edge.source, edge.dest): _tip(table, edge) for edge in graph.edges}
        _drawings[id(table)] = graph, arrange(graph), tips
    return _drawings[id(table)]


def _tip(table: Table, edge: Edge) -> str:
    """Each event of an arrow in words, with its guard."""
    words: dict[str, str] = {}
    for row in table.rows:
        label = f"{row.event.value} [{short_guard(row.guard)}]" if row.guard else row.event.value
        guard = f", and {guard_words(row.guard)}" if row.guard else ""
        words.setdefault(label, f"{row.event.value}: {row.event.words}{guard}")
    lines = [words.get(label, label) for label in edge.labels]
    return "\n".join([f"{edge.source} → {edge.dest}", *lines])


def _edges(graph: Graph, path: Iterable[Passage]) -> Iterable[tuple[str, str]]:
    """The arrows of a way. One from a state itself comes before one from many states."""
    many = {node.name for node in graph.nodes if node.role is Role.MANY}
    for item in path:
        fitting = [edge for edge in graph.edges if edge.dest == item["dest"]]
        own = [edge for edge in fitting if edge.source == item["source"]]
        others = [edge for edge in fitting if edge.source in many and _has(edge, item["event"])]
        yield from ((edge.source, edge.dest) for edge in own or others)


def _has(edge: Edge, event: str) -> bool:
    return any(label.partition(" [")[0] == event for label in edge.labels)


def colours() -> str:
    """The colours of states as custom properties of CSS, for light and for dark pages."""
    dark = f"@media(prefers-color-scheme:dark){{:root{{{_properties(DARK)}}}}}"
    return f":root{{{_properties(LIGHT)}}}\n{dark}\n"


def _properties(palette: Palette) -> str:
    found = {"ground": palette.ground, "text": palette.text, "line": palette.line}
    for kind, tone in palette.tones.items():
        found[f"{kind.name.lower()}-fill"] = tone.fill
        found[f"{kind.name.lower()}-stroke"] = tone.stroke
    return "".join(f"--{name}:{value};" for name, value in found.items())
