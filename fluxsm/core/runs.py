# SPDX-License-Identifier: Apache-2.0
"""How a run begins, and what it takes over from the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from fluxsm.api import names
from fluxsm.core import conditions
from fluxsm.core.failure import PREFIXES, Failure
from fluxsm.core.instance import Instance
from fluxsm.core.memory import Memory, Process, Run, Stay
from fluxsm.core.observed import Observed
from fluxsm.errors import Cure
from fluxsm.machine.triggers import Trigger


def start(instance: Instance, tick: timedelta) -> Memory:
    """The memory of a process that sees an instance for the first time.

    A failure that the status still shows is what the first run tries to get over: an alert on
    Ready=False must not be resolved because the operator restarts.
    """
    run = _fresh(Trigger.START, instance, tick)
    return Memory(
        process=Process(),
        run=replace(run, retries=_saved_failure(instance)),
        stay=Stay(entered=tick),
    )


def begin(trigger: Trigger, seen: Observed) -> tuple[Run, Process]:
    """The run that a row begins, and what the process remembers then.

    Args:
        trigger: what begins it.
        seen: what is known when it begins.
    """
    before, process = seen.run, seen.process
    run = _fresh(trigger, seen.instance, seen.tick)
    if not before.recorded and _is_undecided(run.ready_before):
        run = replace(run, ready_before=before.ready_before)
    if trigger is Trigger.CHANGE:
        return run, replace(process, failures=0, offered="", blocked=None, blocks=0)
    known = before.was_ready and before.failure is None and before.generation == run.generation
    run = replace(run, was_ready=run.was_ready or known)
    if trigger is Trigger.RETRY:
        run = replace(run, retries=before.failure)
    if trigger is Trigger.DRIFT:
        run = replace(run, fetched=before.fetched, build=before.build, refused=before.refused)
    return run, process


def note(run: Run, instance: Instance) -> Run:
    """The same run, which takes note of a change that begins nothing."""
    metadata = instance.metadata
    spec = instance.manifest.get("spec") or {}
    return replace(run, generation=metadata.generation, spec=spec, asked=metadata.asking)


def _fresh(trigger: Trigger, instance: Instance, tick: timedelta) -> Run:
    ready = instance.condition(names.READY)
    metadata = instance.metadata
    return Run(
        trigger=trigger,
        started=tick,
        generation=metadata.generation,
        spec=instance.manifest.get("spec") or {},
        asked=metadata.asking,
        was_ready=ready is not None
        and ready.status == "True"
        and ready.observed_generation == metadata.generation
        and bool(instance.status.last_applied_revision),
        ready_before=_saved_ready(instance),
    )


def _saved_ready(instance: Instance) -> Mapping[str, str | int] | None:
    return conditions.find(instance.saved.get("conditions") or [], names.READY)


def _is_undecided(ready: Mapping[str, str | int] | None) -> bool:
    """Whether Ready was overwritten by a run that was interrupted before it had done anything."""
    return ready is not None and ready["status"] == "Unknown"


def _saved_failure(instance: Instance) -> Failure | None:
    """The failure that the status shows of this very generation."""
    ready = instance.condition(names.READY)
    if ready is None or ready.status != "False" or ready.reason not in PREFIXES:
        return None
    if ready.observed_generation != instance.metadata.generation:
        return None
    stalled = instance.condition(names.STALLED) is not None
    failure = Failure.parse(ready.reason, ready.message)
    return replace(failure, cure=Cure.CHANGE) if stalled else failure
