# SPDX-License-Identifier: Apache-2.0
"""The laws of a table, once: `define` refuses a table that breaks one, `check-machine` tells how.

A law is a function from a table to what breaks it. The first line of its docstring is its name
for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from fluxsm.machine.events import FAULTS, SIGNALS, Event
from fluxsm.machine.explore import reachable, shortest_path
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, StateDef, Table, guard_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One way in which a law is broken.

    Attributes:
        text: what is wrong, in one sentence.
        story: the fewest rows that lead to where it goes wrong; empty for what is wrong as such.
        end: what happens there.
    """

    text: str
    story: tuple[Row, ...] = ()
    end: str = ""


Law: TypeAlias = Callable[[Table], Iterator[Violation]]


def law_name(law: Callable[..., object]) -> str:
    """A law in words."""
    return (law.__doc__ or "").splitlines()[0].rstrip(".")


def all_defined(table: Table) -> Iterator[Violation]:
    """Every state has a definition."""
    for state in State:
        if state not in table.states:
            yield Violation(text=f"{state} has no definition")
    if table.initial not in table.states or table.goal not in table.states:
        yield Violation(text="the initial state or the goal is not defined")


def definitions_agree(table: Table) -> Iterator[Violation]:
    """What moves is neither Ready nor failed, and what rests is not unknown."""
    for definition in table.states.values():
        if definition.rests == (definition.ready == "Unknown"):
            word = "rests" if definition.rests else "moves"
            yield Violation(
                text=f"{definition.state} {word} with Ready={definition.ready}",
                story=_way(table, definition.state),
                end="whoever polls the conditions reads the wrong thing",
            )
    goal = table.states.get(table.goal)
    if goal and goal.ready != "True":
        yield Violation(text=f"the goal {table.goal} is not Ready=True")


def guards_have_words(table: Table) -> Iterator[Violation]:
    """A guard can be said in words."""
    for row in table.rows:
        if row.guard is not None and not row.guard.__doc__:
            yield Violation(text=f"the guard of {row} has no docstring")


def all_reachable(table: Table) -> Iterator[Violation]:
    """Every state can be reached."""
    found = reachable(table.initial, table.rows)
    for state in table.states:
        if state not in found:
            yield Violation(text=f"{state} cannot be reached from {table.initial}")


def no_traps(table: Table) -> Iterator[Violation]:
    """No state is a trap."""
    for state in table.states:
        if all(row.dest is state for row in table.leaving(state)):
            yield Violation(
                text=f"{state} is a trap: no row leads out of it",
                story=_way(table, state),
                end="nothing leads out again",
            )


def all_answered(table: Table) -> Iterator[Violation]:
    """Every event that can happen in a state has a row there, whatever the guards say."""
    for definition in table.states.values():
        state = definition.state
        for event in sorted(_possible(definition)):
            candidates = table.rows_for(state, event)
            if not candidates:
                yield Violation(
                    text=f"{state} has no row for {event}",
                    story=_way(table, state),
                    end=f"{event} happens, and there is no row to take",
                )
            elif candidates[-1].guard is not None:
                words = " and ".join(f"not: {guard_words(row.guard)}" for row in candidates)
                yield Violation(
                    text=f"{state} cannot answer {event} when no guard holds:"
                    " its last row must have none",
                    story=_way(table, state),
                    end=f"{event} happens ({words}), and there is no row to take",
                )


def _possible(definition: StateDef) -> frozenset[Event]:
    """The events that can happen in a state: without a limit, none can pass."""
    signals = SIGNALS if definition.limit is not None else SIGNALS - {Event.EXPIRED}
    return definition.answers | signals


def no_dead_rows(table: Table) -> Iterator[Violation]:
    """Every row can be taken."""
    for state, definition in table.states.items():
        for event in Event:
            yield from _dead_rows(table.rows_for(state, event), definition)


def _dead_rows(candidates: tuple[Row, ...], definition: StateDef) -> Iterator[Violation]:
    seen: set[object] = set()
    for row in candidates:
        if row.event not in _possible(definition):
            yield Violation(text=f"{row} is dead: nothing in {row.source} raises {row.event}")
        elif None in seen:
            yield Violation(
                text=f"{row} is dead: an earlier row without a guard always comes first"
            )
        elif row.guard in seen:
            yield Violation(text=f"{row} is dead: an earlier row has the same guard")
        seen.add(row.guard)


def interruptible(table: Table) -> Iterator[Violation]:
    """Every state can be suspended and deleted."""
    for event, aim in ((Event.SUSPENDED, table.paused), (Event.DELETED, table.ending)):
        for state in table.states:
            if state in {aim, table.ending}:
                continue
            yield from _leading_elsewhere(table, state, event, aim)


