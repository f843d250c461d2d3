# SPDX-License-Identifier: Apache-2.0
"""Each law has a table that breaks it, and a story that tells how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fluxsm.machine import laws
from fluxsm.machine.events import Event
from fluxsm.machine.laws import LAWS, Law, Violation, describe, law_name, violations
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, StateDef, Table
from fluxsm.machine.triggers import Trigger
from states.table import TABLE

Change = Callable[[Table], Table]


def without(source: State, event: Event, *, guarded: bool | None = None) -> Change:
    """The table without the rows of a state for an event."""

    def keep(row: Row) -> bool:
        same = (row.source, row.event) == (source, event)
        return not (same and guarded in {None, row.guard is not None})

    return lambda table: replace(table, rows=tuple(row for row in table.rows if keep(row)))


def sent(source: State, event: Event, dest: State | None) -> Change:
    """The table with the rows of a state for an event sent elsewhere."""

    def move(row: Row) -> Row:
        return replace(row, dest=dest) if (row.source, row.event) == (source, event) else row

    return lambda table: replace(table, rows=tuple(move(row) for row in table.rows))


def plus(*rows: Row) -> Change:
    """The table with more rows in front."""
    return lambda table: replace(table, rows=(*rows, *table.rows))


def meaning(state: State, **changes: object) -> Change:
    """The table with another meaning of a state."""

    def change(table: Table) -> Table:
        definition: StateDef = replace(table.states[state], **changes)  # type: ignore[arg-type]
        return replace(table, states={**table.states, state: definition})

    return change


def undefined(state: State) -> Change:
    """The table without the meaning of a state."""
    return lambda table: replace(
        table, states={key: value for key, value in table.states.items() if key is not state}
    )


def nowhere(state: State) -> Change:
    """The table without the rows that lead to a state."""
    return lambda table: replace(
        table, rows=tuple(row for row in table.rows if row.dest is not state)
    )


def always(_: object) -> bool:
    """Whatever happens."""
    return True


def beginning(source: State, event: Event, trigger: Trigger | None) -> Change:
    """A table in which a row begins another run."""
    return lambda table: replace(
        table,
        rows=tuple(
            replace(row, begins=trigger) if (row.source, row.event) == (source, event) else row
            for row in table.rows
        ),
    )


BREAKS: list[tuple[Law, Change, str]] = [
    (laws.all_defined, undefined(State.FAILED), "Failed has no definition"),
    (
        laws.definitions_agree,
        meaning(State.APPLYING, ready="True"),
        "Applying moves with Ready=True",
    ),
    (
        laws.definitions_agree,
        meaning(State.READY, ready="False"),
        "the goal Ready is not Ready=True",
    ),
    (
        laws.guards_have_words,
        plus(Row(State.READY, Event.DUE, State.PENDING, lambda _: True)),
        "has no docstring",
    ),
    (laws.all_reachable, nowhere(State.MIGRATING), "Migrating cannot be reached"),
    (
        laws.no_traps,
        lambda table: replace(
            table,
            rows=tuple(
                replace(row, dest=State.FAILED) if row.source is State.FAILED else row
                for row in table.rows
            ),
        ),
        "Failed is a trap",
    ),
    (laws.all_answered, without(State.READY, Event.CHANGED), "Ready has no row for Changed"),
    (
        laws.all_answered,
        without(State.BUILDING, Event.BUILT, guarded=False),
        "Building cannot answer Built when no guard holds",
    ),
    (
        laws.no_dead_rows,
        plus(Row(State.READY, Event.DUE, State.PENDING)),
        "is dead: an earlier row without a guard",
    ),
    (
        laws.nothing_hangs,
        meaning(State.APPLYING, limit=None),
        "Applying works without a limit",
    ),
    (
        laws.nothing_hangs,
        meaning(State.FAILED, timer=None),
        "Failed rests with neither a timer nor a resumption",
    ),
    (
        laws.nothing_hangs,
        meaning(State.READY, limit=TABLE.states[State.PENDING].limit),
        "Ready rests and has a limit",
    ),
    (
        laws.nothing_hangs,
        without(State.FAILED, Event.DUE),
        "Failed has a timer, and no row leads on",
    ),
    (
        laws.runs_begin_at_the_start,
        beginning(State.READY, Event.DUE, None),
        "Ready --Due--> Pending begins no run",
    ),
    (
        laws.runs_begin_at_the_start,
        lambda table: replace(
            table,
            rows=tuple(replace(row, falls_back=row.event is Event.BUILT) for row in table.rows),
        ),
        "falls back though nothing is blocked",
    ),
    (
        laws.interruptible,
        sent(State.APPLYING, Event.SUSPENDED, State.READY),
        "Applying does not go",
    ),
    (
        laws.changes_begin_a_run,
        sent(State.HEALTH_CHECKING, Event.CHANGED, State.HEALTH_CHECKING),
        "HealthChecking does not go to Pending on Changed",
    ),
    (
        laws.changes_begin_a_run,
        sent(State.SUSPENDED, Event.RESUMED, State.APPLYING),
        "Suspended does not go to Pending on Resumed",
    ),
    (
        laws.only_signals_interrupt,
        sent(State.READY, Event.DUE, State.UNINSTALLING),
        "interrupts an instance without Deleted",
    ),
    (
        laws.nothing_is_skipped,
        sent(State.FETCHING_ARTIFACT, Event.FETCHED, State.APPLYING),
        "Ready can be reached without Built",
    ),
    (
        laws.timers_begin_a_run,
        sent(State.FAILED, Event.DUE, State.APPLYING),
        "Failed does not go to Pending on Due",
    ),
    (
        laws.waits_stay,
        sent(State.APPLYING, Event.WAITING, State.BUILDING),
        "Applying does not stay on Waiting",
    ),
    (
        laws.waits_stay,
        sent(State.READY, Event.UNSAVED, State.FAILED),
        "Ready does not stay on Unsaved",
    ),
    (
        laws.failures_are_shown,
        sent(State.APPLYING, Event.FAULT, State.READY),
        "hides a failure",
    ),
    (
        laws.failures_are_shown,
        sent(State.HEALTH_CHECKING, Event.HEALTHY, State.FAILED),
        "shows a failure that did not happen",
    ),
    (
        laws.rest_keeps_what_runs,
        sent(State.READY, Event.FAULT, State.PENDING),
        "Ready does not stay on Fault",
    ),
    (
        laws.rest_keeps_what_runs,
        sent(State.BUILDING, Event.BLOCKED, State.FAILED),
        "demotes a running installation",
    ),
    (
        laws.rest_keeps_what_runs,
        sent(State.BUILDING, Event.BLOCKED, State.BUILDING),
        "may go round forever",
    ),
    (
        laws.written_ahead,
        meaning(State.APPLYING, answers=TABLE.states[State.APPLYING].answers - {Event.RECORDED}),
        "Applying applies without recording ahead",
    ),
    (
        laws.goal_in_reach,
        lambda table: replace(
            table,
            rows=tuple(
                replace(row, dest=State.FAILED) if row.dest is State.READY else row
                for row in table.rows
            ),
        ),
        "Ready cannot be reached from Pending once faults stop",
    ),
    (
        laws.deletion_ends,
        sent(State.UNINSTALLING, Event.UNINSTALLED, State.UNINSTALLING),
        "a deleted instance is never gone",
    ),
    (
        laws.deletion_ends,
        sent(State.UNINSTALLING, Event.FAULT, State.PENDING),
        "a deleted instance can come back to Pending",
    ),
    (
        laws.deletion_ends,
        sent(State.READY, Event.DUE, None),
        "ends an instance that was not uninstalled",
    ),
]


def broken(law: Law, change: Change) -> list[Violation]:
    """What a law says of the changed table."""
    return list(law(change(TABLE)))


def test_the_real_table_keeps_every_law() -> None:
    """Nothing to complain of."""
    assert list(violations(TABLE)) == []


@pytest.mark.parametrize(
    ("law", "change", "text"),
    [pytest.param(*item, id=f"{item[0].__name__}: {item[2]}") for item in BREAKS],
)
def test_a_broken_law_is_reported(law: Law, change: Change, text: str) -> None:
    """By a sentence and, where something happens, by a story that can be followed."""
    found = [violation for violation in broken(law, change) if text in violation.text]
    assert found
    story = found[0].story
    table = change(TABLE)
    assert all(row in table.rows for row in story)
    state: State | None = table.initial
    for row in story:
        assert row.source is state
        state = row.dest


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_law_is_broken_by_some_table(law: Law) -> None:
    """A law that nothing breaks is no law."""
    assert law in {broken_law for broken_law, _, _ in BREAKS}
    assert law_name(law)


def test_the_story_is_the_shortest() -> None:
    """Four things have to happen before an apply can be left waiting."""
    change = sent(State.APPLYING, Event.WAITING, State.BUILDING)
    (violation,) = broken(laws.waits_stay, change)
    assert [row.event for row in violation.story] == [
        Event.STARTED,
        Event.FETCHED,
        Event.BUILT,
        Event.WAITING,
    ]


def test_a_path_is_written_in_words() -> None:
    """With guards, stays and the end."""
    rows = (
        Row(State.PENDING, Event.STARTED, State.BUILDING, always),
        Row(State.BUILDING, Event.WAITING, State.BUILDING),
        Row(State.BUILDING, Event.UNINSTALLED, None),
    )
    assert describe(rows, "nothing is left", State.PENDING) == [
        "An instance begins in Pending.",
        "Started happens and whatever happens: it goes to Building.",
        "Waiting happens: it stays in Building.",
        "Uninstalled happens: it goes to its end.",
        "Then nothing is left.",
    ]
