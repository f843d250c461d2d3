# SPDX-License-Identifier: Apache-2.0
"""Mermaid state diagrams, as GitHub shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from fluxsm.machine.graph import Edge, Graph, Kind, Role, kinds
from fluxsm.machine.render import labels
from fluxsm.machine.render.palette import LIGHT


def render(graph: Graph, *, direction: str = "TB", legend: bool = True) -> str:
    """The text of a diagram, without the fence around it.

    Args:
        graph: what is drawn.
        direction: where it grows, `TB` or `LR`.
        legend: whether the diagram says what its colours mean.
    """
    names = {node.name: node.name for node in graph.nodes}
    names |= {node.name: "[*]" for node in graph.nodes if node.role is Role.END}
    many = [node.name for node in graph.nodes if node.role is Role.MANY]
    names |= {name: f"many{number}" for number, name in enumerate(many, start=1)}
    lines = ["stateDiagram-v2", f"    direction {direction}"]
    lines += [f'    state "{name}" as {names[name]}' for name in many]
    if graph.initial:
        lines.append(f"    [*] --> {graph.initial}")
    for edge in _main_first(graph):
        text = "<br/>".join(labels.lines(edge.labels))
        lines.append(f"    {names[edge.source]} --> {names[edge.dest]}: {text}")
    lines += _legend(kinds(graph)) if legend else []
    lines += _colours(graph, names, legend=legend)
    return "\n".join(lines) + "\n"


def _main_first(graph: Graph) -> list[Edge]:
    """The edges of the main way come first: Mermaid then draws it straight, the rest around it."""
    steps = set(pairwise(graph.main))
    return sorted(graph.edges, key=lambda edge: (edge.source, edge.dest) not in steps)


def _legend(shown: Iterable[Kind]) -> Iterator[str]:
    """A box that holds a small box of each colour."""
    yield '    state "Colours" as colours {'
    yield "        direction LR"
    for kind in shown:
        yield f'        state "{kind.value}" as {_swatch(kind)}'
    yield "    }"


def _swatch(kind: Kind) -> str:
    return f"colour_{kind.name.lower()}"


def _colours(graph: Graph, names: Mapping[str, str], *, legend: bool) -> Iterator[str]:
    """Dark text on light boxes with strong borders: it reads well on a light and a dark page."""
    for kind in kinds(graph):
        tone = LIGHT.tones[kind]
        style = f"fill:{tone.fill},stroke:{tone.stroke},color:{LIGHT.text}"
        yield f"    classDef {kind.name.lower()} {style}"
        members = [
            names[node.name]
            for node in graph.nodes
            if node.kind is kind and node.role is not Role.END
        ]
        members += [_swatch(kind)] if legend else []
        if members:
            yield f"    class {','.join(members)} {kind.name.lower()}"
    many = [names[node.name] for node in graph.nodes if node.role is Role.MANY]
    if many:
        yield "    classDef many stroke-dasharray:4 3"
        yield f"    class {','.join(many)} many"
    for node in graph.nodes:
        if node.name == graph.current and node.kind:
            tone = LIGHT.tones[node.kind]
            style = f"fill:{tone.stroke},stroke:{tone.stroke},color:{LIGHT.ground}"
            yield f"    classDef current {style},font-weight:bold"
            yield f"    class {node.name} current"
