# SPDX-License-Identifier: Apache-2.0
"""Vertical lanes for arrows that run beside a column of boxes, or between two columns.

An arrow leaves its box to the side, follows a lane up or down, and turns to the other box. Which
lane each takes is chosen so that few arrows cross and none run too close to each other; arrows that
do not meet may share a lane. Only the order of two lanes matters for that, not how far they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

PITCH: Final = 16.0
"""Distance between two lanes."""

APART: Final = 12.0
"""Distance that two parallel lines keep where they run beside each other."""

_NEAR, _FAR = -2, 2

Span: TypeAlias = tuple[float, float]
Cost: TypeAlias = tuple[int, int]
"""How often two lines run too close, and how often they cross."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What is connected over a lane.

    Attributes:
        begin: height of the port at which it begins.
        end: height of the port at which it ends.
        begin_far: whether it begins on the far side of the lanes.
        end_far: whether it ends there.
    """

    begin: float
    end: float
    begin_far: bool = False
    end_far: bool = False

    @property
    def span(self) -> Span:
        """What it takes of its lane."""
        return min(self.begin, self.end), max(self.begin, self.end)

    def runs(self, lane: int) -> tuple[tuple[float, Span], tuple[float, Span]]:
        """Its two horizontal parts, by height, when it takes a lane."""
        return (
            (self.begin, _ordered(lane, _FAR if self.begin_far else _NEAR)),
            (self.end, _ordered(lane, _FAR if self.end_far else _NEAR)),
        )


def assign(wires: Sequence[Wire]) -> tuple[list[int], int]:
    """The lane of each wire, counted from the near side, and how often two run too close."""
    costs = _Costs(wires)
    order: list[int] = []
    for wire in sorted(range(len(wires)), key=lambda index: _length(wires[index])):
        order = costs.inserted(order, wire)
    for _ in wires:
        improved = order
        for wire in order:
            improved = costs.inserted([other for other in improved if other != wire], wire)
        if improved == order:
            break
        order = improved
    lanes = costs.compacted(order)
    close = sum(costs.total(lanes, wire)[0] for wire in lanes) // 2
    return [lanes[index] for index in range(len(wires))], close


class _Costs:
    """What the lanes of wires cost; two wires cost the same however far their lanes are apart."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._pairs = {
            (one, other, sign): _cost(wires[one], wires[other], sign)
            for one in range(len(wires))
            for other in range(len(wires))
            for sign in (-1, 0, 1)
            if one != other
        }

    def total(self, lanes: Mapping[int, int], wire: int) -> Cost:
        """What one wire costs beside all others that have a lane."""
        here = lanes[wire]
        close = crossings = 0
        for other, lane in lanes.items():
            if other != wire:
                cost = self._pairs[wire, other, (here > lane) - (here < lane)]
                close, crossings = close + cost[0], crossings + cost[1]
        return close, crossings

    def inserted(self, order: list[int], wire: int) -> list[int]:
        """The order with one more wire, where it costs least."""

        def total(place: int) -> Cost:
            lanes = {other: 2 * number + 1 for number, other in enumerate(order)}
            return self.total({**lanes, wire: 2 * place}, wire)

        place = min(range(len(order) + 1), key=total)
        return [*order[:place], wire, *order[place:]]

    def compacted(self, order: Sequence[int]) -> dict[int, int]:
        """Lanes in an order, shared where that costs nothing."""
        lanes: dict[int, int] = {}
        for wire in order:
            last = max(lanes.values(), default=-1) + 1
            limit = self.total({**lanes, wire: last}, wire)
            lanes[wire] = next(
                lane for lane in range(last + 1) if self.total({**lanes, wire: lane}, wire) <= limit
            )
        return lanes


def _cost(one: Wire, other: Wire, sign: int) -> Cost:
    """What two wires cost when the lane of the first is before (-1), at or after (1) the other."""
    close = sum(
        abs(y - z) < APART and _meet(here, there)
        for y, here in one.runs(sign)
        for z, there in other.runs(0)
    )
    if sign == 0:
        low, high = one.span
        close += _meet((low - APART, high + APART), other.span)
    crossings = sum(_within(0, run) and _within(y, other.span) for y, run in one.runs(sign))
    crossings += sum(_within(sign, run) and _within(y, one.span) for y, run in other.runs(0))
    return int(close), int(crossings)


def _length(wire: Wire) -> float:
    low, high = wire.span
    return high - low


def _ordered(one: float, other: float) -> Span:
    return min(one, other), max(one, other)


def _meet(one: Span, other: Span) -> bool:
    return max(one[0], other[0]) <= min(one[1], other[1])


def _within(value: float, span: Span) -> bool:
    return span[0] < value < span[1]
