# SPDX-License-Identifier: Apache-2.0
"""Walk a table: what can be reached, by which paths, under which guard values."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Guard, Row, Table, guard_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One combination that the table must answer.

    Attributes:
        state: where the instance is.
        event: what happens.
        holds: the guards that are true, by name; all others are false.
        row: the row that is taken.
    """

    state: State
    event: Event
    holds: frozenset[str]
    row: Row


def reachable(start: State, rows: Iterable[Row]) -> set[State | None]:
    """Every state that rows lead to from `start`, itself included; None when an end is."""
    exits: dict[State, set[State | None]] = {}
    for row in rows:
        exits.setdefault(row.source, set()).add(row.dest)
    found: set[State | None] = {start}
    queue = deque([start])
    while queue:
        for dest in exits.get(queue.popleft(), set()) - found:
            found.add(dest)
            if dest is not None:
                queue.append(dest)
    return found


def shortest_path(start: State, goal: State | None, rows: Iterable[Row]) -> tuple[Row, ...] | None:
    """The fewest rows from `start` to `goal`, or None where there is no way.

    Between paths of one length, the one whose rows stand first in the table wins.
    """
    ordered = tuple(rows)
    queue: deque[tuple[State | None, tuple[Row, ...]]] = deque([(start, ())])
    seen: set[State | None] = {start}
    while queue:
        state, path = queue.popleft()
        if state is goal:
            return path
        for row in ordered:
            if row.source is state and row.dest not in seen:
                seen.add(row.dest)
                queue.append((row.dest, (*path, row)))
    return None


def choose(candidates: Iterable[Row], holds: frozenset[str]) -> Row | None:
    """The first row whose guard is among those that hold."""
    for row in candidates:
        if row.guard is None or guard_name(row.guard) in holds:
            return row
    return None


def cases(table: Table) -> Iterator[Case]:
    """Every (state, event, guard valuation) that can occur, with the row that answers it."""
    for state in table.states:
        for event in Event:
            candidates = table.rows_for(state, event)
            guards = _guards(candidates)
            for values in product((False, True), repeat=len(guards)):
                holds = frozenset(
                    guard_name(guard) for guard, value in zip(guards, values, strict=True) if value
                )
                row = choose(candidates, holds)
                if row is not None:
                    yield Case(state=state, event=event, holds=holds, row=row)


def _guards(candidates: Iterable[Row]) -> tuple[Guard, ...]:
    return tuple(dict.fromkeys(row.guard for row in candidates if row.guard is not None))
