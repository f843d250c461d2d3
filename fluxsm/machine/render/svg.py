# SPDX-License-Identifier: Apache-2.0
"""An SVG picture with a layout of its own, the same for the same table, without any program.

The way to the goal runs from top to bottom; other ways to it stand beside it on the right, with
what interrupts them further right. Arrows that go back or skip a state run in lanes on the left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape

from fluxsm.machine.graph import Edge, Graph, Node, Role, main_way

WIDTH, HEIGHT, PITCH = 150.0, 42.0, 112.0
_LEFT, _SIDE, _REST = 0.0, 370.0, 620.0
_TOP, _LANE = 150.0, 62.0
_MANY_WIDTH, _LINE, _LINE_HEIGHT = 200.0, 27, 15.0
_FILLS = {
    Role.MAIN: "#dbeafe",
    Role.SIDE: "#e5e7eb",
    Role.REST: "#fef3c7",
    Role.MANY: "#ffffff",
    Role.END: "#1f2937",
}
_STYLE = (
    "text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#111827}"
    ".name{font-weight:600;text-anchor:middle}.many{font-style:italic;text-anchor:middle}"
    ".label{font-size:12px;text-anchor:middle;fill:#374151}"
    ".line{fill:none;stroke:#4b5563;stroke-width:1.4}"
)

_TIP = (
    '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"'
    ' orient="auto"><path d="M0 0L10 5L0 10z" fill="#4b5563"/></marker>'
)


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node is drawn: its middle and its size, in pixels."""

    x: float
    y: float
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def left(self) -> float:
        """The left edge."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Path:
    """A drawn arrow: its points, and where its label has its middle."""

    points: tuple[tuple[float, float], ...]
    label: tuple[float, float]


def render(graph: Graph) -> str:
    """The picture as a document."""
    boxes = place(graph)
    paths = route(graph, boxes)
    height = max(box.y for box in boxes.values()) + 60
    left = min(path.label[0] - _ground(edge)[0] / 2 for edge, path in _labelled(graph, paths)) - 30
    width = max(box.right for box in boxes.values()) + 30 - left
    size = f'width="{width:.0f}" height="{height:.0f}"'
    view = f'viewBox="{left:.0f} 0 {width:.0f} {height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img">',
        "<title>The state machine of a FluxInstance</title>",
        f"<style>{_STYLE}</style>",
        f"<defs>{_TIP}</defs>",
        f'<rect x="{left:.0f}" width="100%" height="100%" fill="#ffffff"/>',
    ]
    parts += [_line(path.points) for path in paths.values()]
    parts += _beginning(graph, boxes)
    parts += [_node(node, boxes[node.name]) for node in graph.nodes]
    parts += [_label(edge, path.label) for edge, path in _labelled(graph, paths)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _labelled(graph: Graph, paths: Mapping[tuple[str, str], Path]) -> Iterator[tuple[Edge, Path]]:
    for edge in graph.edges:
        yield edge, paths[edge.source, edge.dest]


# Where things are


def place(graph: Graph) -> dict[str, Box]:
    """The box of every node, by its name."""
    boxes: dict[str, Box] = {}
    y = _TOP
    for node in main_way(graph):
        boxes[node.name] = Box(_LEFT + WIDTH / 2, y)
        y += max(PITCH, HEIGHT + 60 + _LINE_HEIGHT * _lines_below(graph, node.name))
    for node in _of(graph, Role.SIDE):
        rows = [boxes[name].y for name in _neighbours(graph, node.name) if name in boxes]
        boxes[node.name] = Box(_SIDE + WIDTH / 2, sum(rows) / len(rows))
    for number, node in enumerate(_of(graph, Role.REST)):
        boxes[node.name] = Box(_REST + WIDTH / 2, _TOP + PITCH * (1 + 2 * number))
    for node in _of(graph, Role.MANY):
        boxes[node.name] = _place_many(graph, node.name, boxes)
    for node in _of(graph, Role.END):
        source = next(edge.source for edge in graph.edges if edge.dest == node.name)
        before = boxes[source]
        boxes[node.name] = Box(before.x, before.y + PITCH * 0.8, 18, 18)
    return boxes


def _lines_below(graph: Graph, name: str) -> int:
    """Lines of text beside the arrow to the next node of the main way."""
    main = [node.name for node in main_way(graph)]
    following = dict(pairwise(main)).get(name)
    labels = [edge.labels for edge in graph.edges if (edge.source, edge.dest) == (name, following)]
    return sum(len(wrap(label)) for texts in labels for label in texts)


def _of(graph: Graph, role: Role) -> list[Node]:
    return [node for node in graph.nodes if node.role is role]


def _neighbours(graph: Graph, name: str) -> list[str]:
    found = [edge.dest for edge in graph.edges if edge.source == name]
    return found + [edge.source for edge in graph.edges if edge.dest == name]


def _place_many(graph: Graph, name: str, boxes: Mapping[str, Box]) -> Box:
    """Above the first state that it leads to."""
    dest = boxes[next(edge.dest for edge in graph.edges if edge.source == name)]
    height = 12 + _LINE_HEIGHT * len(wrap(name))
    return Box(dest.x, dest.y - PITCH + HEIGHT / 4, _MANY_WIDTH, max(height, 30))


# How arrows run


def route(graph: Graph, boxes: Mapping[str, Box]) -> dict[tuple[str, str], Path]:
    """The path of every edge, by the names of its ends."""
    roles = {node.name: node.role for node in graph.nodes}
    rows = {node.name: row for row, node in enumerate(main_way(graph))}
    found: dict[tuple[str, str], Path] = {}
    lanes: list[Edge] = []
    returns: list[Edge] = []
    for edge in graph.edges:
        key = (edge.source, edge.dest)
        ends = roles[edge.source], roles[edge.dest]
        if edge.source in rows and edge.dest in rows and rows[edge.dest] != rows[edge.source] + 1:
            lanes.append(edge)
        elif ends == (Role.REST, Role.MAIN):
            returns.append(edge)
        elif Role.SIDE in ends:
            found[key] = _sideways(edge, graph, boxes)
        else:
            found[key] = _down(boxes[edge.source], boxes[edge.dest])
    found |= _in_lanes(lanes, boxes)
    return found | _returning(returns, boxes)


def _down(source: Box, dest: Box) -> Path:
    begin, end = source.y + source.height / 2, dest.y - dest.height / 2
    return Path(((source.x, begin), (source.x, end)), (source.x, (begin + end) / 2))


def _sideways(edge: Edge, graph: Graph, boxes: Mapping[str, Box]) -> Path:
    """Between the main way and a node beside it; the arrows of one node are spread along it."""
    source, dest = boxes[edge.source], boxes[edge.dest]
    inner, side = (source, dest) if source.x < dest.x else (dest, source)
    name = edge.dest if side is dest else edge.source
    ends = _neighbours(graph, name)
    spread = sorted(range(len(ends)), key=lambda index: boxes[ends[index]].y)
    place_of = spread.index(ends.index(edge.source if side is dest else edge.dest))
    y = side.y + (place_of - (len(ends) - 1) / 2) * HEIGHT / len(ends)
    points = ((inner.right, inner.y), (side.left, y))
    middle = (inner.right + 0.5 * (side.left - inner.right), inner.y + 0.5 * (y - inner.y))
    return Path(points if side is dest else points[::-1], middle)


def _in_lanes(edges: Iterable[Edge], boxes: Mapping[str, Box]) -> dict[tuple[str, str], Path]:
    """Around the main way on its left: the shorter a way, the nearer its lane."""
    found: dict[tuple[str, str], Path] = {}
    ordered = sorted(edges, key=lambda edge: abs(boxes[edge.source].y - boxes[edge.dest].y))
    for number, edge in enumerate(ordered):
        source, dest = boxes[edge.source], boxes[edge.dest]
        x = source.left - _LANE * (number + 0.75)
        offset = 5.0 * (number - (len(ordered) - 1) / 2)
        begin, end = source.y + offset, dest.y + offset
        points = ((source.left, begin), (x, begin), (x, end), (dest.left, end))
        found[edge.source, edge.dest] = Path(points, (x, (begin + end) / 2))
    return found


def _returning(edges: Sequence[Edge], boxes: Mapping[str, Box]) -> dict[tuple[str, str], Path]:
    """From the right back to the main way, over a lane between the columns."""
    found: dict[tuple[str, str], Path] = {}
    for number, edge in enumerate(sorted(edges, key=lambda edge: boxes[edge.source].y)):
        source, dest = boxes[edge.source], boxes[edge.dest]
        x = source.left - 45 - 30 * number
        end = dest.y + 12 * (number - (len(edges) - 1) / 2)
        points = ((source.left, source.y), (x, source.y), (x, end), (dest.right, end))
        found[edge.source, edge.dest] = Path(points, ((dest.right + x) / 2 - 110 * number, end))
    return found


# How things look


def _line(points: Sequence[tuple[float, float]]) -> str:
    """An arrow with round corners."""
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        text += f"L{near[0]:.1f} {near[1]:.1f}Q{corner[0]:.1f} {corner[1]:.1f}"
        text += f" {far[0]:.1f} {far[1]:.1f}"
    text += f"L{points[-1][0]:.1f} {points[-1][1]:.1f}"
    return f'<path class="line" d="{text}" marker-end="url(#tip)"/>'


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    distance = max(abs(other[0] - corner[0]) + abs(other[1] - corner[1]), 0.001)
    share = min(8.0, distance / 2) / distance
    return (
        corner[0] + (other[0] - corner[0]) * share,
        corner[1] + (other[1] - corner[1]) * share,
    )


def _beginning(graph: Graph, boxes: Mapping[str, Box]) -> list[str]:
    first = boxes[graph.initial]
    dot = (first.left + 14, first.y - 56)
    return [
        f'<circle cx="{dot[0]:.1f}" cy="{dot[1]:.1f}" r="7" fill="#1f2937"/>',
        _line((dot, (dot[0], first.y - first.height / 2))),
    ]


def _node(node: Node, box: Box) -> str:
    if node.role is Role.END:
        return (
            f'<circle cx="{box.x:.1f}" cy="{box.y:.1f}" r="9" fill="none" stroke="#1f2937"/>'
            f'<circle cx="{box.x:.1f}" cy="{box.y:.1f}" r="5" fill="#1f2937"/>'
        )
    dashed = ' stroke-dasharray="5 3"' if node.role is Role.MANY else ""
    tip = f"<title>{escape(node.definition.meaning)}</title>" if node.definition else ""
    shape = (
        f'<rect x="{box.left:.1f}" y="{box.y - box.height / 2:.1f}" width="{box.width:.0f}"'
        f' height="{box.height:.0f}" rx="9" fill="{_FILLS[node.role]}" stroke="#4b5563"{dashed}/>'
    )
    style = "many" if node.role is Role.MANY else "name"
    return f"<g>{tip}{shape}{_text(wrap(node.name), (box.x, box.y), style)}</g>"


def _label(edge: Edge, middle: tuple[float, float]) -> str:
    """The text beside an arrow, on a ground that lets the arrow end before it."""
    width, height = _ground(edge)
    ground = (
        f'<rect x="{middle[0] - width / 2:.1f}" y="{middle[1] - height / 2:.1f}"'
        f' width="{width:.1f}" height="{height:.1f}" fill="#ffffff" fill-opacity="0.92"/>'
    )
    return ground + _text(_lines(edge), middle, "label")


def _ground(edge: Edge) -> tuple[float, float]:
    """Width and height of what a label covers."""
    lines = _lines(edge)
    return 6.6 * max(map(len, lines)) + 6, _LINE_HEIGHT * len(lines) + 2


def _lines(edge: Edge) -> list[str]:
    return [line for label in edge.labels for line in wrap(label)]


def _text(lines: Sequence[str], middle: tuple[float, float], style: str) -> str:
    first = middle[1] - _LINE_HEIGHT * (len(lines) - 1) / 2 + 4.5
    return "".join(
        f'<text class="{style}" x="{middle[0]:.1f}" y="{first + _LINE_HEIGHT * number:.1f}">'
        f"{escape(line)}</text>"
        for number, line in enumerate(lines)
    )


def wrap(text: str) -> list[str]:
    """A text in lines that are short enough to stand in a box or beside an arrow."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
