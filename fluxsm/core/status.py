# SPDX-License-Identifier: Apache-2.0
"""The status that a transition shows: a view of the row and of what the run found out.

Pure. Whatever the status says is worked out here and nowhere else, so a status can always be
worked out again: losing it loses nothing.
"""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import timedelta
from typing import Any, Final

from fluxsm.api import duration, names
from fluxsm.api.objects import Manifest
from fluxsm.build.distribution import describe_starter
from fluxsm.core import conditions, history
from fluxsm.core.failure import SHOWN, Failure
from fluxsm.core.instance import Instance
from fluxsm.core.memory import Memory, Run, Stay
from fluxsm.core.observed import Observed
from fluxsm.errors import BuildError, Cure
from fluxsm.machine.events import Event
from fluxsm.machine.table import Row, StateDef, guard_words
from fluxsm.machine.triggers import Trigger
from fluxsm.objects import inventory
from fluxsm.objects.changes import QUIET
from fluxsm.objects.timestamp import format_time

OWN_FIELDS: Final = frozenset({"state", "stateSince", "lastTransition", "nextTransition"})
"""Fields of the status that the reference's CRD does not know, and therefore drops."""


def project(
    seen: Observed, row: Row, left: StateDef, entered: StateDef, memory: Memory, message: str
) -> Manifest:
    """The status after a row was taken.

    Args:
        seen: what is known, with the status that is saved.
        row: the transition.
        left: the definition of the state that it leaves.
        entered: the definition of the state that it leads to.
        memory: what is remembered after the transition.
        message: what the handler said.
    """
    saved = seen.instance.saved
    if is_quiet(saved, entered, memory):
        return saved
    status = copy.deepcopy(saved)
    _project_facts(status, memory.run)
    if row.event is Event.RECORDED and memory.run.orphans:
        status["history"] = history.annotate(
            status.get("history") or [], {"orphaned": ", ".join(memory.run.orphans)}
        )
    if row.moves:
        _project_end(status, seen, row, entered, memory.run)
    if row.moves or not entered.succeeds:
        write = conditions.Writer(
            status.get("conditions") or [],
            generation=seen.instance.metadata.generation,
            now=seen.now,
        )
        _write_conditions(write, seen, row, left, entered, memory, message)
        status["conditions"] = write.result()
    if status.get("state") != entered.state.value:
        status["state"] = entered.state.value
        status["stateSince"] = format_time(seen.now)
        _project_arrival(status, memory.stay)
    if entered.rests:
        _project_requests(status, seen.instance)
    if status == saved:
        return saved
    _project_timer(status, seen, memory.stay)
    return status


def is_quiet(saved: Manifest, entered: StateDef, memory: Memory) -> bool:
    """Whether a run that nobody asked for has found nothing to change, and so says nothing.

    At rest nothing is written: not even that another look found everything as it should be, or
    that an upgrade is still blocked for the reason that is shown already.
    """
    run, blocked = memory.run, memory.process.blocked
    unasked = {Trigger.TIMER, Trigger.DRIFT} | ({Trigger.ARTIFACT} if blocked else set())
    if not entered.succeeds or run.trigger not in unasked:
        return False
    state = entered.state.value
    if saved.get("state", state) != state or not _says_ready(saved, run.generation):
        return False
    if not _says_blocked(saved, blocked):
        return False
    build = run.build
    same = build is None or build.revision == saved.get("lastAppliedRevision")
    changed = any(change.action not in QUIET for change in run.changes)
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
        str(blocked),
    )


def _project_facts(status: Manifest, run: Run) -> None:
    """What the run knows by now, whatever becomes of it."""
    if run.inventory is not None:
        status["inventory"] = {"entries": inventory.to_status(run.inventory)}
    if run.build is not None and (run.recorded or run.applied):
        status["lastAttemptedRevision"] = run.build.revision
    if run.applied and run.build is not None:
        status["components"] = [image.to_status() for image in run.build.components]


def _project_end(status: Manifest, seen: Observed, row: Row, entered: StateDef, run: Run) -> None:
    """What is noted once, when a run has succeeded or failed."""
    took = seen.tick - run.started
    if entered.succeeds and row.event is not Event.BLOCKED and run.build is not None:
        status["lastAppliedRevision"] = run.build.revision
        status["lastAttemptedRevision"] = run.build.revision
        _set_or_drop(status, "lastArtifactRevision", run.fetched.digest if run.fetched else "")
        _note(status, seen, run, run.build.digest, names.RECONCILIATION_SUCCEEDED, took)
        # A request to migrate by force is answered once the run that saw it succeeded, not before.
        if seen.instance.metadata.force_at:
            status["lastHandledForceAt"] = seen.instance.metadata.force_at
    elif entered.fails and run.failure is not None:
        digest = _failure_digest(seen.instance, run, run.failure)
        if digest:
            _note(status, seen, run, digest, run.failure.reason, took)


