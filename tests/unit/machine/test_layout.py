# SPDX-License-Identifier: Apache-2.0
"""The geometry of the picture: nothing is hidden, whatever rows the table has."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from itertools import combinations, pairwise
from typing import cast

import pytest

from fluxsm.machine.events import Event
from fluxsm.machine.graph import Graph, condensed
from fluxsm.machine.render.geometry import Arrow, Box, Drawing, Point
from fluxsm.machine.render.lanes import APART, Wire, assign
from fluxsm.machine.render.layout import arrange
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, Table, rows
from states.table import TABLE


class _New(StrEnum):
    """A state that the table does not have yet."""

    AUDITING = "AuditingEveryObject"


AUDITING = cast("State", _New.AUDITING)


def more(*extra: Row) -> Table:
    """The table with more rows."""
    return replace(TABLE, rows=(*TABLE.rows, *extra))


def between(source: State, event: Event, dest: State) -> Table:
    """The table with a new state on a way that two states have today."""
    definition = replace(TABLE.states[source], state=AUDITING)
    found = [
        replace(row, dest=AUDITING)
        if (row.source, row.event, row.dest) == (source, event, dest)
        else row
        for row in TABLE.rows
    ]
    found += [Row(AUDITING, event, dest), Row(AUDITING, Event.FAULT, State.FAILED)]
    return replace(TABLE, states={**TABLE.states, AUDITING: definition}, rows=tuple(found))


def scattered(seed: int) -> Table:
    """The table with some rows between states that nobody chose."""
    chance = random.Random(seed)  # noqa: S311 no secret
    states = list(State)
    extra = [
        Row(chance.choice(states), chance.choice(list(Event)), chance.choice([*states, None]))
        for _ in range(6)
    ]
    return more(*extra)


TABLES = {
    "today": TABLE,
    "a state more on the main way": between(State.HEALTH_CHECKING, Event.HEALTHY, State.READY),
    "a state more at its beginning": between(State.PENDING, Event.STARTED, State.FETCHING_ARTIFACT),
    "a state more beside it": more(Row(State.HEALTH_CHECKING, Event.BLOCKED, State.SUSPENDED)),
    "arrows within the second column": more(
        Row(State.FAILED, Event.BLOCKED, State.MIGRATING),
        Row(State.MIGRATING, Event.BLOCKED, State.UNINSTALLING),
        Row(State.UNINSTALLING, Event.BLOCKED, State.FAILED),
    ),
    "every state may be gone": more(*rows(State, Event.UNINSTALLED, None)),
    "many states lead to the middle": more(
        *rows(State, Event.RESUMED, State.BUILDING), *rows(State, Event.DUE, State.MIGRATING)
    ),
    **{f"scattered rows {seed}": scattered(seed) for seed in range(12)},
}


@pytest.fixture(params=TABLES, scope="module")
def graph(request: pytest.FixtureRequest) -> Graph:
    """The graph of one of the tables."""
    return condensed(TABLES[request.param])


@pytest.fixture(scope="module")
def drawing(graph: Graph) -> Drawing:
    """Its layout."""
    return arrange(graph)


def areas(drawing: Drawing) -> list[Box]:
    """All boxes with a name in them."""
    return [*drawing.boxes.values(), *(stub.box for stub in drawing.stubs)]


def labels(drawing: Drawing) -> list[tuple[Arrow, Box]]:
    """All labels, each with its arrow."""
    return [(arrow, arrow.label) for arrow in drawing.arrows if arrow.label]


def segments(arrow: Arrow) -> Iterator[tuple[Point, Point]]:
    """The straight parts of an arrow."""
    return pairwise(arrow.points)


def covered(segment: tuple[Point, Point]) -> Box:
    """A straight part as a box without an area."""
    (x, y), (u, v) = segment
    return Box(left=min(x, u), top=min(y, v), width=abs(x - u), height=abs(y - v))


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share more than an edge."""
    return (
        max(one.left, other.left) < min(one.right, other.right) + 1e-6
        and max(one.top, other.top) < min(one.bottom, other.bottom) + 1e-6
        and not _touch(one, other)
    )


