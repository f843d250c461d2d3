# SPDX-License-Identifier: Apache-2.0
"""What the machine remembers, by lifetime: the process, one run, one stay in a state.

Nothing in here is the truth. It is lost with the process, and the next one finds the same facts
again from the spec, the status and the cluster. Moments are those of the monotonic clock: they
can be compared with one another, and with nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fluxsm.build.pipeline import BuildResult
from fluxsm.core.failure import Failure
from fluxsm.core.ports import Fetched
from fluxsm.core.progress import Progress
from fluxsm.machine.table import Due, Row
from fluxsm.machine.triggers import Trigger
from fluxsm.objects.applied_state import AppliedState, ObjectIdentity
from fluxsm.objects.changes import Change
from fluxsm.objects.drift import FieldConflict
from fluxsm.objects.inventory import Entry
from fluxsm.objects.migration import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What one process knows of one incarnation of the instance, from run to run.

    Attributes:
        last_good: the distribution of the last successful run.
        offered: digest that the registry last named for the artifact; it was tried since.
        applied_state: what was applied, by object, and what the server made of it.
        conflicts: objects that had to be repaired, by object.
        suspended: objects of the sync that are suspended by hand, by identity.
        failures: failed runs in a row.
        blocked: why an upgrade that nobody asked for does not happen.
        blocks: how often in a row such an upgrade was blocked.
        failed_checks: how often in a row the registry did not answer.
        unsaved: how often in a row the status could not be saved.
    """

    last_good: Fetched | None = None
    offered: str = ""
    applied_state: AppliedState = field(default_factory=AppliedState)
    conflicts: Mapping[ObjectIdentity, FieldConflict] = field(default_factory=dict)
    suspended: frozenset[ObjectIdentity] = frozenset()
    failures: int = 0
    blocked: Failure | None = None
    blocks: int = 0
    failed_checks: int = 0
    unsaved: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run has found out.

    Attributes:
        trigger: what began it.
        started: when.
        generation: `metadata.generation` that it works on.
        spec: the spec that it works on, as it was read: after a restore of the cluster's store, a
            generation may come a second time with another spec.
        asked: the annotations that ask for something, as the run works on them.
        was_ready: whether the instance was Ready at this generation when the run began. What fails
            in such a run was not asked for by anybody, and must not demote a running Flux.
        retries: the failure of the run before, which this one tries to get over; None where
            nothing has failed yet.
        ready_before: the Ready condition when the run began, as it was saved.
        fetched: the distribution in use.
        fell_back: whether that is the last good one because a newer one could not be used.
        build: the result of the build.
        warnings: advice about the spec, a sentence each.
        latest: the newest version that could be installed, empty where there is none.
        refused: a newer version still, of a minor that this operator does not support; or empty.
        recorded: whether the write-ahead inventory is saved.
        inventory: what the status must list; None leaves it as it is.
        changes: what this run changed in the cluster.
        orphans: objects that it deletes without what they deployed; that is saved already.
        applied: whether everything of the build was applied.
        defined: when a CRD was last written; None if none was yet.
        migration_before: CRDs whose stored objects must be rewritten before the apply.
        migration_after: CRDs whose stored objects must be rewritten after the health check.
        failure: what it failed with.
    """

    trigger: Trigger
    started: timedelta
    generation: int
    spec: Mapping[str, Any]
    asked: Mapping[str, str]
    was_ready: bool = False
    retries: Failure | None = None
    ready_before: Mapping[str, str | int] | None = None
    fetched: Fetched | None = None
    fell_back: bool = False
    build: BuildResult | None = None
    warnings: tuple[str, ...] = ()
    latest: str = ""
    refused: str = ""
    recorded: bool = False
    inventory: tuple[Entry, ...] | None = None
    changes: tuple[Change, ...] = ()
    orphans: tuple[str, ...] = ()
    applied: bool = False
    defined: timedelta | None = None
    migration_before: tuple[Plan, ...] = ()
    migration_after: tuple[Plan, ...] = ()
    failure: Failure | None = None

    @property
    def unattended(self) -> bool:
        """Whether nobody asked for this run by editing the instance."""
        return self.was_ready and self.trigger is not Trigger.CHANGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """What one stay in a state needs.

    Attributes:
        entered: when the state was entered.
        arrival: the row that led here; None where the process began here.
        shown: when the status was last saved in it.
        wait: what is waited for, as a name that a handler gives; empty for nothing in particular.
        waiting: since when that is waited for.
        faults: faults in a row that did not end the stay.
        reported: the fault that was last reported as a Kubernetes event.
        due: when the state goes on by itself.
        due_at: that moment.
        progress: how far its handler is.
    """

    entered: timedelta
    arrival: Row | None = None
    shown: timedelta | None = None
    wait: str = ""
    waiting: timedelta | None = None
    faults: int = 0
    reported: str = ""
    due: Due | None = None
    due_at: timedelta | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Everything that is remembered, by lifetime."""

    process: Process
    run: Run
    stay: Stay
