# SPDX-License-Identifier: Apache-2.0
"""Where everything of a picture is, computed from the graph alone.

The main way runs from top to bottom; all other states stand in a second column beside it. An arrow
to the next box of its column runs straight down; every other arrow takes a lane: on the left of the
main way, between the columns, or on the right of the second one. Each arrow has ports of its own.
Its label stands at its beginning, in a gutter beside the box that no lane enters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Final

from fluxsm.machine.graph import Edge, Graph, Role
from fluxsm.machine.render import labels, lanes
from fluxsm.machine.render.column import stack
from fluxsm.machine.render.geometry import Arrow, Box, Drawing, text_height, text_width
from fluxsm.machine.render.lanes import Wire

_LOW: Final = 44.0
_PORT: Final = 20.0
_BESIDE: Final = 8.0
_STRAIGHT: Final = 0.5
_TRIES, _STEP = 40, 2.0


class Side(Enum):
    """Where the lanes of an arrow are."""

    LEFT = "left of the main way"
    MIDDLE = "between the columns"
    RIGHT = "right of the second column"


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One end of an arrow at the side of a box: of which box, and which end."""

    edge: Edge
    begins: bool

    @property
    def box(self) -> str:
        """The name of the box."""
        return self.edge.source if self.begins else self.edge.dest

    @property
    def other(self) -> str:
        """The name of the box at the other end."""
        return self.edge.dest if self.begins else self.edge.source

    @property
    def room(self) -> float:
        """How much height it takes: its own, and that of the label above it."""
        return max(_PORT, text_height(_lines(self.edge)) + 7) if self.begins else _PORT


def arrange(graph: Graph) -> Drawing:
    """The layout of a graph."""
    main = graph.main
    others = [node.name for node in graph.nodes if node.role is not Role.MANY]
    others = [name for name in others if name not in main]
    left = stack(graph, main, _heights(graph, main, []), {})
    wanted = {name: _wanted(graph, name, left.boxes) for name in others}
    beside = sorted(others, key=lambda name: wanted.get(name) or float("inf"))
    heights = _heights(graph, main, beside)
    reachable = {name: height for name, height in wanted.items() if height is not None}
    right = stack(graph, beside, heights, reachable)
    return _joined(graph, left, right)


def _wanted(graph: Graph, name: str, main: Mapping[str, Box]) -> float | None:
    """The mean height of the main boxes that a node is connected to, None where there is none."""
    ends = [edge.dest for edge in graph.edges if edge.source == name]
    ends += [edge.source for edge in graph.edges if edge.dest == name]
    heights = [main[end].middle[1] for end in ends if end in main]
    return sum(heights) / len(heights) if heights else None


def _heights(graph: Graph, main: Sequence[str], beside: Sequence[str]) -> dict[str, float]:
    """How high each box must be for the ports at its sides."""
    routes = _routes(graph, main, beside)
    rooms: dict[tuple[str, Side], float] = {}
    for side, edges in routes.items():
        for port in _ports(edges):
            key = (port.box, _flank(side, port.box, main))
            rooms[key] = rooms.get(key, 0.0) + port.room
    return {
        name: max(_LOW, *(rooms.get((name, flank), 0.0) + 12 for flank in (Side.LEFT, Side.RIGHT)))
        for name in (*main, *beside)
    }


def _routes(graph: Graph, main: Sequence[str], beside: Sequence[str]) -> dict[Side, list[Edge]]:
    """The arrows that take a lane, by where."""
    many = {node.name for node in graph.nodes if node.role is Role.MANY}
    steps = {*pairwise(main), *pairwise(beside)}
    found: dict[Side, list[Edge]] = {side: [] for side in Side}
    for edge in graph.edges:
        if edge.source in many or (edge.source, edge.dest) in steps:
            continue
        inside = (edge.source in main) + (edge.dest in main)
        found[(Side.RIGHT, Side.MIDDLE, Side.LEFT)[inside]].append(edge)
    return found


def _flank(side: Side, name: str, main: Sequence[str]) -> Side:
    """The side of a box at which an arrow has its port."""
    if side is Side.MIDDLE:
        return Side.RIGHT if name in main else Side.LEFT
    return side


def _ports(edges: Iterable[Edge]) -> Iterator[Port]:
    for edge in edges:
        yield Port(edge=edge, begins=True)
        yield Port(edge=edge, begins=False)