def _touch(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    return (across < 1e-6 and down > 1e-6 and bool(one.width and other.width)) or (
        down < 1e-6 and across > 1e-6 and bool(one.height and other.height)
    )


def test_every_edge_is_drawn_once(graph: Graph, drawing: Drawing) -> None:
    """From its source to its destination; the arrow of the beginning is no edge."""
    assert sorted(str(arrow.edge) for arrow in drawing.arrows if arrow.edge) == sorted(
        map(str, graph.edges)
    )
    assert set(drawing.boxes) == {node.name for node in graph.nodes if node.kind}
    for arrow in drawing.arrows:
        dest = drawing.boxes[arrow.edge.dest if arrow.edge else graph.initial]
        assert on_border(dest, arrow.points[-1])
        if arrow.edge and arrow.edge.source in drawing.boxes:
            assert on_border(drawing.boxes[arrow.edge.source], arrow.points[0])


def on_border(box: Box, point: Point) -> bool:
    """Whether a point lies on the edge of a box, clear of its round corners."""
    x, y = point
    beside = x in (box.left, box.right) and box.top + 8 <= y <= box.bottom - 8
    return beside or (y in (box.top, box.bottom) and box.left + 8 <= x <= box.right - 8)


def test_arrows_are_orthogonal(drawing: Drawing) -> None:
    """Each part is level or upright."""
    for arrow in drawing.arrows:
        assert all(x == u or y == v for (x, y), (u, v) in segments(arrow))


def test_boxes_keep_apart(drawing: Drawing) -> None:
    """Neither beside nor below each other."""
    assert not any(overlap(one, other) for one, other in combinations(areas(drawing), 2))


def test_every_port_has_one_arrow(drawing: Drawing) -> None:
    """No two arrows begin or end within the size of an arrowhead."""
    ends = [arrow.points[-1] for arrow in drawing.arrows]
    ends += [arrow.points[0] for arrow in drawing.arrows]
    for (x, y), (u, v) in combinations(ends, 2):
        assert abs(x - u) + abs(y - v) >= APART


def test_labels_hide_nothing(drawing: Drawing) -> None:
    """Neither boxes nor other labels nor any line, their own included."""
    found = labels(drawing)
    for arrow, label in found:
        assert not any(overlap(label, box) for box in areas(drawing)), arrow.lines
        for other in drawing.arrows:
            for segment in segments(other):
                assert not overlap(label, covered(segment)), (arrow.lines, other.edge)
    for (_, one), (_, other_label) in combinations(found, 2):
        assert not overlap(one, other_label)


def test_no_arrow_passes_through_a_box(drawing: Drawing) -> None:
    """It only touches the two that it connects."""
    for arrow in drawing.arrows:
        for segment in segments(arrow):
            for box in areas(drawing):
                inner = Box(
                    left=box.left + 1,
                    top=box.top + 1,
                    width=box.width - 2,
                    height=box.height - 2,
                )
                assert not overlap(inner, covered(segment)), arrow.edge


def test_parallel_lines_keep_apart(drawing: Drawing) -> None:
    """Where they run beside each other."""
    for one, other in combinations(drawing.arrows, 2):
        for first in segments(one):
            for second in segments(other):
                assert distance(first, second) >= APART, (one.edge, other.edge)


def distance(first: tuple[Point, Point], second: tuple[Point, Point]) -> float:
    """Between two parallel parts that run beside each other; endless for all others."""
    one, other = covered(first), covered(second)
    level = one.height == other.height == 0
    upright = one.width == other.width == 0
    if level and max(one.left, other.left) < min(one.right, other.right):
        return abs(one.top - other.top)
    if upright and max(one.top, other.top) < min(one.bottom, other.bottom):
        return abs(one.left - other.left)
    return float("inf")


def test_the_picture_of_today_fits_the_page() -> None:
    """GitHub shows a page about 830 pixels wide: a wider picture would have smaller letters."""
    assert arrange(condensed(TABLE)).extent().width <= 830


def test_lanes_are_nested() -> None:
    """The shorter of two arrows beside one column runs inside the longer, and none cross."""
    assert assign([Wire(begin=0, end=100), Wire(begin=20, end=80)]) == ([1, 0], 0)


def test_lanes_are_shared_by_arrows_that_do_not_meet() -> None:
    """Which keeps the picture narrow."""
    assert assign([Wire(begin=0, end=40), Wire(begin=60, end=100)]) == ([0, 0], 0)
    assert assign([Wire(begin=0, end=55), Wire(begin=60, end=100)])[0] != [0, 0]


def test_lines_that_cannot_keep_apart_are_counted() -> None:
    """Two ports of different sides at one height, where each is in the way of the other."""
    crossed = [
        Wire(begin=0, end=50, end_far=True),
        Wire(begin=50, end=0, end_far=True),
    ]
    assert assign(crossed)[1] > 0
