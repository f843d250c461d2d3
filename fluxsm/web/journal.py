# SPDX-License-Identifier: Apache-2.0
"""The last runs, with the time that was spent in each state.

The status keeps the last configurations (`status.history`); this keeps what the process saw
itself: every run, also the quiet ones, and their way through the table. It is lost with the
process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from fluxsm.web.sight import Move, Sight

RUNS: Final = 20
"""How many runs are kept."""

VISITS: Final = 40
"""How many states of one run are kept: a run that repairs drift for hours has no end of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One stay in a state.

    Attributes:
        state: the state.
        event: what led there; empty at the beginning, and where that is not known.
        guard: what had to hold besides, in words.
        began: when, for people.
        tick: when, on a clock that never jumps.
        seconds: how long it was; None while it lasts.
        message: what was said when it ended; empty while it lasts.
    """

    state: str
    event: str
    began: datetime
    tick: timedelta
    guard: str = ""
    seconds: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, with the rest after it.

    Attributes:
        trigger: what began it; empty where that is not known.
        began: when, for people.
        tick: when, on a clock that never jumps.
        visits: the states in turn; the last ones where there are many.
        seconds: how long it took to its result; None while it goes on.
        result: `succeeded`, `failed`, `blocked`, `suspended`, `gone`; empty while it goes on.
        missed: states at its beginning that are not kept.
    """

    trigger: str
    began: datetime
    tick: timedelta
    visits: tuple[Visit, ...] = ()
    seconds: float | None = None
    result: str = ""
    missed: int = 0

    def entered(self, visit: Visit) -> Run:
        """The same run in its next state."""
        visits = (*self.visits, visit)
        return replace(
            self, visits=visits[-VISITS:], missed=self.missed + max(0, len(visits) - VISITS)
        )

    def left(self, move: Move) -> Run:
        """The same run when the state it is in is left."""
        if not self.visits or self.visits[-1].seconds is not None:
            return self
        *before, last = self.visits
        seconds = (move.tick - last.tick).total_seconds()
        return replace(self, visits=(*before, replace(last, seconds=seconds, message=move.message)))

    def ended(self, move: Move) -> Run:
        """The same run with its result, which the first one decides."""
        if not move.result or self.result:
            return self
        return replace(self, result=move.result, seconds=(move.tick - self.tick).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The last runs.

    Attributes:
        uid: incarnation of the instance that they are about.
        runs: oldest first.
        driven: whether the machine of this process says what happens; else the status does.
    """

    uid: str = ""
    runs: tuple[Run, ...] = ()
    driven: bool = False

    @property
    def current(self) -> Run | None:
        """The last run, None before the first."""
        return self.runs[-1] if self.runs else None

    def moves(self) -> Iterable[tuple[str, str, str]]:
        """The way of the last run: source, event and dest of each transition."""
        visits = self.current.visits if self.current else ()
        for before, after in pairwise(visits):
            yield before.state, after.event, after.state

    def after(self, sight: Sight) -> Journal:
        """The journal after a step. Of another incarnation nothing is kept."""
        if sight.uid != self.uid or not self.driven:
            return self._begun(sight)
        if sight.move is None:
            return self
        return self.moved(sight.move)

    def moved(self, move: Move) -> Journal:
        """The journal after a transition."""
        if not self.runs:
            return replace(self, runs=(_run(move, move.trigger),))
        run = self.runs[-1].left(move)
        if move.begins:
            runs = (*self.runs[:-1], run, _run(move, move.trigger))
            return replace(self, runs=runs[-RUNS:])
        if move.dest:
            run = run.entered(_visit(move))
        return self._replaced(run.ended(move))

    def _begun(self, sight: Sight) -> Journal:
        """The journal from the first step of a machine on, which begins at the beginning."""
        began = sight.at - (sight.tick - sight.started)
        run = Run(trigger=sight.trigger, began=began, tick=sight.started)
        move = sight.move
        state = move.source if move else sight.state
        entered = sight.started if move else sight.entered
        at = sight.at - (sight.tick - entered)
        visit = Visit(state=state, event="", began=at, tick=entered)
        before = self.runs if sight.uid == self.uid else ()
        runs = (*before, run.entered(visit) if state else run)[-RUNS:]
        found = Journal(uid=sight.uid, runs=runs, driven=True)
        return found.moved(move) if move else found

    def _replaced(self, run: Run) -> Journal:
        return replace(self, runs=(*self.runs[:-1], run))


def _visit(move: Move) -> Visit:
    return Visit(state=move.dest, event=move.event, guard=move.guard, began=move.at, tick=move.tick)


def _run(move: Move, trigger: str) -> Run:
    """A run that a transition begins."""
    run = Run(trigger=trigger, began=move.at, tick=move.tick)
    return (run.entered(_visit(move)) if move.dest else run).ended(move)
