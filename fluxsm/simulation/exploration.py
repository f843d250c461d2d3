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
from fluxsm.api.instance import parse_instance
from fluxsm.api.objects import Manifest
from fluxsm.build.pipeline import BuildResult
from fluxsm.core.memory import Failure, Run, Trigger, begin
from fluxsm.core.ports import Ports
from fluxsm.core.settings import Settings
from fluxsm.core.step import Observed, Outcome, Step, take
from fluxsm.errors import Cure
from fluxsm.machine.engine import Engine
from fluxsm.machine.events import SIGNALS, Event
from fluxsm.machine.explore import cases
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, Table
from fluxsm.objects import inventory
from fluxsm.simulation.clock import BEGINNING, VirtualClock
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
        run: what it remembers.
        instance: the instance with its saved status.
        story: the rows that led here, the fewest there are.
    """

    state: State
    run: Run
    instance: Manifest
    story: tuple[Row, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this place from others."""
        run, status = self.run, self.instance.get("status") or {}
        found = tuple(
            (item["type"], item["status"], item["observedGeneration"] == _now_of(self))
            for item in status.get("conditions") or []
        )
        quiet = run.trigger in {Trigger.TIMER, Trigger.DRIFT}
        cure = run.failure.cure if run.failure else None
        return (self.state, found, run.unattended, quiet, bool(run.blocked), cure)


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
            for facts in _facts(row.event, place.run):
                step = _take(place, row, facts, table)
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
    run = begin(Trigger.START, parse_instance(instance), BEGINNING)
    return Place(state=table.initial, run=run, instance=instance, story=())


def _facts(event: Event, run: Run) -> Iterator[dict[str, Any]]:
    """What a handler could have found out along with an event; nothing where it cannot happen."""
    wrong = Failure(reason=names.BUILD_FAILED, message="a bad spec", cure=Cure.CHANGE)
    away = Failure(reason=names.RECONCILIATION_FAILED, message="an API server that is away")
    match event:
        case Event.FAULT:
            yield {"failure": away}
            yield {"failure": wrong}
        case Event.EXPIRED:
            yield {"failure": replace(away, reason=names.HEALTH_CHECK_FAILED), "deadline": None}
        case Event.BLOCKED:
            if run.unattended:
                yield {"blocked": replace(away, reason=names.ARTIFACT_FAILED), "blocks": 1}
        case Event.BUILT:
            yield {"build": _BUILD}
        case Event.RECORDED:
            yield {"recorded": True, "inventory": LISTED}
        case Event.APPLIED:
            yield {"applied": True, "inventory": LISTED}
        case _:
            yield {}


def _take(place: Place, row: Row, facts: Mapping[str, Any], table: Table) -> Step:
    """The step by a row, whatever the guards would say."""
    instance = place.instance
    if row.event is Event.CHANGED:
        metadata = {**instance["metadata"], "generation": _now_of(place) + 1}
        instance = {**instance, "metadata": metadata}
    time = VirtualClock()
    time.advance(_STEP * (len(place.story) + 1))
    observed = Observed(
        instance=parse_instance(instance),
        manifest=instance,
        state=place.state,
        run=place.run,
        now=time.now(),
        settings=Settings(),
    )
    outcome = Outcome(event=row.event, message="as the story goes", facts=facts)
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
    instance = step.observed.manifest
    if step.saves:
        instance = {**instance, "status": step.status}
    return Place(state=dest, run=step.run, instance=instance, story=(*place.story, step.row))
