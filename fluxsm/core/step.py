# SPDX-License-Identifier: Apache-2.0
"""One step of the machine: what was observed, what came of it, where that leads.

A step asks the signals, then one handler, asks the table where to go, and works out memory and
status. It writes nothing itself: the runtime saves the status, then reports, in that order. What
a row or a state brings with it is read off their definitions: no state is named here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol

from fluxsm.api import duration, names
from fluxsm.api.objects import Manifest
from fluxsm.core import schedule
from fluxsm.core.failure import Failure
from fluxsm.core.instance import Instance
from fluxsm.core.memory import Memory, Process, Run, Stay
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import KubernetesEvent, Ports
from fluxsm.core.runs import begin, note
from fluxsm.core.status import OWN_FIELDS, project
from fluxsm.errors import ClusterError, ConflictError, FluxsmError, NotFoundError
from fluxsm.machine.engine import Engine
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Limit, Row, Span, StateDef
from fluxsm.machine.triggers import Trigger

log = logging.getLogger("fluxsm.step")

LINGER: Final = timedelta(seconds=1)
"""How long a state may last before it is shown."""

PROGRESS: Final = timedelta(seconds=5)
"""How often people are shown how a state that lasts gets on."""

FIRST_PAUSE: Final = timedelta(milliseconds=200)
LONGEST_PAUSE: Final = timedelta(minutes=1)
"""The pauses after faults that do not end the stay, doubled with each one, with jitter."""

PAUSE_JITTER: Final = 0.2
_NOW: Final = timedelta(0)


class Handler(Protocol):
    """What is done in a state. May be called again after a crash: it is idempotent."""

    def __call__(self, observed: Observed, ports: Ports) -> Outcome:
        """Do the next bit of work, and say what came of it.

        Raises:
            FluxsmError: the work failed; the step turns it into Blocked or Fault.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The table and everything it needs to run.

    Attributes:
        engine: of the table.
        signals: the outcome of the first signal that is up, or None.
        handlers: by state.
        report: the Kubernetes events of a step that was saved.
    """

    engine: Engine
    signals: Callable[[Observed], Outcome | None]
    handlers: Mapping[State, Handler]
    report: Callable[[Step], tuple[KubernetesEvent, ...]]

    def definition(self, state: State) -> StateDef:
        """What a state means."""
        return self.engine.table.states[state]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was taken.

    Attributes:
        observed: what it started from, with what its outcome has found out.
        outcome: what the handler or the signal said.
        row: the transition.
        left: the definition of the state that it leaves.
        entered: the definition of the state that it leads to; that of the last one at the end.
        memory: what the next step starts from.
        status: the status that should be saved now.
        saves: whether the status should be saved now.
        must_save: whether the row only counts as taken once it is.
        after: when to look again; None when only a change can bring anything new.
    """

    observed: Observed
    outcome: Outcome
    row: Row
    left: StateDef
    entered: StateDef
    memory: Memory
    status: Manifest
    saves: bool = False
    must_save: bool = False
    after: timedelta | None = None

    @property
    def moved(self) -> bool:
        """Whether the state changed."""
        return self.row.moves

    @property
    def ends(self) -> bool:
        """Whether this was the last step of the instance."""
        return self.row.dest is None


def take(observed: Observed, behaviour: Behaviour, ports: Ports) -> Step:
    """Take one step.

    Args:
        observed: where the machine stands.
        behaviour: the table and its handlers.
        ports: the world.
    """
    limit = behaviour.definition(observed.state).limit
    observed = replace(observed, expired=_has_passed(limit, observed))
    outcome = behaviour.signals(observed) or _work(observed, behaviour, ports)
    outcome = _expire(outcome, limit, observed, behaviour)
    return _follow(observed, outcome, behaviour, ports.clock.random())


def refuse(step: Step, error: ClusterError, behaviour: Behaviour, random: float) -> Step:
    """The step that is taken instead when the status of one could not be saved.

    What the outcome has found out stays known; where the row would have led does not count.

    Args:
        step: whose status could not be saved.
        error: why.
        behaviour: the table.
        random: a number in [0, 1) for jitter.
    """
    gone = isinstance(error, NotFoundError)
    failure = Failure.of(error)
    outcome = Outcome(
        event=Event.GONE if gone else Event.UNSAVED,
        message=f"the status cannot be saved: {failure.message}",
        failure=failure,
        after=timedelta(milliseconds=50) if _is_first_conflict(step, error) else None,
    )
    return _follow(replace(step.observed, failure=None), outcome, behaviour, random)


