# SPDX-License-Identifier: Apache-2.0
"""The types of the table: states, rows, guards; and the sound table that `define` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from fluxsm.machine.events import Event
from fluxsm.machine.states import State

Guard: TypeAlias = Callable[[Any], bool]
"""A named, pure predicate over what was observed. Its docstring says it in words."""

ReadyStatus: TypeAlias = Literal["True", "False", "Unknown", "kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDef:
    """What a state means.

    Attributes:
        state: the state.
        meaning: one sentence for people who look at a cluster.
        doing: what the Ready condition says while the instance is in the state.
        ready: status of the Ready condition while in it; `kept` leaves the last one.
        answers: the events that the state's handler may return.
        moving: whether work is going on (Reconciling is then True).
        advice: what an operator should do when an instance stays here.
        timers: what ends it, or is looked at again, when a time has passed.
    """

    state: State
    meaning: str
    doing: str
    ready: ReadyStatus
    answers: frozenset[Event]
    moving: bool
    advice: str
    timers: str = "None."


@dataclass(frozen=True, slots=True)
class Row:
    """One transition.

    Attributes:
        source: the state it leaves.
        event: what happens.
        dest: the state it enters; None when the object is gone.
        guard: it is taken only when this holds; rows are tried in order.
    """

    source: State
    event: Event
    dest: State | None
    guard: Guard | None = None

    def __str__(self) -> str:
        """The row as text, for logs and messages."""
        condition = f" [{guard_name(self.guard)}]" if self.guard else ""
        return f"{self.source} --{self.event}{condition}--> {self.dest or '(gone)'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that passed every check of `fluxsm.machine.define`.

    Attributes:
        states: definition of each state, in reading order.
        rows: all transitions, in order of precedence.
        initial: where an instance starts, and where a restarted operator takes it up.
        goal: the state that is reached once faults stop.
    """

    states: Mapping[State, StateDef]
    rows: tuple[Row, ...]
    initial: State
    goal: State

    def rows_for(self, source: State, event: Event) -> tuple[Row, ...]:
        """The rows that answer an event in a state, in order of precedence."""
        return tuple(row for row in self.rows if row.source is source and row.event is event)

    def leaving(self, source: State) -> tuple[Row, ...]:
        """All rows of a state."""
        return tuple(row for row in self.rows if row.source is source)


def guard_name(guard: Guard | None) -> str:
    """The name of a guard, or the empty string."""
    return "" if guard is None else str(getattr(guard, "__name__", repr(guard)))


def guard_words(guard: Guard | None) -> str:
    """A guard in words: the first line of its docstring."""
    if guard is None:
        return "always"
    text = (guard.__doc__ or guard_name(guard)).strip().splitlines()[0].rstrip(".")
    return text[:1].lower() + text[1:]


def rows(
    sources: State | Iterable[State], event: Event, dest: State | None, guard: Guard | None = None
) -> tuple[Row, ...]:
    """One row for each source state."""
    origin = (sources,) if isinstance(sources, State) else tuple(sources)
    return tuple(Row(source, event, dest, guard) for source in origin)


def stay(
    sources: State | Iterable[State], event: Event, guard: Guard | None = None
) -> tuple[Row, ...]:
    """One self-row for each state: the event is noted and the state kept."""
    origin = (sources,) if isinstance(sources, State) else tuple(sources)
    return tuple(Row(state, event, state, guard) for state in origin)
