# SPDX-License-Identifier: Apache-2.0
"""What holds after a step, besides what every world checks."""

from __future__ import annotations

from fluxsm.core.step import Step
from fluxsm.machine.states import State
from fluxsm.objects import inventory


def check_write_ahead(step: Step) -> None:
    """What is about to be written is in the saved inventory.

    Raises:
        AssertionError: an object could be orphaned by a crash.
    """
    build = step.observed.run.build
    if step.row.source is State.APPLYING and step.observed.process.applied_state.records and build:
        listed = inventory.ids(inventory.of_status(step.observed.instance.manifest))
        missing = inventory.ids(inventory.of_objects(build.objects)) - listed
        assert not missing, f"applied before it was listed: {sorted(missing)}"