def nothing_hangs(table: Table) -> Iterator[Violation]:
    """What works has a limit, and what rests has a way on without one."""
    for definition in table.states.values():
        state = definition.state
        if definition.rests and definition.limit is not None:
            yield Violation(text=f"{state} rests and has a limit: rest never expires")
        if not definition.rests and definition.limit is None:
            yield Violation(
                text=f"{state} works without a limit",
                story=_way(table, state),
                end="what it waits for never comes, and it waits forever",
            )
        resumed = any(row.event is Event.RESUMED and row.moves for row in table.leaving(state))
        if definition.rests and definition.timer is None and not resumed:
            yield Violation(
                text=f"{state} rests with neither a timer nor a resumption",
                story=_way(table, state),
                end="nothing brings it on",
            )
        due = any(row.event is Event.DUE and row.moves for row in table.leaving(state))
        if definition.timer is not None and not due:
            yield Violation(text=f"{state} has a timer, and no row leads on when it is due")


def changes_begin_a_run(table: Table) -> Iterator[Violation]:
    """A change of the instance begins a new run at once, and so does a resumption."""
    for state in table.states:
        if state in {table.paused, table.ending}:
            continue
        yield from _leading_elsewhere(table, state, Event.CHANGED, table.initial)
    yield from _leading_elsewhere(table, table.paused, Event.RESUMED, table.initial)


def runs_begin_at_the_start(table: Table) -> Iterator[Violation]:
    """A run begins where the table says so: on the way to the first state, or with a repair."""
    for row in table.rows:
        starts = row.moves and row.dest in {table.initial, table.ending}
        if starts and row.begins is None:
            yield Violation(text=f"{row} begins no run")
        if row.falls_back and row.event is not Event.BLOCKED:
            yield Violation(text=f"{row} falls back though nothing is blocked")


def timers_begin_a_run(table: Table) -> Iterator[Violation]:
    """What is due, or a new artifact, begins a run from the start."""
    for state in table.states:
        for event in (Event.DUE, Event.NEW_ARTIFACT):
            yield from _leading_elsewhere(table, state, event, table.initial)


def only_signals_interrupt(table: Table) -> Iterator[Violation]:
    """Nothing is suspended or uninstalled that nobody suspended or deleted."""
    causes = {table.paused: Event.SUSPENDED, table.ending: Event.DELETED}
    for row in table.rows:
        cause = causes.get(row.dest) if row.dest else None
        if cause is not None and row.event is not cause and row.dest is not row.source:
            yield Violation(
                text=f"{row} interrupts an instance without {cause}",
                story=(*_way(table, row.source), row),
                end=f"it is in {row.dest} though nobody asked for it",
            )


def nothing_is_skipped(table: Table) -> Iterator[Violation]:
    """Where no guard holds, the goal is reached only after fetch, build, apply, health check."""
    calm = [row for row in table.rows if row.event not in FAULTS | SIGNALS and row.guard is None]
    for event in (Event.STARTED, Event.FETCHED, Event.BUILT, Event.APPLIED, Event.HEALTHY):
        kept = [row for row in calm if row.event is not event]
        short = shortest_path(table.initial, table.goal, kept)
        if short is not None:
            yield Violation(
                text=f"{table.goal} can be reached without {event}",
                story=short,
                end=f"it is in {table.goal}, and {event} never happened",
            )


def waits_stay(table: Table) -> Iterator[Violation]:
    """A wait, a record, and a signal that says nothing new stay where they are."""
    for state in table.states:
        for event in (Event.WAITING, Event.RECORDED):
            yield from _leading_elsewhere(table, state, event, state)
    for state, event in _known_before(table):
        yield from _leading_elsewhere(table, state, event, state)


def _known_before(table: Table) -> Iterator[tuple[State, Event]]:
    """Signals that mean nothing new in a state."""
    for state in table.states:
        if state is not table.paused:
            yield state, Event.RESUMED
    for event in SIGNALS - {Event.GONE}:
        yield table.ending, event
    for state in table.states:
        yield state, Event.UNSAVED
    yield table.paused, Event.SUSPENDED
    yield table.paused, Event.CHANGED


def failures_are_shown(table: Table) -> Iterator[Violation]:
    """What fails while something is wanted is shown as failed; nothing else is."""
    for row in table.rows:
        source, dest = table.states.get(row.source), table.states.get(row.dest or row.source)
        if source is None or dest is None or row.dest is None:
            continue
        fails = row.event in {Event.FAULT, Event.EXPIRED}
        shown = dest.fails
        if fails and _hides(table, row):
            yield Violation(
                text=f"{row} hides a failure",
                story=(*_way(table, row.source), row),
                end=f"the failure is not shown: Ready is {dest.ready}",
            )
        elif shown and not fails and row.dest is not row.source:
            yield Violation(
                text=f"{row} shows a failure that did not happen",
                story=(*_way(table, row.source), row),
                end="Ready is False though nothing failed",
            )


def _hides(table: Table, row: Row) -> bool:
    """Whether a row leaves a failure unseen: it may be tried again first, as long as a guard says.

    At rest and on the way out the state stays, whatever fails.
    """
    source, dest = table.states[row.source], table.states.get(row.dest or row.source)
    if source.rests or row.source is table.ending or (dest is not None and dest.fails):
        return False
    return row.moves or row.guard is None


