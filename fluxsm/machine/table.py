# SPDX-License-Identifier: Apache-2.0
"""The types of the table: states, rows, guards; and the sound table that `define` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Literal, TypeAlias

from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.triggers import Trigger

Guard: TypeAlias = Callable[[Any], bool]
"""A named, pure predicate over what was observed. Its docstring says it in words."""

ReadyStatus: TypeAlias = Literal["True", "False", "Unknown", "kept"]


class Span(Enum):
    """What a limit is counted over."""

    STAY = "stay"
    """The whole time in the state."""

    WAIT = "wait"
    """One wait of the state: what is waited for next has the whole limit again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How long a state may take; then Expired.

    Attributes:
        length: the limit, from what was observed.
        words: the same for people, to follow "Expired after".
        reason: the Ready reason that passing it has.
        over: what it is counted over.
    """

    length: Callable[[Any], timedelta]
    words: str
    reason: str
    over: Span = Span.STAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When a resting state goes on by itself.

    Attributes:
        after: the time from now, on the monotonic clock.
        every: the period, where the state comes back to rest without a write of the status: then
            only the period stays true, not the moment.
        is_shown: whether `status.nextTransition` says it.
    """

    after: timedelta
    every: timedelta | None = None
    is_shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """What brings a resting state on by itself; then Due.

    Attributes:
        due: worked out once, on arrival, from what was observed and a random number in [0, 1);
            None when only a change brings the state on.
        words: the same for people, to follow "Due after".
    """

    due: Callable[[Any, float], Due | None]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDef:
    """What a state means, and what entering it brings with it.

    Attributes:
        state: the state.
        meaning: one sentence for people who look at a cluster.
        doing: what the Ready condition says while the instance is in the state.
        ready: status of the Ready condition while in it; `kept` leaves the last one.
        answers: the events that the state's handler may return.
        advice: what an operator should do when an instance stays here.
        rests: whether nothing is under way; otherwise Reconciling is True.
        saved: whether the status is saved before the state counts as entered.
        limit: how long the state may take; every state that does not rest has one.
        timer: what brings it on by itself.
        canceled: reason of the Kubernetes event, and of Ready=False after a suspension, when a
            newer request interrupts the state; empty where nobody has to know.
    """

    state: State
    meaning: str
    doing: str
    ready: ReadyStatus
    answers: frozenset[Event]
    advice: str
    rests: bool = False
    saved: bool = False
    limit: Limit | None = None
    timer: Timer | None = None
    canceled: str = ""

    @property
    def succeeds(self) -> bool:
        """Whether a run that ends here has succeeded."""
        return self.ready == "True"

    @property
    def fails(self) -> bool:
        """Whether a run that ends here has failed."""
        return self.ready == "False"

    @property
    def pauses(self) -> bool:
        """Whether nothing is done here and the conditions stay as they were."""
        return self.ready == "kept"

    @property
    def timers(self) -> str:
        """What ends the state when a time has passed, in words."""
        words = []
        if self.limit is not None:
            words.append(f"Expired after {self.limit.words}.")
        if self.timer is not None:
            words.append(f"Due after {self.timer.words}.")
        return " ".join(words) or "None."


@dataclass(frozen=True, slots=True)
class Row:
    """One transition.

    Attributes:
        source: the state it leaves.
        event: what happens.
        dest: the state it enters; None when the object is gone.
        guard: it is taken only when this holds; rows are tried in order.
        begins: the run that it begins; None when the run goes on.
        saved: whether the status is saved before the row counts as taken.
        falls_back: whether the run goes on with the last good distribution.
    """

    source: State
    event: Event
    dest: State | None
    guard: Guard | None = None
    begins: Trigger | None = None
    saved: bool = False
    falls_back: bool = False

    @property
    def moves(self) -> bool:
        """Whether the state changes."""
        return self.dest is not self.source

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
        paused: the state in which nothing is done because somebody wants that.
        ending: the state that a deletion leads to.
    """

    states: Mapping[State, StateDef]
    rows: tuple[Row, ...]
    initial: State
    goal: State
    paused: State
    ending: State

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
    sources: State | Iterable[State],
    event: Event,
    dest: State | None,
    guard: Guard | None = None,
    *,
    begins: Trigger | None = None,
    falls_back: bool = False,
) -> tuple[Row, ...]:
    """One row for each source state."""
    origin = (sources,) if isinstance(sources, State) else tuple(sources)
    return tuple(
        Row(state, event, dest, guard, begins=begins, falls_back=falls_back) for state in origin
    )


def stay(
    sources: State | Iterable[State],
    event: Event,
    guard: Guard | None = None,
    *,
    saved: bool = False,
) -> tuple[Row, ...]:
    """One self-row for each state: the event is noted and the state kept."""
    origin = (sources,) if isinstance(sources, State) else tuple(sources)
    return tuple(Row(state, event, state, guard, saved=saved) for state in origin)
