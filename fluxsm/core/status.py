# SPDX-License-Identifier: Apache-2.0
"""The status that a transition shows: a view of the row and of what the run found out.

Pure. Whatever the status says is worked out here and nowhere else, so a status can always be
worked out again: losing it loses nothing.
"""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from fluxsm.api import duration, names
from fluxsm.api.instance import FluxInstance
from fluxsm.api.objects import Manifest
from fluxsm.core import conditions, history
from fluxsm.core.memory import Failure, Run, Trigger
from fluxsm.errors import Cure
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, StateDef
from fluxsm.objects import inventory
from fluxsm.objects.changes import Action
from fluxsm.objects.timestamp import format_time

_PREFIXES = {
    names.ARTIFACT_FAILED: "fetch failed: ",
    names.BUILD_FAILED: "build failed: ",
    names.HEALTH_CHECK_FAILED: "health check failed: ",
    names.RECONCILIATION_FAILED: "reconciliation failed: ",
}


def project(
    manifest: Manifest,
    instance: FluxInstance,
    row: Row,
    definition: StateDef,
    run: Run,
    message: str,
    now: datetime,
) -> Manifest:
    """The status after a row was taken.

    Args:
        manifest: the instance as last seen, with the status that is saved.
        instance: the same, parsed.
        row: the transition.
        definition: of the state that the row leads to.
        run: facts after the transition.
        message: what the handler said.
        now: the time.
    """
    saved: Manifest = manifest.get("status") or {}
    if is_quiet(saved, row, run):
        return saved
    status = copy.deepcopy(saved)
    _project_facts(status, run)
    if row.dest is not row.source:
        _project_arrival(status, instance, row, run, now)
    if row.dest is not State.READY or row.dest is not row.source:
        status["conditions"] = _project_conditions(status, instance, definition, run, message, now)
    _project_state(status, definition.state, now)
    if not definition.moving:
        _project_requests(status, instance)
    if status == saved:
        return saved
    _project_timer(status, run)
    return status


def is_quiet(saved: Manifest, row: Row, run: Run) -> bool:
    """Whether a run that nobody asked for has found nothing to change, and so says nothing.

    At rest nothing is written: not even that another look found everything as it should be, or
    that an upgrade is still blocked for the reason that is told already.
    """
    unasked = {Trigger.TIMER, Trigger.DRIFT} | ({Trigger.ARTIFACT} if run.blocked else set())
    if row.dest is not State.READY or run.trigger not in unasked:
        return False
    if saved.get("state", State.READY) != State.READY or not _says_ready(saved, run.generation):
        return False
    if not _says_blocked(saved, run.blocked):
        return False
    build = run.build
    same = build is None or build.revision == saved.get("lastAppliedRevision")
    changed = any(change.action is not Action.UNCHANGED for change in run.changes)
    return same and (not changed or run.trigger is Trigger.DRIFT)


def _says_ready(saved: Manifest, generation: int) -> bool:
    ready = conditions.find(saved.get("conditions") or [], names.READY)
    return (
        ready is not None
        and ready.get("status") == "True"
        and ready.get("observedGeneration") == generation
    )


def _says_blocked(saved: Manifest, blocked: Failure | None) -> bool:
    """Whether the status tells of a blocked upgrade exactly what there is to tell."""
    condition = conditions.find(saved.get("conditions") or [], names.UPGRADE_BLOCKED)
    if condition is None or blocked is None:
        return condition is None and blocked is None
    return (condition.get("reason"), condition.get("message")) == (
        blocked.reason,
        describe(blocked),
    )


def _project_facts(status: Manifest, run: Run) -> None:
    """What the run knows by now, whatever becomes of it."""
    if run.inventory is not None:
        status["inventory"] = {"entries": inventory.to_status(run.inventory)}
    if run.build is not None and (run.recorded or run.applied):
        status["lastAttemptedRevision"] = run.build.revision
    if run.applied and run.build is not None:
        status["components"] = [image.to_status() for image in run.build.components]


def _project_arrival(
    status: Manifest, instance: FluxInstance, row: Row, run: Run, now: datetime
) -> None:
    """What is noted once, on entering Ready or Failed."""
    took = now - run.started
    if row.dest is State.READY and row.event is not Event.BLOCKED and run.build is not None:
        status["lastAppliedRevision"] = run.build.revision
        status["lastAttemptedRevision"] = run.build.revision
        _set_or_drop(status, "lastArtifactRevision", run.fetched.digest if run.fetched else "")
        _note(status, run.build.digest, names.RECONCILIATION_SUCCEEDED, took, now, run)
        _project_force(status, instance)
    elif row.dest is State.FAILED and run.failure is not None:
        digest = _failure_digest(instance, run, run.failure)
        if digest:
            _note(status, digest, run.failure.reason, took, now, run)