def rest_keeps_what_runs(table: Table) -> Iterator[Violation]:
    """A fault at rest changes no state, and a blocked upgrade never demotes what runs."""
    for state, definition in table.states.items():
        if definition.rests or state is table.ending:
            yield from _leading_elsewhere(table, state, Event.FAULT, state)
    for row in table.rows:
        if row.event is not Event.BLOCKED:
            continue
        calm = [other for other in table.rows if other.event not in FAULTS | SIGNALS]
        if row.dest not in _before_apply(table) | {table.goal}:
            yield Violation(
                text=f"{row} demotes a running installation",
                story=(*_way(table, row.source), row),
                end="an upgrade that nobody asked for has changed what the instance is",
            )
        elif row.guard is None and row.dest is not table.goal:
            yield Violation(
                text=f"{row} may go round forever",
                story=(*_way(table, row.source), row),
                end=f"the upgrade is still blocked, and {table.goal} is not reached",
            )
        elif row.dest is not None and table.goal not in reachable(row.dest, calm):
            yield Violation(text=f"{row} leads away from {table.goal}")


def _before_apply(table: Table) -> set[State | None]:
    """States from which a run still builds before it writes anything."""
    return {
        state for state, definition in table.states.items() if Event.BUILT in definition.answers
    }


def written_ahead(table: Table) -> Iterator[Violation]:
    """What is going to be written is recorded first, in the state that writes it."""
    for state, definition in table.states.items():
        if Event.APPLIED in definition.answers and Event.RECORDED not in definition.answers:
            yield Violation(
                text=f"{state} applies without recording ahead",
                story=_way(table, state),
                end="a crash here leaves objects behind that no inventory lists",
            )


def goal_in_reach(table: Table) -> Iterator[Violation]:
    """Once faults stop, the goal is reached from everywhere."""
    calm = tuple(row for row in table.rows if row.event not in FAULTS | {Event.DELETED})
    for state in table.states:
        if state is not table.ending and table.goal not in reachable(state, calm):
            yield Violation(
                text=f"{table.goal} cannot be reached from {state} once faults stop",
                story=_way(table, state),
                end=f"from here no row without a fault leads to {table.goal}",
            )


def deletion_ends(table: Table) -> Iterator[Violation]:
    """A deleted instance is gone in the end, and never comes back."""
    own = [row for row in table.rows if row.event is not Event.GONE]
    after = reachable(table.ending, own)
    begin = _way(table, table.ending)
    if None not in after:
        yield Violation(
            text="a deleted instance is never gone", story=begin, end="no row leads to its end"
        )
    for state in sorted(after - {None, table.ending}, key=str):
        back = shortest_path(table.ending, state, table.rows) or ()
        yield Violation(
            text=f"a deleted instance can come back to {state}",
            story=(*begin, *back),
            end="an instance that is being deleted is worked on again",
        )
    for row in table.rows:
        if row.dest is None and row.event not in {Event.UNINSTALLED, Event.GONE}:
            yield Violation(
                text=f"{row} ends an instance that was not uninstalled",
                story=(*_way(table, row.source), row),
                end="the instance is forgotten, and what it installed with it",
            )


def _leading_elsewhere(table: Table, state: State, event: Event, aim: State) -> Iterator[Violation]:
    """The rows of a state for an event that do not go where they must."""
    for row in table.rows_for(state, event):
        if row.dest is not aim:
            where = "stay" if aim is state else f"go to {aim}"
            yield Violation(
                text=f"{state} does not {where} on {event}",
                story=(*_way(table, state), row),
                end=f"it should {where} on {event}",
            )


def _way(table: Table, state: State) -> tuple[Row, ...]:
    return shortest_path(table.initial, state, table.rows) or ()


LAWS: Final[tuple[Law, ...]] = (
    all_defined,
    definitions_agree,
    guards_have_words,
    all_reachable,
    no_traps,
    all_answered,
    no_dead_rows,
    nothing_hangs,
    runs_begin_at_the_start,
    interruptible,
    changes_begin_a_run,
    only_signals_interrupt,
    nothing_is_skipped,
    timers_begin_a_run,
    waits_stay,
    failures_are_shown,
    rest_keeps_what_runs,
    written_ahead,
    goal_in_reach,
    deletion_ends,
)


def violations(table: Table) -> Iterator[tuple[Law, Violation]]:
    """Everything that breaks a law, with the law."""
    for law in LAWS:
        for violation in law(table):
            yield law, violation


def describe(story: tuple[Row, ...], end: str, initial: State) -> list[str]:
    """A story in words, one line for each thing that happens."""
    lines = [f"An instance begins in {initial}."]
    for row in story:
        when = f" and {guard_words(row.guard)}" if row.guard else ""
        if row.dest is row.source:
            lines.append(f"{row.event} happens{when}: it stays in {row.source}.")
        else:
            lines.append(f"{row.event} happens{when}: it goes to {row.dest or 'its end'}.")
    return [*lines, f"Then {end}."] if end else lines