def _is_first_conflict(step: Step, error: ClusterError) -> bool:
    """Whether somebody has just written the instance, so that the watch is about to show it."""
    return isinstance(error, ConflictError) and not step.observed.process.unsaved


def _work(observed: Observed, behaviour: Behaviour, ports: Ports) -> Outcome:
    try:
        return behaviour.handlers[observed.state](observed, ports)
    except FluxsmError as error:
        failure = Failure.of(error)
    except Exception as error:
        log.exception("a handler failed in an unexpected way")
        failure = Failure.of_defect(error)
    event = _event_of(failure, Event.FAULT, observed, behaviour)
    return Outcome(event=event, message=failure.message, failure=failure)


def _event_of(failure: Failure, event: Event, observed: Observed, behaviour: Behaviour) -> Event:
    """The event that a failure is; only here errors become events."""
    answers = behaviour.definition(observed.state).answers
    upgrade = failure.reason in {names.ARTIFACT_FAILED, names.BUILD_FAILED}
    blocks = upgrade and observed.run.unattended and Event.BLOCKED in answers
    return Event.BLOCKED if blocks else event


def _has_passed(limit: Limit | None, observed: Observed) -> bool:
    return limit is not None and _left(limit, observed, observed.stay) <= _NOW


def _left(limit: Limit, observed: Observed, stay: Stay) -> timedelta:
    """How much of a limit is left."""
    since = stay.entered if limit.over is Span.STAY or stay.waiting is None else stay.waiting
    return since + limit.length(observed) - observed.tick


def _expire(
    outcome: Outcome, limit: Limit | None, observed: Observed, behaviour: Behaviour
) -> Outcome:
    """The same, unless it is a wait whose limit has passed."""
    if limit is None or outcome.event is not Event.WAITING or not observed.expired:
        return outcome
    if limit.over is Span.WAIT and outcome.wait != observed.stay.wait:
        return outcome
    length = duration.format(limit.length(observed))
    message = outcome.expired or f"{outcome.message}: not done within {length}"
    failure = Failure(reason=limit.reason, message=message)
    event = _event_of(failure, Event.EXPIRED, observed, behaviour)
    return replace(outcome, event=event, message=message, failure=failure, after=None)


def _follow(observed: Observed, outcome: Outcome, behaviour: Behaviour, random: float) -> Step:
    """The step that an outcome leads to."""
    seen = _learn(observed, outcome)
    row = behaviour.engine.advance(observed.state, outcome.event, seen)
    left = behaviour.definition(row.source)
    entered = behaviour.definition(row.dest or row.source)
    memory = _remember(seen, row, outcome, entered, random)
    status = project(seen, row, left, entered, memory, outcome.message)
    step = Step(
        observed=seen,
        outcome=outcome,
        row=row,
        left=left,
        entered=entered,
        memory=memory,
        status=status,
    )
    return _schedule(step, random)


def _learn(observed: Observed, outcome: Outcome) -> Observed:
    """What is known after an outcome, wherever it leads."""
    memory = observed.memory
    learned = Memory(
        process=outcome.process or memory.process,
        run=outcome.run or memory.run,
        stay=replace(memory.stay, progress=outcome.progress or memory.stay.progress),
    )
    instance = Instance(outcome.manifest) if outcome.manifest else observed.instance
    return replace(observed, memory=learned, instance=instance, failure=outcome.failure)


def _remember(
    seen: Observed, row: Row, outcome: Outcome, entered: StateDef, random: float
) -> Memory:
    """What the next step remembers of a row that is taken."""
    process = _follow_process(seen, row, entered)
    run = _follow_run(seen, row, entered)
    if row.begins is not None:
        run, process = begin(row.begins, seen)
    if not row.moves and row.begins is None:
        stay = _stay_on(seen, row, outcome)
        return Memory(process=process, run=run, stay=stay)
    memory = Memory(process=process, run=run, stay=Stay(entered=seen.tick, arrival=row))
    if entered.timer is None or row.dest is None:
        return memory
    due = entered.timer.due(replace(seen, memory=memory), random)
    due_at = None if due is None else seen.tick + due.after
    return replace(memory, stay=replace(memory.stay, due=due, due_at=due_at))


