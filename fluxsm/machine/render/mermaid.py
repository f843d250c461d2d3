# SPDX-License-Identifier: Apache-2.0
"""Mermaid state diagrams, as GitHub shows them."""

from __future__ import annotations

from itertools import pairwise

from fluxsm.machine.graph import Edge, Graph, Role, main_way


def render(graph: Graph, *, direction: str = "TB") -> str:
    """The text of a diagram, without the fence around it.

    Args:
        graph: what is drawn.
        direction: where it grows, `TB` or `LR`.
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
        text = "<br/>".join(_wrapped(label) for label in edge.labels)
        lines.append(f"    {names[edge.source]} --> {names[edge.dest]}: {text}")
    if many:
        lines.append("    classDef many stroke-dasharray: 4 3")
        lines += [f"    class {names[name]} many" for name in many]
    return "\n".join(lines) + "\n"


def _main_first(graph: Graph) -> list[Edge]:
    """The edges of the main way come first: Mermaid then draws it straight, the rest around it."""
    names = [node.name for node in main_way(graph)]
    steps = set(pairwise(names))
    return sorted(graph.edges, key=lambda edge: (edge.source, edge.dest) not in steps)


_LINE = 28


def _wrapped(label: str) -> str:
    """A label in lines that are short enough to stand beside an arrow."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br/>".join(lines)
