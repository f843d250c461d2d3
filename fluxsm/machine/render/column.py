# SPDX-License-Identifier: Apache-2.0
"""A column of boxes, with what enters them from above.

From above come the arrow of the box before, the arrow of the beginning, and arrows of many states
that are drawn as one. Where there are several, each has a port of its own: they are set off to the
right one after the other, so that each passes on the left of those below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fluxsm.machine.graph import Edge, Graph, Role
from fluxsm.machine.render import labels
from fluxsm.machine.render.geometry import (
    Arrow,
    Box,
    Drawing,
    Point,
    Stub,
    text_height,
    text_width,
)

_NARROW, _BOLD = 146.0, 8.6
_FIRST_PORT, _STAGGER, _INDENT = 24.0, 30.0, 14.0
_BETWEEN, _TIP, _GAP = 34.0, 18.0, 8.0
_DOT: Final = 30.0


def stack(
    graph: Graph, names: Sequence[str], heights: Mapping[str, float], wanted: Mapping[str, float]
) -> Drawing:
    """Boxes below each other, beginning in the origin.

    Args:
        graph: what is drawn.
        names: the boxes of the column, from top to bottom.
        heights: how high each box is.
        wanted: at which height the middle of a box is best, where there is room.
    """
    width = box_width(graph)
    boxes: dict[str, Box] = {}
    stubs: list[Stub] = []
    arrows: list[Arrow] = []
    beginning: Point | None = None
    before: str | None = None
    bottom = 0.0
    for name in names:
        entrance = _Entrance(graph, name, before, width)
        floor = wanted.get(name, 0.0) - heights[name] / 2
        top = max(bottom + entrance.height(first=before is None), floor)
        boxes[name] = Box(left=0.0, top=top, width=width, height=heights[name])
        stubs += entrance.stubs(top)
        arrows += entrance.arrows(bottom, top)
        beginning = entrance.beginning(top) or beginning
        bottom, before = boxes[name].bottom, name
    return Drawing(boxes=boxes, stubs=tuple(stubs), arrows=tuple(arrows), beginning=beginning)


def box_width(graph: Graph) -> float:
    """The width of every box: the longest name fits in."""
    names = [node.name for node in graph.nodes if node.role is not Role.MANY]
    return max(_NARROW, 20 + _BOLD * max(map(len, names), default=0))


class _Entrance:
    """What enters one box from above."""

    def __init__(self, graph: Graph, name: str, before: str | None, width: float) -> None:
        many = {node.name for node in graph.nodes if node.role is Role.MANY}
        entering = [edge for edge in graph.edges if edge.dest == name]
        self._straight = [edge for edge in entering if edge.source == before]
        self._many = [edge for edge in entering if edge.source in many]
        self._begins = name == graph.initial
        self._width = width

    def height(self, *, first: bool) -> float:
        """How much room it takes between two boxes."""
        height = sum(map(_stub_height, self._many)) + _TIP
        if self._straight:
            height += _GAP + text_height(_lines(self._straight[0])) + (_GAP if self._many else 0)
        elif not first:
            height += _BETWEEN - (_TIP if not self._many else 0)
        return max(height, _DOT + _GAP) if self._begins else height

    def stubs(self, top: float) -> list[Stub]:
        """The boxes of many states; the last one is the lowest."""
        return [
            Stub(lines=tuple(labels.wrap(edge.source)), box=box)
            for edge, box in zip(self._many, self._stub_boxes(top), strict=True)
        ]

    def arrows(self, bottom: float, top: float) -> list[Arrow]:
        """Arrows down to a box whose upper edge is given, as is the lower edge of the one before.

        Args:
            bottom: where the box before ends.
            top: where the box begins.
        """
        ports = self._ports()
        begins = [bottom for _ in self._straight]
        found = [_down(edge, ports[0], bottom, top) for edge in self._straight]
        if self._begins:
            x = ports[len(begins)]
            found.append(Arrow(edge=None, points=((x, top - _DOT), (x, top))))
        first = len(ports) - len(self._many)
        for number, box in enumerate(self._stub_boxes(top)):
            found.append(_down(self._many[number], ports[first + number], box.bottom, top))
        return found

    def beginning(self, top: float) -> Point | None:
        """The dot in which everything begins."""
        return (self._ports()[len(self._straight)], top - _DOT) if self._begins else None

    def _ports(self) -> list[float]:
        """From left to right: the box before, the beginning, many states."""
        number = len(self._straight) + self._begins + len(self._many)
        if number == 1:
            return [self._width / 2]
        step = min(_STAGGER, (self._width - 2 * _FIRST_PORT) / max(number - 1, 1))
        return [_FIRST_PORT + step * place for place in range(number)]

    def _stub_boxes(self, top: float) -> list[Box]:
        ports = self._ports()[len(self._straight) + self._begins :]
        y = top - _TIP - sum(map(_stub_height, self._many))
        found: list[Box] = []
        for edge, port in zip(self._many, ports, strict=True):
            left = 0.0 if port == self._width / 2 else port - _INDENT
            height = text_height(tuple(labels.wrap(edge.source))) + 12
            found.append(Box(left=left, top=y, width=self._width, height=height))
            y += _stub_height(edge)
        return found


def _stub_height(edge: Edge) -> float:
    """A box of many states, and the label of its arrow below it."""
    name = tuple(labels.wrap(edge.source))
    return text_height(name) + 12 + _GAP + text_height(_lines(edge)) + _GAP


def _down(edge: Edge, x: float, begin: float, end: float) -> Arrow:
    """A straight arrow; its label begins beside it, below its beginning."""
    lines = _lines(edge)
    label = Box(left=x + 8, top=begin + _GAP, width=text_width(lines), height=text_height(lines))
    return Arrow(edge=edge, points=((x, begin), (x, end)), lines=lines, label=label)


def _lines(edge: Edge) -> tuple[str, ...]:
    return tuple(labels.lines(edge.labels))