# How the columns are joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """The arrows of one side.

    Attributes:
        edges: what they stand for.
        levels: the height of each port.
        lanes: the lane of each arrow, counted from the main way.
        flaws: how many arrows run too close to each other, or have a kink instead of a turn.
    """

    edges: Sequence[Edge]
    levels: Mapping[Port, float]
    lanes: Sequence[int]
    flaws: int

    def width(self) -> float:
        """From the first lane to the last."""
        return lanes.PITCH * max(self.lanes, default=0)


def _joined(graph: Graph, left: Drawing, right: Drawing) -> Drawing:
    """Both columns, and the arrows in lanes."""
    main = tuple(left.boxes)
    routes = _routes(graph, main, tuple(right.boxes))
    right, middle = _lowered(routes[Side.MIDDLE], left, right)
    from_main = [edge for edge in middle.edges if edge.source in main]
    from_beside = [edge for edge in middle.edges if edge.source not in main]
    first = _beyond(left, from_main)
    right = right.moved(first + middle.width() + _gutter(from_beside), 0)
    boxes = {**left.boxes, **right.boxes}
    arrows = _arrows(middle, boxes, main, Side.MIDDLE, first, lanes.PITCH)
    channel = _channel(routes[Side.LEFT], Side.LEFT, boxes, main)
    start = -_gutter(routes[Side.LEFT])
    arrows += _arrows(channel, boxes, main, Side.LEFT, start, -lanes.PITCH)
    channel = _channel(routes[Side.RIGHT], Side.RIGHT, boxes, main)
    start = _beyond(right, routes[Side.RIGHT])
    arrows += _arrows(channel, boxes, main, Side.RIGHT, start, lanes.PITCH)
    return Drawing(
        boxes=boxes,
        stubs=(*left.stubs, *right.stubs),
        arrows=(*left.arrows, *right.arrows, *arrows),
        beginning=left.beginning or right.beginning,
    )


def _lowered(edges: Sequence[Edge], left: Drawing, right: Drawing) -> tuple[Drawing, Channel]:
    """The second column, lowered until arrows between the columns keep apart and have no kinks."""
    tries: list[tuple[Drawing, Channel]] = []
    for number in range(_TRIES):
        lowered = right.moved(0, _STEP * number)
        boxes = {**left.boxes, **lowered.boxes}
        channel = _channel(edges, Side.MIDDLE, boxes, tuple(left.boxes))
        tries.append((lowered, channel))
        if not channel.flaws:
            break
    return min(tries, key=lambda found: found[1].flaws)


def _beyond(column: Drawing, edges: Iterable[Edge]) -> float:
    """Where lanes may begin on the right of a column, from whose boxes edges lead there."""
    edge = max((box.right for box in column.boxes.values()), default=0.0)
    return max(edge + _gutter(edges), column.extent().right + _BESIDE)


def _gutter(edges: Iterable[Edge]) -> float:
    """The distance of the first lane from the boxes in which the labels of edges stand."""
    return 2 * _BESIDE + max((text_width(_lines(edge)) for edge in edges), default=0.0)


def _channel(
    edges: Sequence[Edge], side: Side, boxes: Mapping[str, Box], main: Sequence[str]
) -> Channel:
    levels = _levels(edges, side, boxes)
    wires = [
        Wire(
            begin=levels[Port(edge=edge, begins=True)],
            end=levels[Port(edge=edge, begins=False)],
            begin_far=side is Side.MIDDLE and edge.source not in main,
            end_far=side is Side.MIDDLE and edge.dest not in main,
        )
        for edge in edges
    ]
    assigned, close = lanes.assign(wires)
    kinks = sum(_STRAIGHT < abs(wire.begin - wire.end) < lanes.PITCH for wire in wires)
    return Channel(edges=edges, levels=levels, lanes=assigned, flaws=close + kinks)


def _levels(edges: Sequence[Edge], side: Side, boxes: Mapping[str, Box]) -> dict[Port, float]:
    """The height of each port: from top to bottom so that arrows of one box do not cross."""
    ports: dict[str, list[Port]] = {}
    for port in _ports(edges):
        ports.setdefault(port.box, []).append(port)
    found: dict[Port, float] = {}
    for name, unordered in ports.items():
        ordered = sorted(unordered, key=lambda port: _rank(port, side, edges, boxes))
        rooms = [port.room for port in ordered]
        y = boxes[name].top + max((boxes[name].height - sum(rooms[1:])) / 2, rooms[0])
        for number, port in enumerate(ordered):
            y += rooms[number] if number else 0
            found[port] = y
    return found


def _rank(
    port: Port, side: Side, edges: Sequence[Edge], boxes: Mapping[str, Box]
) -> tuple[float, ...]:
    """The place of a port at its box.

    Between the columns, by the height of the other end. Beside one column arrows are nested: those
    that go up leave above those that go down, and the shorter inside the longer.
    """
    number = edges.index(port.edge)
    here, there = boxes[port.box].middle[1], boxes[port.other].middle[1]
    if side is Side.MIDDLE:
        return there, number
    return (0, here - there, number) if there < here else (1, here - there, -number)


def _arrows(
    channel: Channel,
    boxes: Mapping[str, Box],
    main: Sequence[str],
    side: Side,
    first: float,
    pitch: float,
) -> list[Arrow]:
    """The arrows of a channel whose first lane is given, and the distance to the next."""
    found: list[Arrow] = []
    for edge, lane in zip(channel.edges, channel.lanes, strict=True):
        x = first + pitch * lane
        begin = channel.levels[Port(edge=edge, begins=True)]
        end = channel.levels[Port(edge=edge, begins=False)]
        at_left = _flank(side, edge.source, main) is Side.LEFT
        source, dest = boxes[edge.source], boxes[edge.dest]
        start = source.left if at_left else source.right
        tip = dest.left if _flank(side, edge.dest, main) is Side.LEFT else dest.right
        turns = ((x, begin), (x, end)) if abs(begin - end) > _STRAIGHT else ()
        lines = _lines(edge)
        width, height = text_width(lines), text_height(lines)
        left = start - _BESIDE - width if at_left else start + _BESIDE
        label = Box(left=left, top=begin - height - 2, width=width, height=height)
        points = ((start, begin), *turns, (tip, end))
        found.append(Arrow(edge=edge, points=points, lines=lines, label=label))
    return found


def _lines(edge: Edge) -> tuple[str, ...]:
    return tuple(labels.lines(edge.labels))
