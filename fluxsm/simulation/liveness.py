# SPDX-License-Identifier: Apache-2.0
"""Two laws of liveness, each with every single fault: once it stops, and while it never does.

Once faults stop, the instance gets Ready. With a fault that never stops, a deleted instance is
gone within its limit and a Warning names every leftover, a suspended one is at rest, and what is
asked and said in an hour stays under a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Final, TypeAlias

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.errors import FluxsmError, ForbiddenError, UnavailableError
from fluxsm.machine.engine import Engine
from fluxsm.machine.states import State
from fluxsm.machine.table import Table
from fluxsm.simulation.activity import Hour
from fluxsm.simulation.faults import Fault, refusal
from fluxsm.simulation.world import INSTANCE, NAMESPACE, World, WorldError
from states.behaviour import BEHAVIOUR

MOST_EVENTS: Final = 60
MOST_REQUESTS: Final = 600
MOST_LINES: Final = 200
"""Bounds of one hour."""

HOUR: Final = timedelta(hours=1)
RECOVERY: Final = timedelta(minutes=30)
"""How long it may take to Ready after the last fault: a back-off of 15 minutes, and a run."""

VERBS: Final = ("get", "list", "watch", "patch", "apply", "delete", "discover")
KINDS: Final = ("CustomResourceDefinition", "Deployment", "Service", "GitRepository")
ERRORS: Final = (ForbiddenError, UnavailableError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault that never stops.

    Attributes:
        verb: what is refused; `status` is the save of the status.
        kind: of what.
        error: with what.
    """

    verb: str
    kind: str
    error: type[FluxsmError]

    def __str__(self) -> str:
        """As part of a sentence."""
        return f"{self.verb} {self.kind} is refused for good ({self.error.__name__})"

    def fault(self) -> Fault:
        """The fault."""
        return refusal(self.verb, kinds=[self.kind], error=self.error)


CASES: Final = tuple(
    Case(verb=verb, kind=kind, error=error)
    for (verb, kind), error in product(
        [*product(VERBS, KINDS), ("status", names.INSTANCE_KIND)], ERRORS
    )
)

Law: TypeAlias = Callable[[Case, World], Iterator[str]]


def prepare(table: Table) -> World:
    """An installation with a custom resource that a controller holds by its finalizer."""
    world = World(behaviour=replace(BEHAVIOUR, engine=Engine(table)))
    world.create()
    world.reach(State.READY)
    world.user.create(_held())
    world.settle()
    return world


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLaw:
    """A law that does not hold, and what shows it."""

    law: Law
    text: str


def broken_laws(case: Case, world: World) -> Iterator[BrokenLaw]:
    """The laws that do not hold with one fault, tried one after the other in one world."""
    world.cluster.gate.faults.append(case.fault())
    world.edit(components=["source-controller", "notification-controller"])
    for law in LAWS:
        try:
            for text in law(case, world):
                yield BrokenLaw(law=law, text=text)
        except WorldError as error:
            yield BrokenLaw(law=law, text=f"{case}: {error}")
            return


def stays_calm(case: Case, world: World) -> Iterator[str]:
    """What cannot succeed asks and says little in an hour."""
    world.pass_time(HOUR)
    yield from _loud_hours(case, world)


def rests_while_suspended(case: Case, world: World) -> Iterator[str]:
    """A suspended instance is at rest."""
    world.suspend()
    world.pass_time(timedelta(minutes=1))
    log = world.cluster.gate.log
    before = len(log)
    world.pass_time(HOUR)
    asked = [item for item in log[before:] if item.verb not in {"watch", "list"}]
    foreign = [str(item) for item in asked if item.kind != INSTANCE.kind]
    if foreign:
        yield f"{case}: suspended, and still asks to {foreign[0]}"
    yield from _loud_hours(case, world)


def recovers(case: Case, world: World) -> Iterator[str]:
    """Once the fault stops, the instance gets Ready."""
    world.cluster.gate.clear()
    world.resume()
    world.pass_time(RECOVERY)
    if not world.at(State.READY):
        yield f"{case}, until it stopped: in {world.state} after {RECOVERY}: {world.message}"


def ends_when_deleted(case: Case, world: World) -> Iterator[str]:
    """A deleted instance is gone within its limit, and every leftover is named."""
    world.cluster.gate.faults.append(case.fault())
    before = len(world.recorder.events)
    world.delete()
    limit = world.settings.uninstall_timeout + timedelta(seconds=10)
    world.settle(limit, until=lambda: world.read() is None)
    if world.read() is not None:
        yield f"{case}: deleted, and still in {world.state} after {limit}: {world.message}"
        return
    said = [event.message for event in world.recorder.events[before:] if event.type == "Warning"]
    for name in sorted(world.managed() - {f"Namespace/{NAMESPACE}"}):
        if not any(name in message for message in said):
            yield f"{case}: deleted, and no Warning names {name}, which is left"
    yield from _loud_hours(case, world)


LAWS: Final[tuple[Law, ...]] = (stays_calm, rests_while_suspended, recovers, ends_when_deleted)


def _loud_hours(case: Case, world: World) -> Iterator[str]:
    """Hours in which too much was asked or said; each is reported once."""
    for number, hour in list(world.activity.hours.items()):
        for what, count, most in _counts(hour):
            if count > most:
                yield f"{case}: {count} {what} in hour {number}, more than {most}"
    world.activity.hours.clear()


def _counts(hour: Hour) -> Iterator[tuple[str, int, int]]:
    yield "requests", hour.asked, MOST_REQUESTS
    yield "events", hour.events.total(), MOST_EVENTS
    yield "log lines", hour.lines.total(), MOST_LINES


def _held() -> Manifest:
    metadata = {"name": "held", "namespace": NAMESPACE, "finalizers": ["finalizers.fluxcd.io"]}
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": metadata,
        "spec": {"url": "https://example.com/held.git", "interval": "1h"},
    }
