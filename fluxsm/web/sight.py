# SPDX-License-Identifier: Apache-2.0
"""What a step of the machine shows to people: small, immutable, without anything of the cluster.

It is made in the thread of the machine, so it only picks fields. The rest of the page works on it
in threads of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fluxsm.core.failure import Failure
from fluxsm.core.memory import Memory
from fluxsm.core.step import Step
from fluxsm.machine.events import Event
from fluxsm.machine.table import Span, guard_words
from fluxsm.objects.applied_state import ObjectIdentity
from fluxsm.objects.drift import FieldConflict

SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
BLOCKED: Final = "blocked"
SUSPENDED: Final = "suspended"
GONE: Final = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One transition.

    Attributes:
        source: the state that was left; empty where that is not known.
        event: what happened; empty where that is not known.
        guard: what had to hold besides, in words; empty for nothing.
        dest: the state that was entered; empty when the object is gone.
        at: when, for people.
        tick: when, on a clock that never jumps.
        begins: whether a run begins with it.
        trigger: what that run was begun by; empty where that is not known.
        result: what the run came to; empty where it goes on.
        message: what was said about it.
    """

    source: str
    event: str
    dest: str
    at: datetime
    tick: timedelta
    guard: str = ""
    begins: bool = False
    trigger: str = ""
    result: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What is waited for.

    Attributes:
        message: in words.
        since: since when the limit counts.
        limit: how long it may take; None without a limit.
    """

    message: str
    since: timedelta
    limit: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one step shows.

    Attributes:
        uid: incarnation of the instance.
        state: where the machine stands after it; empty at the end.
        entered: when that state was entered.
        trigger: what began the run.
        started: when the run began.
        at: the time of the step, for people.
        tick: the same on a clock that never jumps.
        move: the transition; None where the state stayed.
        wait: what is waited for; None for nothing.
        due_at: when a resting state goes on by itself; None when only a change brings it on.
        blocked: why an upgrade that nobody asked for does not happen; None when none is blocked.
        conflicts: objects that had to be repaired, and how often in a row.
    """

    uid: str
    state: str
    entered: timedelta
    trigger: str
    started: timedelta
    at: datetime
    tick: timedelta
    move: Move | None = None
    wait: Wait | None = None
    due_at: timedelta | None = None
    blocked: Failure | None = None
    conflicts: tuple[tuple[ObjectIdentity, FieldConflict], ...] = ()

    @classmethod
    def of(cls, step: Step) -> Sight:
        """What a step shows that was saved."""
        seen, memory = step.observed, step.memory
        run = memory.run
        return cls(
            uid=seen.instance.metadata.uid,
            state=step.row.dest.value if step.row.dest else "",
            entered=memory.stay.entered,
            trigger=run.trigger.value,
            started=run.started,
            at=seen.now,
            tick=seen.tick,
            move=_move(step) if step.moved else None,
            wait=_wait(step, memory),
            due_at=memory.stay.due_at,
            blocked=memory.process.blocked,
            conflicts=tuple(memory.process.conflicts.items()),
        )


def _move(step: Step) -> Move:
    row, seen = step.row, step.observed
    return Move(
        source=row.source.value,
        event=row.event.value,
        guard=guard_words(row.guard) if row.guard else "",
        dest=row.dest.value if row.dest else "",
        at=seen.now,
        tick=seen.tick,
        begins=row.begins is not None,
        trigger=row.begins.value if row.begins else "",
        result=_result(step),
        message=str(step.outcome.failure or step.outcome.message),
    )


def _result(step: Step) -> str:
    """What a run came to by this step; empty where it goes on."""
    if step.ends:
        return GONE
    if step.row.event is Event.BLOCKED and step.entered.succeeds:
        return BLOCKED
    words = {
        step.entered.succeeds: SUCCEEDED,
        step.entered.fails: FAILED,
        step.entered.pauses: SUSPENDED,
    }
    return words.get(True, "")


def _wait(step: Step, memory: Memory) -> Wait | None:
    """What a state that works is at; a resting one waits for nothing but its timer."""
    if step.entered.rests or step.ends:
        return None
    stay, limit = memory.stay, step.entered.limit
    text = step.entered.doing if step.moved else str(step.outcome.failure or step.outcome.message)
    since = stay.entered
    if limit is not None and limit.over is Span.WAIT and stay.waiting is not None:
        since = stay.waiting
    length = limit.length(step.observed) if limit is not None else None
    return Wait(message=text or step.entered.doing, since=since, limit=length)
