# SPDX-License-Identifier: Apache-2.0
"""Graphviz, for those who want a layout of their own."""

from __future__ import annotations

from fluxsm.machine.graph import Graph, Node, Role
from fluxsm.machine.render.palette import LIGHT


def render(graph: Graph) -> str:
    """The text of a digraph."""
    lines = [
        "digraph machine {",
        '  node [fontname="sans-serif"]',
        '  edge [fontname="sans-serif"]',
    ]
    if graph.initial:
        lines += ['  "" [shape=point]', f'  "" -> "{graph.initial}"']
    lines += [_node(node, current=node.name == graph.current) for node in graph.nodes]
    for edge in graph.edges:
        text = "\\n".join(edge.labels)
        lines.append(f'  "{edge.source}" -> "{edge.dest}" [label="{text}"]')
    return "\n".join([*lines, "}"]) + "\n"


def _node(node: Node, *, current: bool) -> str:
    style = _style(node)
    if node.definition:
        style += f' tooltip="{node.definition.meaning}"'
    if current:
        style += " penwidth=4"
    return f'  "{node.name}" [{style}]'


def _style(node: Node) -> str:
    if node.role is Role.END:
        return "shape=doublecircle"
    if node.kind is None:
        return 'shape=box style="rounded,dashed"'
    tone = LIGHT.tones[node.kind]
    return f'shape=box style="rounded,filled" fillcolor="{tone.fill}" color="{tone.stroke}"'
