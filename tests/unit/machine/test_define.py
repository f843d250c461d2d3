# SPDX-License-Identifier: Apache-2.0
"""A table that breaks a law does not load, and the message says which row or state is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fluxsm.machine.define import UnsoundTableError, define
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, StateDef
from states.definitions import DEFINITIONS
from states.table import TABLE


def refused(
    change: Callable[[list[Row]], list[Row]], states: tuple[StateDef, ...] = DEFINITIONS
) -> str:
    """What `define` says of the real table after one change."""
    with pytest.raises(UnsoundTableError) as caught:
        define(
            states,
            (tuple(change(list(TABLE.rows))),),
            initial=TABLE.initial,
            goal=TABLE.goal,
            paused=TABLE.paused,
            ending=TABLE.ending,
        )
    return str(caught.value)


def without(*matching: tuple[State, Event]) -> Callable[[list[Row]], list[Row]]:
    """Drop all rows of some (state, event) pairs."""
    return lambda rows: [row for row in rows if (row.source, row.event) not in matching]


def redirected(source: State, event: Event, dest: State | None) -> Callable[[list[Row]], list[Row]]:
    """Send all rows of a (state, event) pair elsewhere."""

    def change(rows: list[Row]) -> list[Row]:
        return [
            replace(row, dest=dest) if (row.source, row.event) == (source, event) else row
            for row in rows
        ]

    return change


def test_the_real_table_is_sound() -> None:
    """The table of the product passes every check."""
    again = define(
        DEFINITIONS,
        (TABLE.rows,),
        initial=TABLE.initial,
        goal=TABLE.goal,
        paused=TABLE.paused,
        ending=TABLE.ending,
    )
    assert again.rows == TABLE.rows


def test_an_unreachable_state_is_refused() -> None:
    """A state that no row leads to cannot be there for a reason."""
    message = refused(lambda rows: [row for row in rows if row.dest is not State.MIGRATING])
    assert "Migrating cannot be reached from Pending" in message


def test_a_trap_is_refused() -> None:
    """A state without a way out would be a dead end."""
    message = refused(
        lambda rows: [
            replace(row, dest=State.FAILED) if row.source is State.FAILED else row for row in rows
        ]
    )
    assert "Failed is a trap" in message


@pytest.mark.parametrize(
    ("state", "event"),
    [
        pytest.param(State.BUILDING, Event.BUILT, id="an answer of the handler"),
        pytest.param(State.READY, Event.CHANGED, id="a changed spec"),
        pytest.param(State.APPLYING, Event.EXPIRED, id="a deadline"),
    ],
)
def test_an_event_without_a_row_is_refused(state: State, event: Event) -> None:
    """Every event that can happen in a state has a row there."""
    assert f"{state} has no row for {event}" in refused(without((state, event)))


def test_rows_that_may_all_be_passed_over_are_refused() -> None:
    """The last row for an event has no guard, so that there always is an answer."""

    def change(rows: list[Row]) -> list[Row]:
        return [
            row
            for row in rows
            if not ((row.source, row.event) == (State.BUILDING, Event.BUILT) and not row.guard)
        ]

    assert "Building cannot answer Built when no guard holds" in refused(change)


def test_a_row_for_an_event_that_nothing_raises_is_refused() -> None:
    """A row that is never taken misleads whoever reads the table."""
    extra = Row(State.READY, Event.HEALTHY, State.PENDING)
    message = refused(lambda rows: [*rows, extra])
    assert "is dead: nothing in Ready raises Healthy" in message


def test_a_shadowed_row_is_refused() -> None:
    """A row after one without a guard is never looked at."""
    extra = Row(State.READY, Event.DUE, State.FAILED)
    message = refused(lambda rows: [*rows, extra])
    assert "an earlier row without a guard always comes first" in message


def test_a_repeated_guard_is_refused() -> None:
    """The second row with the same guard is never taken."""

    def change(rows: list[Row]) -> list[Row]:
        guarded = next(row for row in rows if row.guard and row.source is State.BUILDING)
        place = rows.index(guarded)
        return [*rows[: place + 1], replace(guarded, dest=State.FAILED), *rows[place + 1 :]]

    assert "an earlier row has the same guard" in refused(change)


@pytest.mark.parametrize("event", [Event.SUSPENDED, Event.DELETED], ids=str)
def test_a_state_that_cannot_be_interrupted_is_refused(event: Event) -> None:
    """Every state can be suspended and deleted."""
    message = refused(redirected(State.APPLYING, event, State.READY))
    assert "Applying does not go to" in message


def test_a_state_from_which_ready_is_lost_is_refused() -> None:
    """Once faults stop, Ready can be reached from everywhere."""

    def change(rows: list[Row]) -> list[Row]:
        return [replace(row, dest=State.FAILED) if row.dest is State.READY else row for row in rows]

    assert "Ready cannot be reached from Pending once faults stop" in refused(change)


def test_a_deletion_that_never_ends_is_refused() -> None:
    """A deleted instance is gone in the end."""
    message = refused(redirected(State.UNINSTALLING, Event.UNINSTALLED, State.UNINSTALLING))
    assert "a deleted instance is never gone" in message


def test_a_deleted_instance_that_comes_back_is_refused() -> None:
    """Nothing leads out of Uninstalling but the end."""
    message = refused(redirected(State.UNINSTALLING, Event.FAULT, State.PENDING))
    assert "a deleted instance can come back to Pending" in message


def test_a_state_without_a_definition_is_refused() -> None:
    """What a state means must be said."""
    states = tuple(item for item in DEFINITIONS if item.state is not State.FAILED)
    assert "Failed has no definition" in refused(lambda rows: rows, states)


def test_a_state_that_is_defined_twice_is_refused() -> None:
    """A second definition would win without an error."""
    assert "defined twice" in refused(lambda rows: rows, (*DEFINITIONS, DEFINITIONS[0]))


def test_a_guard_without_words_is_refused() -> None:
    """A guard that cannot be said in words cannot be documented."""
    extra = Row(State.READY, Event.DUE, State.FAILED, lambda _: True)
    message = refused(lambda rows: [extra, *rows])
    assert "has no docstring" in message
