# SPDX-License-Identifier: Apache-2.0
"""One step of the machine: what was observed, what came of it, where that leads.

A step calls one handler (or hears one signal), asks the table where to go, and works out the new
status. It writes nothing itself: the runtime saves the status, then tells people, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

from fluxsm.api.instance import FluxInstance
from fluxsm.api.objects import Manifest
from fluxsm.core.memory import Failure, Run, Trigger, begin
from fluxsm.core.ports import KubernetesEvent, Ports
from fluxsm.core.settings import Settings
from fluxsm.core.status import project
from fluxsm.errors import ArtifactError, BuildError, FluxsmError
from fluxsm.machine.engine import Engine
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything a handler and a guard may look at.

    Attributes:
        instance: the FluxInstance, parsed.
        manifest: the same, as read.
        state: where it stands.
        run: what this run found out so far.
        now: the time.
        settings: the operator's flags.
    """

    instance: FluxInstance
    manifest: Manifest
    state: State
    run: Run
    now: datetime
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a handler says. It names an event, never a state.

    Attributes:
        event: what happened.
        message: what the Ready condition shows while the instance waits; for people.
        facts: attributes of `Run` that are known now.
        after: look again after this long even if nothing happens; None means at once, unless
            the event is a wait: then only a change wakes the machine.
        manifest: the instance as answered to a write of the handler.
    """

    event: Event
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    after: timedelta | None = None
    manifest: Manifest | None = None


class Handler(Protocol):
    """What is done in a state. May be called again after a crash: it is idempotent."""

    def __call__(self, observed: Observed, ports: Ports) -> Outcome:
        """Do the next bit of work, and say what came of it.

        Raises:
            FluxsmError: the work failed; the step turns it into Blocked or Fault.
        """


Timer: TypeAlias = Callable[[Observed, float], datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The table and everything it needs to run.

    Attributes:
        engine: of the table.
        signals: the outcome of the first signal that is up, or None.
        handlers: by state.
        timers: by resting state, when it goes on by itself, given a random number for jitter.
        announce: what a step that was saved tells people.
    """

    engine: Engine
    signals: Callable[[Observed], Outcome | None]
    handlers: Mapping[State, Handler]
    announce: Callable[[Step], tuple[KubernetesEvent, ...]]
    timers: Mapping[State, Timer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was taken.

    Attributes:
        observed: what it started from, with the facts of its outcome.
        outcome: what the handler or the signal said.
        row: the transition.
        run: what the next step starts from.
        status: the status that should be saved now.
        saves: whether it must be saved before the next step.
    """

    observed: Observed
    outcome: Outcome
    row: Row
    run: Run
    status: Manifest
    saves: bool

    @property
    def moved(self) -> bool:
        """Whether the state changed."""
        return self.row.dest is not self.row.source

    @property
    def waits(self) -> bool:
        """Whether the next step is not due at once."""
        return not self.moved and self.outcome.event in {Event.WAITING, Event.FAULT}


def take(observed: Observed, behaviour: Behaviour, ports: Ports) -> Step:
    """Take one step.

    Args:
        observed: where the machine stands.
        behaviour: the table and its handlers.
        ports: the world.
    """
    outcome = behaviour.signals(observed) or _work(observed, behaviour, ports)
    seen = replace(
        observed,
        run=replace(observed.run, **outcome.facts),
        manifest=outcome.manifest or observed.manifest,
    )
    row = behaviour.engine.advance(observed.state, outcome.event, seen)
    run = _with_timer(_follow(seen, row), seen, row, behaviour, ports)
    definition = behaviour.engine.table.states[row.dest or row.source]
    status = project(seen.manifest, seen.instance, row, definition, run, outcome.message, seen.now)
    saves = _must_save(seen, row, status)
    run = replace(run, shown=seen.now) if saves else run
    return Step(observed=seen, outcome=outcome, row=row, run=run, status=status, saves=saves)


def _work(observed: Observed, behaviour: Behaviour, ports: Ports) -> Outcome:
    try:
        return behaviour.handlers[observed.state](observed, ports)
    except FluxsmError as error:
        return _surface(error, observed)


def _surface(error: FluxsmError, observed: Observed) -> Outcome:
    """The event that an error is; only here errors become events."""
    failure = Failure.of(error)
    if observed.run.unattended and isinstance(error, ArtifactError | BuildError):
        facts = {"blocked": failure, "blocks": observed.run.blocks + 1}
        return Outcome(event=Event.BLOCKED, message=str(error), facts=facts)
    return Outcome(event=Event.FAULT, message=str(error), facts={"failure": failure})


_BEGINS = {
    Event.CHANGED: Trigger.CHANGE,
    Event.RESUMED: Trigger.CHANGE,
    Event.NEW_ARTIFACT: Trigger.ARTIFACT,
    Event.DRIFTED: Trigger.DRIFT,
}


def _begins(row: Row) -> bool:
    """Whether a new run starts here; what drifts in the middle of one is repaired within it."""
    if row.event is Event.DRIFTED:
        return row.source is State.READY
    return row.event in _BEGINS or (row.dest is State.PENDING and row.source is not State.PENDING)


def _follow(seen: Observed, row: Row) -> Run:
    """What the next step remembers."""
    run = seen.run
    if _begins(row):
        return _next_run(seen, row)
    if row.dest is row.source and row.event is not Event.BLOCKED:
        return run
    run = replace(run, entered=seen.now, deadline=None, due=None, notes={})
    if row.event is Event.BLOCKED and row.dest is State.BUILDING:
        return replace(run, fetched=run.last_good, fell_back=True)
    if row.dest is State.READY:
        return _arrive(run, row)
    if row.dest is State.FAILED:
        return replace(run, failures=run.failures + 1)
    return run


def _with_timer(run: Run, seen: Observed, row: Row, behaviour: Behaviour, ports: Ports) -> Run:
    """The same run with the moment at which the state that was just entered goes on by itself."""
    timer = behaviour.timers.get(row.dest) if row.dest else None
    if timer is None or row.dest is row.source:
        return run
    return replace(run, due=timer(replace(seen, run=run), ports.clock.random()))


def _arrive(run: Run, row: Row) -> Run:
    """What is remembered of a run that ended Ready."""
    if row.event is Event.BLOCKED:
        return replace(run, failures=0)
    if run.fell_back or run.trigger is Trigger.DRIFT:
        return replace(run, failures=0, failure=None)
    return replace(run, failures=0, failure=None, last_good=run.fetched, blocked=None, blocks=0)


def _next_run(seen: Observed, row: Row) -> Run:
    trigger = _BEGINS.get(row.event) or (
        Trigger.RETRY if row.source is State.FAILED else Trigger.TIMER
    )
    run = begin(trigger, seen.instance, seen.now, after=seen.run)
    if row.event is Event.DRIFTED:
        found = seen.run
        return replace(run, fetched=found.fetched, build=found.build, refused=found.refused)
    if row.dest is row.source:  # heard where it starts nothing: while suspended or deleted
        return replace(seen.run, generation=run.generation, annotations=run.annotations)
    return run


LINGER = timedelta(seconds=1)
"""How long a state may last before it is shown."""

PROGRESS = timedelta(seconds=5)
"""How often people are shown how a state that lasts gets on."""


def _must_save(seen: Observed, row: Row, status: Manifest) -> bool:
    """Whether people, or the next process, must see the new status now.

    Before the first write of a run, on arrival where the machine rests, and when a state lingers.
    In between nothing is written: most states last for milliseconds.
    """
    if row.dest is None or status == (seen.manifest.get("status") or {}):
        return False
    if row.event is Event.RECORDED or row.dest in {State.READY, State.FAILED, State.SUSPENDED}:
        return True
    return row.dest is row.source and seen.now >= next_show(seen.run)


def next_show(run: Run) -> datetime:
    """When a status that differs from the saved one is worth a write, if nothing else happens."""
    since = entered(run)
    if run.shown is None or run.shown < since:
        return since + LINGER
    return run.shown + PROGRESS


def entered(run: Run) -> datetime:
    """When the current state was entered."""
    return run.entered or run.started
