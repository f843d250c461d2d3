# SPDX-License-Identifier: Apache-2.0
"""Refuse an unsound table at import, so that no process ever runs one.

Each check returns the complaints it has, in words; `define` raises them all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fluxsm.machine.alphabet import FAULTS, SIGNALS, Event, State
from fluxsm.machine.explore import reachable
from fluxsm.machine.table import Row, StateDef, Table


class UnsoundTableError(Exception):
    """The table breaks one of its laws; the message lists every complaint."""


def define(
    states: Iterable[StateDef], groups: Iterable[tuple[Row, ...]], *, initial: State, goal: State
) -> Table:
    """Make a table, or refuse it.

    Args:
        states: what each state means.
        groups: rows, in order of precedence.
        initial: the first state of an instance.
        goal: the state that must be reachable from everywhere once faults stop.

    Raises:
        UnsoundTableError: the table breaks a law.
    """
    definitions = tuple(states)
    table = Table(
        states={definition.state: definition for definition in definitions},
        rows=tuple(row for group in groups for row in group),
        initial=initial,
        goal=goal,
    )
    complaints = [text for check in _CHECKS for text in check(table)]
    if len(table.states) != len(definitions):
        complaints.insert(0, "a state is defined twice")
    if complaints:
        raise UnsoundTableError("the table is unsound:\n- " + "\n- ".join(complaints))
    return table


def _undefined(table: Table) -> Iterator[str]:
    for state in State:
        if state not in table.states:
            yield f"{state} has no definition"
    if table.initial not in table.states or table.goal not in table.states:
        yield "the initial state or the goal is not defined"


def _bad_guards(table: Table) -> Iterator[str]:
    """A guard that cannot be said in words cannot be documented."""
    for row in table.rows:
        if row.guard is not None and not row.guard.__doc__:
            yield f"the guard of {row} has no docstring"


def _unreachable(table: Table) -> Iterator[str]:
    found = reachable(table.initial, table.rows)
    for state in table.states:
        if state not in found:
            yield f"{state} cannot be reached from {table.initial}"


def _traps(table: Table) -> Iterator[str]:
    for state in table.states:
        if all(row.dest is state for row in table.leaving(state)):
            yield f"{state} is a trap: no row leads out of it"


def _unanswered(table: Table) -> Iterator[str]:
    for definition in table.states.values():
        for event in sorted(definition.answers | SIGNALS):
            candidates = table.rows_for(definition.state, event)
            if not candidates:
                yield f"{definition.state} has no row for {event}"
            elif candidates[-1].guard is not None:
                yield (
                    f"{definition.state} cannot answer {event} when no guard holds:"
                    " its last row must have none"
                )


def _dead(table: Table) -> Iterator[str]:
    for state, definition in table.states.items():
        for event in Event:
            yield from _dead_rows(table.rows_for(state, event), definition)


def _dead_rows(candidates: tuple[Row, ...], definition: StateDef) -> Iterator[str]:
    seen: set[object] = set()
    for row in candidates:
        if row.event not in definition.answers | SIGNALS:
            yield f"{row} is dead: nothing in {row.source} raises {row.event}"
        elif None in seen:
            yield f"{row} is dead: an earlier row without a guard always comes first"
        elif row.guard in seen:
            yield f"{row} is dead: an earlier row has the same guard"
        seen.add(row.guard)


def _not_interruptible(table: Table) -> Iterator[str]:
    """Every state can be suspended and deleted, as far as the destination tells."""
    for event, aim in ((Event.SUSPENDED, State.SUSPENDED), (Event.DELETED, State.UNINSTALLING)):
        for state in table.states:
            if state in {aim, State.UNINSTALLING}:
                continue
            if any(row.dest is not aim for row in table.rows_for(state, event)):
                yield f"{state} does not go to {aim} on {event}"


def _goal_out_of_reach(table: Table) -> Iterator[str]:
    calm = tuple(row for row in table.rows if row.event not in FAULTS | {Event.DELETED})
    for state in table.states:
        if state is not State.UNINSTALLING and table.goal not in reachable(state, calm):
            yield f"{table.goal} cannot be reached from {state} once faults stop"


def _deletion_never_ends(table: Table) -> Iterator[str]:
    after_deletion = reachable(State.UNINSTALLING, table.rows)
    if None not in after_deletion:
        yield "a deleted instance is never gone"
    for state in sorted(after_deletion - {None, State.UNINSTALLING}, key=str):
        yield f"a deleted instance can come back to {state}"


_CHECKS: tuple[Callable[[Table], Iterator[str]], ...] = (
    _undefined,
    _bad_guards,
    _unreachable,
    _traps,
    _unanswered,
    _dead,
    _not_interruptible,
    _goal_out_of_reach,
    _deletion_never_ends,
)