def _failure_digest(instance: Instance, run: Run, failure: Failure) -> str:
    """What identifies the configuration that failed; empty where no history is written."""
    if failure.reason == names.ARTIFACT_FAILED:
        return ""
    if run.build is not None:
        return run.build.digest
    if failure.reason != names.BUILD_FAILED:
        return ""
    text = json.dumps(_spec(instance), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _spec(instance: Instance) -> Any:
    """The spec with its defaults, or as it was read where it cannot be understood."""
    try:
        return instance.spec.model_dump(by_alias=True, exclude_none=True, mode="json")
    except BuildError:
        return instance.manifest.get("spec")


def _note(
    status: Manifest, seen: Observed, run: Run, digest: str, reason: str, took: timedelta
) -> None:
    metadata = {"flux": run.build.version} if run.build is not None else None
    status["history"] = history.record(
        status.get("history") or [],
        digest=digest,
        status=reason,
        now=seen.now,
        took=took,
        metadata=metadata,
    )


def _write_conditions(
    write: conditions.Writer,
    seen: Observed,
    row: Row,
    left: StateDef,
    entered: StateDef,
    memory: Memory,
    message: str,
) -> None:
    """The conditions of a state: moving, ready, failed; a suspended one keeps what it had."""
    run = memory.run
    match entered.ready:
        case "Unknown":
            _write_moving(write, run, message or entered.doing)
        case "True":
            _write_ready(write, seen, memory)
        case "False" if run.failure is not None:
            _write_failed(write, run.failure, str(run.failure))
        case _ if row.moves:
            _write_suspended(write, left, run)
        case _:  # nothing to add, unless the status was lost meanwhile
            write.suspended(names.RECONCILIATION_DISABLED, "Initialized in a suspended state")


def _write_moving(write: conditions.Writer, run: Run, text: str) -> None:
    """What is done now; a run that tries to get over a failure goes on showing it.

    So an alert on Ready=False fires and stays until the failure is over.
    """
    if run.retries is None:
        write.progressing(names.PROGRESSING, text)
    else:
        _write_failed(write, run.retries, text)


def _write_suspended(write: conditions.Writer, left: StateDef, run: Run) -> None:
    """Nothing claims to be in progress, and Ready is decided.

    A run that has written nothing leaves Ready as it was when it began.
    """
    write.drop(names.RECONCILING)
    if left.rests:
        write.suspended(names.RECONCILIATION_DISABLED, "Initialized in a suspended state")
        return
    before = run.ready_before
    if left.canceled:
        text = "Health checks canceled, because reconciliation is disabled"
        write.set(names.READY, "False", left.canceled, text)
    elif not run.recorded and (before is None or before["status"] != "Unknown"):
        write.restore(names.READY, before)
        write.suspended(names.RECONCILIATION_DISABLED, "Initialized in a suspended state")
    else:
        text = "Reconciliation was disabled before it was finished"
        write.set(names.READY, "False", names.RECONCILIATION_DISABLED, text)


def _write_ready(write: conditions.Writer, seen: Observed, memory: Memory) -> None:
    run, blocked = memory.run, memory.process.blocked
    if blocked is not None:
        write.set(names.UPGRADE_BLOCKED, "True", blocked.reason, str(blocked))
    else:
        write.drop(names.UPGRADE_BLOCKED)
    if blocked is None or run.applied:
        _write_outdated(write, run)
        _write_verified(write, run)
        _write_starter(write, run)
    if blocked is None or run.applied or not write.is_true(names.READY):
        took = duration.format_elapsed(seen.tick - run.started)
        text = f"Reconciliation finished in {took}{_advice(run)}"
        write.ready(names.RECONCILIATION_SUCCEEDED, text)


def _advice(run: Run) -> str:
    """A sentence for each warning of the build, a few at most; empty where there are none."""
    shown = "".join(f". Warning: {text}" for text in run.warnings[:SHOWN])
    more = len(run.warnings) - SHOWN
    return f"{shown} (and {more} more)" if more > 0 else shown


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
    text = f"{fetched.distribution.source} ({fetched.digest}) is signed by {fetched.verified}"
    write.set(names.VERIFIED, "True", names.SUCCEEDED, text)


def _write_starter(write: conditions.Writer, run: Run) -> None:
    """That the starter distribution is installed; what a run did not look for is left as it is."""
    if run.build is None or run.fetched is None:
        return
    found = run.fetched.distribution
    if found.is_starter:
        text = describe_starter(found.source)
        write.set(names.STARTER_DISTRIBUTION, "True", names.STARTER_DISTRIBUTION, text)
    else:
        write.drop(names.STARTER_DISTRIBUTION)


def _write_failed(write: conditions.Writer, failure: Failure, doing: str) -> None:
    """Ready=False with a failure, and what is done about it."""
    if failure.cure is Cure.CHANGE:
        write.stalled(failure.reason, str(failure))
    else:
        write.retrying(failure.reason, str(failure), doing)


def _project_arrival(status: Manifest, stay: Stay) -> None:
    """The row by which the state was entered; a process that begins there knows of none."""
    row = stay.arrival
    if row is None:
        status.pop("lastTransition", None)
        return
    status["lastTransition"] = {
        "from": row.source.value,
        "event": row.event.value,
        **({"guard": guard_words(row.guard)} if row.guard else {}),
    }


def _project_timer(status: Manifest, seen: Observed, stay: Stay) -> None:
    """When a resting instance goes on by itself, in words that stay true without a write."""
    due, due_at = stay.due, stay.due_at
    if due is None or due_at is None or not due.is_shown:
        status.pop("nextTransition", None)
    elif due.every is not None:
        status["nextTransition"] = {
            "event": Event.DUE.value,
            "every": duration.format(due.every),
        }
    else:
        at = seen.now + (due_at - seen.tick)
        status["nextTransition"] = {"event": Event.DUE.value, "at": format_time(at)}


def _project_requests(status: Manifest, instance: Instance) -> None:
    if instance.metadata.requested_at:
        status["lastHandledReconcileAt"] = instance.metadata.requested_at


def _set_or_drop(status: Manifest, key: str, value: str) -> None:
    if value:
        status[key] = value
    else:
        status.pop(key, None)
