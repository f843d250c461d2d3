# SPDX-License-Identifier: Apache-2.0
"""The laws that hold after every step of every test.

The laws of kstatus come in two sets, one while the machine moves and one at rest; the definition
of each state says which. Whatever else a test is about, the world checks them after each step.
"""

from __future__ import annotations

from fluxsm.api.objects import Manifest
from fluxsm.core import conditions
from fluxsm.core.step import Step
from fluxsm.machine.states import State
from fluxsm.objects import inventory
from states.table import TABLE


def check_step(step: Step) -> None:
    """A row of the table was taken, for an answer that the state may give; the status is lawful.

    Raises:
        AssertionError: naming the row and every law that it broke.
    """
    row, observed = step.row, step.observed
    assert row in TABLE.rows, f"{row} is not in the table"
    assert row.source is observed.state, f"{row} was taken in {observed.state}"
    assert row.event is step.outcome.event
    if step.saves:
        generation = observed.instance.metadata.generation
        check_status(step.status, generation, row.dest or row.source, str(row))


def check_saved(instance: Manifest) -> None:
    """What people see is lawful at every moment, by what the saved status itself says of the state.

    Raises:
        AssertionError: naming every law that is broken.
    """
    status = instance.get("status") or {}
    if "state" in status:
        ready = conditions.find(status.get("conditions") or [], "Ready") or {}
        generation = int(ready.get("observedGeneration", 0))
        check_status(status, generation, State(status["state"]), "saved")


def check_status(status: Manifest, generation: int, state: State, where: str) -> None:
    """The conditions of a status keep the laws that hold in a state.

    Raises:
        AssertionError: naming every law that is broken.
    """
    moving = None if state is State.SUSPENDED else TABLE.states[state].moving
    broken = conditions.check_laws(status.get("conditions") or [], generation, moving=moving)
    assert not broken, f"{where}: {'; '.join(broken)}"


def check_write_ahead(step: Step) -> None:
    """What is about to be written is in the saved inventory.

    Raises:
        AssertionError: an object could be orphaned by a crash.
    """
    build = step.observed.run.build
    if step.row.source is State.APPLYING and step.observed.run.applied_state.records and build:
        listed = inventory.ids(inventory.of_status(step.observed.manifest))
        missing = inventory.ids(inventory.of_objects(build.objects)) - listed
        assert not missing, f"applied before it was listed: {sorted(missing)}"
