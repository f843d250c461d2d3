# SPDX-License-Identifier: Apache-2.0
"""The invariants of a running operator, which a world checks after every step.

The rules of kstatus come in two sets, one while the machine moves and one at rest; the definition
of each state says which.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsm.api.objects import Manifest
from fluxsm.core import conditions
from fluxsm.core.step import Step
from fluxsm.machine.states import State
from fluxsm.machine.table import Table


def check_step(step: Step, table: Table) -> Iterator[str]:
    """A row of the table was taken, for an answer that the state may give; the status is lawful.

    Yields:
        What does not hold.
    """
    row, observed = step.row, step.observed
    if row not in table.rows:
        yield f"{row} is not in the table"
    if row.source is not observed.state:
        yield f"{row} was taken in {observed.state}"
    if row.event is not step.outcome.event:
        yield f"{row} was taken on {step.outcome.event}"
    if step.saves:
        generation = observed.instance.metadata.generation
        yield from _check_status(step.status, generation, row.dest or row.source, table, str(row))


def check_saved(instance: Manifest, table: Table) -> Iterator[str]:
    """What people see is lawful at every moment, by what the saved status itself says of the state.

    Yields:
        What does not hold.
    """
    status = instance.get("status") or {}
    if "state" in status:
        ready = conditions.find(status.get("conditions") or [], "Ready") or {}
        generation = int(ready.get("observedGeneration", 0))
        yield from _check_status(status, generation, State(status["state"]), table, "saved")


def _check_status(
    status: Manifest, generation: int, state: State, table: Table, where: str
) -> Iterator[str]:
    """The conditions of a status keep the laws that hold in a state."""
    definition = table.states[state]
    moving = None if definition.pauses else not definition.rests
    for broken in conditions.check_rules(status.get("conditions") or [], generation, moving=moving):
        yield f"{where}: {broken}"
