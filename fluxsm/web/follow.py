# SPDX-License-Identifier: Apache-2.0
"""Keep the journal by the status alone, where the machine runs in another process. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from fluxsm.machine.states import State
from fluxsm.machine.table import Table
from fluxsm.web.journal import Journal, Run, Visit
from fluxsm.web.sight import FAILED, GONE, SUCCEEDED, SUSPENDED, Move


def glance(
    journal: Journal,
    table: Table,
    *,
    uid: str,
    state: str,
    at: datetime,
    tick: timedelta,
    came: tuple[str, str] = ("", ""),
) -> Journal:
    """The journal after a look at the status. What begins a run is not known.

    Args:
        journal: so far.
        table: of the machine.
        uid: incarnation of the instance; empty when there is none.
        state: what the status says, or what it amounts to; empty where that is not known.
        at: the time, for people.
        tick: the same on a clock that never jumps.
        came: how the status says that the state was reached: the state that was left, and the
            event; empty where it does not.
    """
    if journal.driven:
        journal = replace(journal, driven=False)
    if not uid:
        return _ended(journal, at, tick)
    if state not in set(State):
        return journal
    if uid != journal.uid:
        visit = Visit(state=state, event="", began=at, tick=tick)
        return Journal(uid=uid, runs=(Run(trigger="", began=at, tick=tick, visits=(visit,)),))
    before = journal.runs[-1].visits[-1].state
    if state == before:
        return journal
    definition = table.states[State(state)]
    words = {
        definition.succeeds: SUCCEEDED,
        definition.fails: FAILED,
        definition.pauses: SUSPENDED,
    }
    begins = table.states[State(before)].rests and not definition.rests
    return journal.moved(
        Move(
            source=before,
            event=came[1] if came[0] == before else "",
            dest=state,
            at=at,
            tick=tick,
            begins=begins or state == table.ending.value,
            result=words.get(True, ""),
        )
    )


def _ended(journal: Journal, at: datetime, tick: timedelta) -> Journal:
    """The instance is not there any more."""
    if not journal.uid:
        return journal
    last = journal.runs[-1].visits[-1].state
    move = Move(source=last, event="", dest="", at=at, tick=tick, result=GONE)
    return replace(journal.moved(move), uid="")
