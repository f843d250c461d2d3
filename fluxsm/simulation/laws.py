# SPDX-License-Identifier: Apache-2.0
"""The laws of a step: what people see after it, and what is saved before a write.

A law is a function from a step of the walk to complaints. The first line of its docstring is its
name for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from fluxsm.api import names
from fluxsm.core import conditions
from fluxsm.machine.events import Event
from fluxsm.machine.table import Table
from fluxsm.objects import inventory
from fluxsm.simulation.exploration import LISTED, Taken

StepLaw: TypeAlias = Callable[[Taken, Table], Iterator[str]]


def conditions_follow_kstatus(taken: Taken, table: Table) -> Iterator[str]:
    """Conditions keep the rules of kstatus: Stalled and Ready never together, and all others."""
    step = taken.step
    if step.row.dest is None or not step.saves:
        return
    definition = table.states[step.row.dest]
    moving = None if definition.pauses else not definition.rests
    generation = step.observed.instance.metadata.generation
    yield from conditions.check_rules(
        step.status.get("conditions") or [], generation, moving=moving
    )


def ready_is_as_meant(taken: Taken, table: Table) -> Iterator[str]:
    """Ready says what the definition of the state says, or what a retry tries to get over."""
    step = taken.step
    if step.row.dest is None or not step.saves:
        return
    wanted = table.states[step.row.dest].ready
    if wanted == "Unknown" and step.memory.run.retries is not None:
        wanted = "False"
    found = (conditions.find(step.status["conditions"], names.READY) or {}).get("status")
    if wanted not in {"kept", found}:
        yield f"Ready is {found} in {step.row.dest}, which means {wanted}"
    if step.status.get("state") != step.row.dest.value:
        yield f"the status says {step.status.get('state')} in {step.row.dest}"


def failures_are_retried(taken: Taken, table: Table) -> Iterator[str]:
    """Whatever failed has a timer that tries it again."""
    step = taken.step
    dest = step.row.dest
    if dest and table.states[dest].fails and step.memory.stay.due is None:
        yield f"{dest} has no timer"


def recorded_before_written(taken: Taken, table: Table) -> Iterator[str]:  # noqa: ARG001
    """What is about to be written is saved in the inventory first."""
    step = taken.step
    if step.row.event is Event.RECORDED:
        listed = inventory.ids(inventory.of_status({"status": step.status}))
        if not inventory.ids(LISTED) <= listed:
            yield "the inventory lacks what is about to be written"
        saved = step.observed.instance.saved
        if not step.must_save and saved != step.status:
            yield "the inventory is not saved before the write"


def rest_is_quiet(taken: Taken, table: Table) -> Iterator[str]:
    """A wait at rest writes nothing."""
    step = taken.step
    dest = step.row.dest
    if dest and step.row.event is Event.WAITING and table.states[dest].rests and step.saves:
        yield f"a wait in {dest} writes the status"


STEP_LAWS: Final[tuple[StepLaw, ...]] = (
    conditions_follow_kstatus,
    ready_is_as_meant,
    failures_are_retried,
    recorded_before_written,
    rest_is_quiet,
)
