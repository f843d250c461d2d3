# SPDX-License-Identifier: Apache-2.0
"""What a run has found out so far: memory of the machine, lost with the process without harm.

Nothing in here is the truth. After a crash the next run finds the same facts again from the
spec, the status and the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from fluxsm.api import names
from fluxsm.api.instance import FluxInstance
from fluxsm.build.pipeline import BuildResult
from fluxsm.core.ports import Fetched
from fluxsm.errors import Cure, FluxsmError
from fluxsm.objects.applied_state import AppliedState, Identity
from fluxsm.objects.changes import Change
from fluxsm.objects.drift import FieldConflict
from fluxsm.objects.inventory import Entry
from fluxsm.objects.migration import Plan


class Trigger(StrEnum):
    """What started a run."""

    START = "start"
    CHANGE = "change"
    TIMER = "timer"
    ARTIFACT = "artifact"
    RETRY = "retry"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run failed, or why an upgrade does not happen.

    Attributes:
        reason: the Ready reason.
        message: for people, without a secret.
        cure: what can make it go away.
    """

    reason: str
    message: str
    cure: Cure = Cure.TIME

    @classmethod
    def of(cls, error: FluxsmError) -> Failure:
        """The failure that an error surfaces as."""
        return cls(reason=error.reason, message=str(error), cure=error.cure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A time limit of a wait.

    Attributes:
        at: when it has passed.
        failure: what the run then fails with.
    """

    at: datetime
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The facts of one run.

    Attributes:
        trigger: what started it.
        started: when.
        generation: `metadata.generation` that it works on.
        annotations: annotations that it works on.
        settled: whether the instance was Ready at this generation when the run began. What fails
            in such a run was not asked for by anybody, and must not demote a running Flux.
        failures: failures in a row before this run.
        fetched: the distribution in use.
        offered: digest that the registry last named for the artifact; it was tried since.
        last_good: the distribution of the last successful run of this process.
        fell_back: whether `fetched` is `last_good` because a newer one could not be used.
        build: the result of the build.
        latest: the newest version that could be installed.
        refused: a newer version still, of a minor that this operator does not support; or empty.
        recorded: whether the write-ahead inventory is saved.
        inventory: what the status must list; None leaves it as it is.
        applied_state: what was applied, by inventory id, and what the server made of it.
        changes: what this run changed in the cluster.
        applied: whether everything of the build was applied in this run.
        defined: when this run last wrote a CRD; None if it did not yet.
        entered: when the current state was entered; None before the first transition.
        shown: when the status was last saved; None when it was not in this run.
        deadline: when the current wait ends.
        migration_before: CRDs whose stored objects must be rewritten before the apply.
        migration_after: CRDs whose stored objects must be rewritten after the health check.
        failure: what the run failed with.
        blocked: why an upgrade that nobody asked for does not happen.
        blocks: how often in a row such an upgrade was blocked.
        due: when the state goes on by itself; None when only a change can bring it on.
        next_artifact_check: when the registry is asked again.
        failed_checks: how often in a row the registry did not answer.
        conflicts: objects that had to be repaired, by identity.
        notes: what a state keeps for its own next step, by name; gone when the state is left.
    """

    trigger: Trigger
    started: datetime
    generation: int
    annotations: Mapping[str, str]
    settled: bool = False
    failures: int = 0
    fetched: Fetched | None = None
    offered: str = ""
    last_good: Fetched | None = None
    fell_back: bool = False
    build: BuildResult | None = None
    latest: str = ""
    refused: str = ""
    recorded: bool = False
    inventory: tuple[Entry, ...] | None = None
    applied_state: AppliedState = field(default_factory=AppliedState)
    changes: tuple[Change, ...] = ()
    applied: bool = False
    defined: datetime | None = None
    entered: datetime | None = None
    shown: datetime | None = None
    deadline: Deadline | None = None
    migration_before: tuple[Plan, ...] = ()
    migration_after: tuple[Plan, ...] = ()
    failure: Failure | None = None
    blocked: Failure | None = None
    blocks: int = 0
    due: datetime | None = None
    next_artifact_check: datetime | None = None
    failed_checks: int = 0
    conflicts: Mapping[Identity, FieldConflict] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unattended(self) -> bool:
        """Whether nobody asked for this run by editing the instance."""
        return self.settled and self.trigger is not Trigger.CHANGE

    @property
    def can_fall_back(self) -> bool:
        """Whether the last good distribution is another one than the one in use."""
        return self.last_good is not None and not self.fell_back


def begin(
    trigger: Trigger, instance: FluxInstance, now: datetime, *, after: Run | None = None
) -> Run:
    """A fresh run for an instance.

    Args:
        trigger: what starts it.
        instance: the instance as it is now.
        now: the time.
        after: the run before it, whose memory is taken over.
    """
    ready = instance.condition(names.READY)
    generation = instance.metadata.generation
    run = Run(
        trigger=trigger,
        started=now,
        generation=generation,
        annotations=dict(instance.metadata.annotations),
        settled=ready is not None
        and ready.status == "True"
        and ready.observed_generation == generation
        and bool(instance.status.last_applied_revision),
    )
    if after is None:
        return run
    edited = trigger is Trigger.CHANGE
    return replace(
        run,
        settled=run.settled
        or (after.settled and after.failure is None and after.generation == generation),
        failures=0 if edited else after.failures,
        offered="" if edited else after.offered,
        last_good=after.last_good,
        applied_state=after.applied_state,
        blocked=None if edited else after.blocked,
        blocks=0 if edited else after.blocks,
        failed_checks=after.failed_checks,
        conflicts=after.conflicts,
    )
