# SPDX-License-Identifier: Apache-2.0
"""Every case of a table as a real step.

From each place that can be reached, each event that can happen there is let happen under each
guard value, by the real step with a scripted outcome. Places that differ only in time, wording or
revision count as one, so the walk ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, cast

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.build.pipeline import BuildResult
from fluxsm.core.failure import Failure
from fluxsm.core.instance import Instance
from fluxsm.core.memory import Memory
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.core.runs import start
from fluxsm.core.settings import Settings
from fluxsm.core.step import Step, take
from fluxsm.errors import Cure
from fluxsm.machine.engine import Engine
from fluxsm.machine.events import SIGNALS, Event
from fluxsm.machine.explore import cases
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, Table
from fluxsm.machine.triggers import Trigger
from fluxsm.objects import inventory
from fluxsm.simulation.clock import VirtualClock
from states.behaviour import BEHAVIOUR

_STEP: Final = timedelta(seconds=10)
"""Time between two steps: enough for a state that lasts to be shown."""

_BUILD: Final = BuildResult(version="v2.8.8", objects=(), digest=f"sha256:{0:064x}", components=())
LISTED: Final = inventory.of_objects(
    [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flux-system"}}]
)
"""What every run of the walk is about to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the machine can be.

    Attributes:
        state: the state.
        memory: what is remembered.
        instance: the instance with its saved status.
        story: the rows that led here, the fewest there are.
    """

    state: State
    memory: Memory
    instance: Manifest
    story: tuple[Row, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this place from others."""
        run, process = self.memory.run, self.memory.process
        status = self.instance.get("status") or {}
        found = tuple(
            (item["type"], item["status"], item["observedGeneration"] == _now_of(self))
            for item in status.get("conditions") or []
        )
        quiet = run.trigger in {Trigger.TIMER, Trigger.DRIFT}
        cures = tuple(failure and failure.cure for failure in (run.failure, run.retries))
        blocked = bool(process.blocked)
        return (self.state, found, run.unattended, quiet, run.recorded, blocked, *cures)


def _now_of(place: Place) -> int:
    return int(place.instance["metadata"]["generation"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A step that the walk took.

    Attributes:
        step: the step.
        story: the rows that led to it, and its own.
    """

    step: Step
    story: tuple[Row, ...]


def explore(table: Table) -> Iterator[Taken]:
    """Take every step that can be taken, each from the shortest way to its place."""
    answers = _answers(table)
    queue = deque([_beginning(table)])
    seen = {queue[0].key}
    while queue:
        place = queue.popleft()
        for row in answers[place.state]:
            for outcome in _outcomes(row.event, place.memory):
                step = _take(place, row, outcome, table)
                yield Taken(step=step, story=(*place.story, row))
                after = _after(place, step)
                if after is not None and after.key not in seen:
                    seen.add(after.key)
                    queue.append(after)


def _answers(table: Table) -> Mapping[State, list[Row]]:
    """The rows that can be taken in each state, for what its handler or a signal can say."""
    found: dict[State, list[Row]] = {state: [] for state in table.states}
    for case in cases(table):
        possible = case.event in table.states[case.state].answers | SIGNALS
        if possible and case.row not in found[case.state]:
            found[case.state].append(case.row)
    return found


def _beginning(table: Table) -> Place:
    spec = {"distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"}}
    instance: Manifest = {"metadata": {"generation": 1}, "spec": spec}
    memory = start(Instance(instance), timedelta(0))
    return Place(state=table.initial, memory=memory, instance=instance, story=())


def _outcomes(event: Event, memory: Memory) -> Iterator[Outcome]:
    """What a handler could answer with an event; nothing where it cannot happen."""
    wrong = Failure(reason=names.BUILD_FAILED, message="a bad spec", cure=Cure.CHANGE)
    away = Failure(reason=names.RECONCILIATION_FAILED, message="an API server that is away")
    run, said = memory.run, Outcome(event=event, message="as the story goes")
    match event:
        case Event.FAULT:
            yield replace(said, failure=away)
            yield replace(said, failure=wrong)
        case Event.EXPIRED:
            yield replace(said, failure=replace(away, reason=names.HEALTH_CHECK_FAILED))
        case Event.UNSAVED:
            yield replace(said, failure=away)
        case Event.BLOCKED:
            if run.unattended:
                yield replace(said, failure=replace(away, reason=names.ARTIFACT_FAILED))
        case Event.BUILT:
            yield replace(said, run=replace(run, build=_BUILD))
        case Event.RECORDED:
            yield replace(said, run=replace(run, inventory=LISTED))
        case Event.APPLIED:
            yield replace(said, run=replace(run, applied=True, inventory=LISTED))
        case _:
            yield said


def _take(place: Place, row: Row, outcome: Outcome, table: Table) -> Step:
    """The step by a row, whatever the guards would say."""
    instance = place.instance
    if row.event is Event.CHANGED:
        metadata = {**instance["metadata"], "generation": _now_of(place) + 1}
        instance = {**instance, "metadata": metadata}
    time = VirtualClock()
    time.advance(_STEP * (len(place.story) + 1))
    observed = Observed(
        instance=Instance(instance),
        state=place.state,
        memory=place.memory,
        now=time.now(),
        tick=time.elapsed,
        settings=Settings(),
    )
    behaviour = replace(BEHAVIOUR, engine=_Forced(table, row), signals=lambda _: outcome)
    nothing = cast("Any", None)
    ports = Ports(**dict.fromkeys(Ports.__dataclass_fields__, nothing))
    return take(observed, behaviour, replace(ports, clock=time))


class _Forced(Engine):
    """An engine that takes one row."""

    def __init__(self, table: Table, row: Row) -> None:
        self.table = table
        self._row = row

    def advance(self, state: State, event: Event, observed: object) -> Row:  # noqa: ARG002
        """The row."""
        return self._row


def _after(place: Place, step: Step) -> Place | None:
    """The place that a step leads to, None at the end."""
    dest = step.row.dest
    if dest is None:
        return None
    instance = step.observed.instance.manifest
    if step.saves:
        instance = {**instance, "status": step.status}
    return Place(state=dest, memory=step.memory, instance=instance, story=(*place.story, step.row))
