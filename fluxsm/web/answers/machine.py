# SPDX-License-Identifier: Apache-2.0
"""What the API says about the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAnswer:
    """A state of the machine.

    Attributes:
        name: its name.
        kind: what being there means: `Ready`, `working`, `waiting`, `failed`, `leaving`.
        meaning: one sentence.
        ready: status of the Ready condition in it; `kept` leaves the last one.
        rests: whether nothing is under way.
        timers: what ends it when a time has passed, in words.
        advice: what to do when the instance stays there.
    """

    name: str
    kind: str
    meaning: str
    ready: str
    rests: bool
    timers: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAnswer:
    """A row of the table; the first one for a state and an event whose guard holds is taken.

    Attributes:
        source: the state that it leaves.
        event: what happens.
        when: the same in words, with the guard.
        guard: name of the guard; empty without one.
        dest: the state that it enters, `Gone` at the end.
    """

    source: str
    event: str
    when: str
    guard: str
    dest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A transition of the last run.

    Attributes:
        source: the state that was left.
        event: what happened; empty where that is not known.
        dest: the state that was entered.
    """

    source: str
    event: str
    dest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineAnswer:
    """The machine.

    Attributes:
        initial: where an instance starts.
        goal: the state that is reached once faults stop.
        current: where the instance stands; empty where that is not known.
        path: the way of the last run.
        states: all states.
        rows: all rows, in order of precedence.
    """

    initial: str
    goal: str
    current: str
    path: tuple[Passage, ...]
    states: tuple[StateAnswer, ...]
    rows: tuple[RowAnswer, ...]
