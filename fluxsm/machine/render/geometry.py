# SPDX-License-Identifier: Apache-2.0
"""What a picture consists of before it has looks: boxes, arrows with their labels, a dot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from fluxsm.machine.graph import Edge

Point: TypeAlias = tuple[float, float]

LINE_HEIGHT: Final = 16.0
_LETTER, _SPARE = 7.3, 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    @property
    def middle(self) -> Point:
        """The middle."""
        return self.left + self.width / 2, self.top + self.height / 2

    def moved(self, x: float, y: float) -> Box:
        """The same box elsewhere."""
        return replace(self, left=self.left + x, top=self.top + y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """An arrow and its label.

    Attributes:
        edge: what it stands for, None for the arrow that leads to the initial state.
        points: its corners, from its beginning to its tip.
        lines: the lines of its label.
        label: what the label covers, None where it has none.
    """

    edge: Edge | None
    points: tuple[Point, ...]
    lines: tuple[str, ...] = ()
    label: Box | None = None

    def moved(self, x: float, y: float) -> Arrow:
        """The same arrow elsewhere."""
        points = tuple((left + x, top + y) for left, top in self.points)
        return replace(self, points=points, label=self.label and self.label.moved(x, y))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """The box of many states that are drawn as one; each arrow from them has a box of its own."""

    lines: tuple[str, ...]
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture, or a part of it.

    Attributes:
        boxes: the box of each state, by its name.
        stubs: the boxes of many states.
        arrows: all arrows.
        beginning: the middle of the dot in which everything begins.
    """

    boxes: Mapping[str, Box]
    stubs: tuple[Stub, ...]
    arrows: tuple[Arrow, ...]
    beginning: Point | None = None

    def moved(self, x: float, y: float) -> Drawing:
        """The same elsewhere."""
        return Drawing(
            boxes={name: box.moved(x, y) for name, box in self.boxes.items()},
            stubs=tuple(replace(stub, box=stub.box.moved(x, y)) for stub in self.stubs),
            arrows=tuple(arrow.moved(x, y) for arrow in self.arrows),
            beginning=self.beginning and (self.beginning[0] + x, self.beginning[1] + y),
        )

    def extent(self) -> Box:
        """The smallest rectangle around all of it."""
        boxes = [*self.boxes.values(), *(stub.box for stub in self.stubs)]
        boxes += [arrow.label for arrow in self.arrows if arrow.label]
        points = [point for arrow in self.arrows for point in arrow.points]
        points += [(box.left, box.top) for box in boxes]
        points += [(box.right, box.bottom) for box in boxes]
        left, top = min((x for x, _ in points), default=0), min((y for _, y in points), default=0)
        right = max((x for x, _ in points), default=0)
        bottom = max((y for _, y in points), default=0)
        return Box(left=left, top=top, width=right - left, height=bottom - top)


def text_width(lines: tuple[str, ...]) -> float:
    """How wide lines of text may become in the fonts in which a label can be shown."""
    return _SPARE + _LETTER * max(map(len, lines), default=0)


def text_height(lines: tuple[str, ...]) -> float:
    """How high they are."""
    return LINE_HEIGHT * len(lines)
