# SPDX-License-Identifier: Apache-2.0
"""Graphviz, for those who want a layout of their own."""

from __future__ import annotations

from fluxsm.machine.graph import Graph, Node, Role

_SHAPES = {
    Role.MAIN: 'shape=box style="rounded,filled" fillcolor="#dbeafe"',
    Role.SIDE: 'shape=box style="rounded,filled" fillcolor="#e5e7eb"',
    Role.REST: 'shape=box style="rounded,filled" fillcolor="#fef3c7"',
    Role.MANY: 'shape=box style="rounded,dashed"',
    Role.END: "shape=doublecircle",
}


def render(graph: Graph) -> str:
    """The text of a digraph."""
    lines = [
        "digraph machine {",
        '  node [fontname="sans-serif"]',
        '  edge [fontname="sans-serif"]',
    ]
    if graph.initial:
        lines += ['  "" [shape=point]', f'  "" -> "{graph.initial}"']
    lines += [_node(node) for node in graph.nodes]
    for edge in graph.edges:
        text = "\\n".join(edge.labels)
        lines.append(f'  "{edge.source}" -> "{edge.dest}" [label="{text}"]')
    return "\n".join([*lines, "}"]) + "\n"


def _node(node: Node) -> str:
    tip = f' tooltip="{node.definition.meaning}"' if node.definition else ""
    return f'  "{node.name}" [{_SHAPES[node.role]}{tip}]'
