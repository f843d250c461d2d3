# SPDX-License-Identifier: Apache-2.0
"""Write ahead: nothing of a build is written to the cluster before the inventory lists it."""

from __future__ import annotations

from dataclasses import replace

from fluxsm.build.pipeline import BuildResult
from fluxsm.core.memory import Run
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.errors import ClusterError
from fluxsm.machine.events import Event
from fluxsm.machine.triggers import Trigger
from fluxsm.objects import inventory


def built(run: Run) -> BuildResult:
    """The build of a run.

    Raises:
        ClusterError: there is none, which a table that is sound cannot bring about.
    """
    if run.build is None:
        raise ClusterError("nothing was built before the apply")
    return run.build


def is_recorded(observed: Observed, result: BuildResult) -> bool:
    """Whether the saved status already lists everything that is about to be written.

    The repair of drift adds nothing to it, and is not worth a write of its own.
    """
    status = observed.instance.status
    known = inventory.ids(inventory.of_status(observed.instance.manifest))
    listed = inventory.ids(inventory.of_objects(result.objects)) <= known
    if observed.run.trigger is Trigger.DRIFT and listed:
        return status.last_attempted_revision == result.revision
    return observed.run.recorded and listed


def record(observed: Observed, result: BuildResult) -> Outcome:
    """Write ahead: whatever a crash leaves behind is in the inventory."""
    union = inventory.union(
        inventory.of_status(observed.instance.manifest), inventory.of_objects(result.objects)
    )
    return Outcome(
        event=Event.RECORDED,
        message=f"Applying {len(result.objects)} objects of {result.version}",
        run=replace(observed.run, inventory=union),
    )