def _project_force(status: Manifest, instance: FluxInstance) -> None:
    """A force request is done with once the run that heard it succeeded, not before."""
    if instance.force_at:
        status["lastHandledForceAt"] = instance.force_at


def _failure_digest(instance: FluxInstance, run: Run, failure: Failure) -> str:
    """What identifies the configuration that failed; empty where no history is written."""
    if failure.reason == names.ARTIFACT_FAILED:
        return ""
    if run.build is not None:
        return run.build.digest
    if failure.reason != names.BUILD_FAILED:
        return ""
    spec = instance.spec.model_dump(by_alias=True, exclude_none=True, mode="json")
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _note(
    status: Manifest, digest: str, reason: str, took: timedelta, now: datetime, run: Run
) -> None:
    metadata = {"flux": run.build.version} if run.build is not None else None
    status["history"] = history.record(
        status.get("history") or [],
        digest=digest,
        status=reason,
        now=now,
        took=took,
        metadata=metadata,
    )


def _project_conditions(
    status: Manifest,
    instance: FluxInstance,
    definition: StateDef,
    run: Run,
    message: str,
    now: datetime,
) -> list[dict[str, Any]]:
    """The conditions of a state: moving, ready, failed; a suspended one keeps what it had."""
    found: list[dict[str, Any]] = list(status.get("conditions") or [])
    write = conditions.Writer(found, generation=instance.metadata.generation, now=now)
    match definition.ready:
        case "Unknown":
            text = message or definition.doing
            write.progressing(names.PROGRESSING, text)
        case "True":
            _write_ready(write, run, now)
        case "False" if run.failure is not None:
            _write_failed(write, run.failure)
        case _:
            write.suspended(names.RECONCILIATION_DISABLED, "Initialized in a suspended state")
    return write.result()


def _write_ready(write: conditions.Writer, run: Run, now: datetime) -> None:
    if run.blocked is not None:
        write.set(names.UPGRADE_BLOCKED, "True", run.blocked.reason, describe(run.blocked))
    else:
        write.drop(names.UPGRADE_BLOCKED)
    if run.blocked is None or run.applied:
        _write_outdated(write, run)
        _write_verified(write, run)
    if run.blocked is None or run.applied or not write.is_true(names.READY):
        took = duration.format_elapsed(now - run.started)
        write.ready(names.RECONCILIATION_SUCCEEDED, f"Reconciliation finished in {took}")


def _write_outdated(write: conditions.Writer, run: Run) -> None:
    """Which newer version is refused; what a run did not look for is left as it is."""
    if run.build is None:
        return
    if run.refused:
        write.set(names.OUTDATED, "True", names.OUTDATED_VERSION, describe_refused(run.refused))
    else:
        write.drop(names.OUTDATED)


def describe_refused(version: str) -> str:
    """A newer version that is refused, as conditions and events show it."""
    return (
        f"Flux {version} is on offer, but of a minor that this operator does not support:"
        " upgrade the operator, or see --supported-minors"
    )


def _write_verified(write: conditions.Writer, run: Run) -> None:
    """Whose signature the artifact has that is installed; nothing when none was asked for."""
    fetched = run.fetched
    if fetched is None:
        return
    if fetched.verified is None:
        write.drop(names.VERIFIED)
        return
    told = f"{fetched.distribution.source} ({fetched.digest}) is signed by {fetched.verified}"
    write.set(names.VERIFIED, "True", names.SUCCEEDED, told)


def _write_failed(write: conditions.Writer, failure: Failure) -> None:
    text = describe(failure)
    if failure.cure is Cure.CHANGE:
        write.stalled(failure.reason, text)
    else:
        write.retrying(failure.reason, text)


def describe(failure: Failure) -> str:
    """A failure as conditions and events show it."""
    return f"{_PREFIXES.get(failure.reason, '')}{failure.message}"


def _project_state(status: Manifest, state: State, now: datetime) -> None:
    if status.get("state") != state.value:
        status["state"] = state.value
        status["stateSince"] = format_time(now)


def _project_timer(status: Manifest, run: Run) -> None:
    """When a resting instance goes on by itself; not worth a write of its own."""
    if run.due is None:
        status.pop("nextTransition", None)
    else:
        status["nextTransition"] = {"event": Event.DUE.value, "at": format_time(run.due)}


def _project_requests(status: Manifest, instance: FluxInstance) -> None:
    if instance.requested_at:
        status["lastHandledReconcileAt"] = instance.requested_at


def _set_or_drop(status: Manifest, key: str, value: str) -> None:
    if value:
        status[key] = value
    else:
        status.pop(key, None)