def _follow_process(seen: Observed, row: Row, entered: StateDef) -> Process:
    process, run = seen.process, seen.run
    if row.event is Event.UNSAVED:
        return replace(process, unsaved=process.unsaved + 1)
    if row.event is Event.BLOCKED:
        process = replace(process, blocked=seen.failure, blocks=process.blocks + 1)
    if not row.moves:
        return process
    if entered.fails:
        return replace(process, failures=process.failures + 1)
    if not entered.succeeds:
        return process
    process = replace(process, failures=0)
    if row.event is Event.BLOCKED or run.fell_back or run.trigger is Trigger.DRIFT:
        return process
    return replace(process, last_good=run.fetched, blocked=None, blocks=0)


def _follow_run(seen: Observed, row: Row, entered: StateDef) -> Run:
    run = seen.run
    if row.event is Event.RECORDED:
        return replace(run, recorded=True)
    if row.event is Event.CHANGED:
        return note(run, seen.instance)
    if row.falls_back:
        return replace(run, fetched=seen.process.last_good, fell_back=True)
    if row.moves and entered.fails:
        return replace(run, failure=seen.failure)
    if row.moves and entered.succeeds and row.event is not Event.BLOCKED:
        return replace(run, failure=None)
    return run


def _stay_on(seen: Observed, row: Row, outcome: Outcome) -> Stay:
    """The same stay after a self-row."""
    stay = seen.stay
    if row.event in {Event.FAULT, Event.EXPIRED}:
        return replace(stay, faults=stay.faults + 1, reported=outcome.message)
    if row.event is Event.UNSAVED:
        return replace(stay, faults=stay.faults + 1)
    if row.event is Event.WAITING and (outcome.wait != stay.wait or stay.waiting is None):
        stay = replace(stay, wait=outcome.wait, waiting=seen.tick)
    return replace(stay, faults=0, reported="")


def _schedule(step: Step, random: float) -> Step:
    """The step with whether its status is saved, and when to look again."""
    after = _after(step, random)
    if step.ends or step.row.event is Event.UNSAVED or not _differs(step):
        return replace(step, after=after)
    tick = step.observed.tick
    must_save = step.row.saved or (step.moved and step.entered.saved)
    shown = next_show(step.memory)
    if must_save or (not step.moved and tick >= shown):
        return replace(step, memory=_saved(step), saves=True, must_save=must_save, after=after)
    if not step.moved and (after is None or tick + after > shown):
        after = shown - tick
    return replace(step, after=after)


def _differs(step: Step) -> bool:
    """Whether the status has something new to say.

    Another CRD may drop the fields that it does not know. They are not written again and again.
    """
    status, saved = step.status, step.observed.instance.saved
    if step.moved or step.memory.stay.shown is None:
        return status != saved
    return any(
        status.get(key) != saved.get(key) for key in (status.keys() | saved.keys()) - OWN_FIELDS
    )


def _saved(step: Step) -> Memory:
    """The memory after the status was saved."""
    process, stay = step.memory.process, step.memory.stay
    return replace(
        step.memory,
        process=replace(process, unsaved=0),
        stay=replace(stay, shown=step.observed.tick),
    )


def unshown(step: Step) -> Step:
    """The same step when its status could not be saved and need not be; the next try is later."""
    process = step.memory.process
    unsaved = replace(process, unsaved=step.observed.process.unsaved + 1)
    return replace(step, memory=replace(step.memory, process=unsaved), saves=False)


def _after(step: Step, random: float) -> timedelta | None:
    """When to look again, the status aside."""
    if step.moved:
        return _NOW  # also at the end: there may be another instance by now
    if step.row.event in {Event.FAULT, Event.UNSAVED, Event.EXPIRED}:
        return step.outcome.after or pause_after(step.memory.stay.faults, random)
    if step.row.event is not Event.WAITING:
        return _NOW
    limit = step.entered.limit
    if limit is None:
        return step.outcome.after
    left = max(_left(limit, step.observed, step.memory.stay), _NOW)
    return left if step.outcome.after is None else min(step.outcome.after, left)


def pause_after(faults: int, random: float) -> timedelta:
    """How long to wait after some faults in a row that did not end the stay."""
    return schedule.retry_delay(
        faults,
        minimum=FIRST_PAUSE,
        maximum=LONGEST_PAUSE,
        jitter=PAUSE_JITTER,
        random=random,
    )


def next_show(memory: Memory) -> timedelta:
    """When a status that differs from the saved one is worth a write, if nothing else happens.

    While it cannot be saved, the tries get rarer.
    """
    stay = memory.stay
    if stay.shown is None:
        return stay.entered + LINGER
    return stay.shown + min(PROGRESS * (1 << min(memory.process.unsaved, 6)), timedelta(minutes=5))
