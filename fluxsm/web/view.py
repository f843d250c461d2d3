# SPDX-License-Identifier: Apache-2.0
"""The answers about an instance, worked out from what is known. Pure.

On the process that leads, the last step of the machine says where it stands. Elsewhere the status
does, as `fluxsm explain` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fluxsm.api import duration, glossary, names
from fluxsm.api.objects import Manifest
from fluxsm.api.status import Snapshot, Status
from fluxsm.core.explanation import Explanation, Verdict, explain
from fluxsm.core.instance import Instance
from fluxsm.core.waits import Wait, parse_waits
from fluxsm.errors import MalformedError
from fluxsm.machine.events import Event
from fluxsm.machine.graph import GONE, kind
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, Table, guard_name, guard_words
from fluxsm.objects import inventory, manifest
from fluxsm.web import answers as a
from fluxsm.web.facts import Facts
from fluxsm.web.journal import Journal, Run
from fluxsm.web.sight import Sight

EVENTS: Final = 50
"""How many events are shown."""

LEADER, STANDBY, VIEWER = "leader", "standby", "viewer"


def instance(facts: Facts, table: Table) -> a.InstanceAnswer:
    """The answer about the instance."""
    found = facts.instance
    problem = facts.unknown.get("instance", "")
    said = explain(found, table) if found is not None else None
    status = Instance(found).status if found is not None else Status()
    sight = _sight(facts)
    state = sight.state if sight else _state(said)
    definition = table.states[State(state)] if state else None
    verdicts = tuple(map(_condition, said.verdicts if said else ()))
    ready = next((item for item in verdicts if item.type == names.READY), None)
    return a.InstanceAnswer(
        operator=operator(facts),
        found=None if problem and found is None else found is not None,
        problem=problem,
        namespace=facts.server.namespace,
        name=names.SINGLETON,
        generation=manifest.number(found or {}, "metadata", "generation"),
        wanted=_wanted(found),
        state=state,
        inferred=sight is None and said is not None and said.is_inferred,
        kind=kind(table, State(state)).value if state else "",
        since=facts.wall(sight.entered) if sight else said.since if said else None,
        meaning=definition.meaning if definition else "",
        advice=definition.advice if definition else "",
        message=ready.message if ready else "",
        conditions=verdicts,
        waiting=_waiting_of_machine(facts, sight) if sight else _waiting(said),
        next=_timer_of_machine(facts, sight, said) if sight else _timer(said),
        revisions=a.Revisions(
            applied=status.last_applied_revision or "",
            attempted=status.last_attempted_revision or "",
            artifact=status.last_artifact_revision or "",
        ),
        components=_components(status, facts.report),
        inventory=_inventory(facts),
        conflicts=_conflicts(facts),
        blocked=_blocked(verdicts),
    )


def operator(facts: Facts) -> a.Operator:
    """Who answers."""
    server = facts.server
    role = VIEWER if server.follows else LEADER if facts.leads else STANDBY
    return a.Operator(name=server.name, version=server.version, leads=facts.leads, role=role)


def _sight(facts: Facts) -> Sight | None:
    """The last step, where it is about the instance that is there."""
    sight = facts.sight
    uid = manifest.text(facts.instance or {}, "metadata", "uid")
    return sight if sight is not None and sight.state and sight.uid == uid else None


def _state(said: Explanation | None) -> str:
    return said.definition.state.value if said and said.definition else ""


def _condition(verdict: Verdict) -> a.Condition:
    item = verdict.condition
    return a.Condition(
        type=item.type,
        status=item.status,
        reason=item.reason,
        message=item.message,
        meaning=verdict.meaning,
        remedy=verdict.remedy,
        since=item.last_transition_time,
    )


def _wanted(found: Manifest | None) -> str:
    try:
        return manifest.text(found or {}, "spec", "distribution", "version")
    except MalformedError:
        return ""


def _waiting(said: Explanation | None) -> a.Waiting | None:
    """What is waited for, as the status has it."""
    if said is None or not said.doing:
        return None
    deadline = said.deadline
    return a.Waiting(
        message=said.doing,
        objects=tuple(map(_awaited, said.waits)),
        since=deadline.since if deadline else said.since,
        limit_seconds=deadline.length.total_seconds() if deadline else None,
        deadline=deadline.at if deadline else None,
    )


def _waiting_of_machine(facts: Facts, sight: Sight) -> a.Waiting | None:
    wait = sight.wait
    if wait is None:
        return None
    return a.Waiting(
        message=wait.message,
        objects=tuple(map(_awaited, parse_waits(wait.message))),
        since=facts.wall(wait.since),
        limit_seconds=wait.limit.total_seconds() if wait.limit else None,
        deadline=facts.wall(wait.since + wait.limit) if wait.limit else None,
    )


def _awaited(wait: Wait) -> a.Awaited:
    return a.Awaited(object=wait.name, why=wait.why)


def _timer(said: Explanation | None) -> a.Timer | None:
    """What happens next by itself, as the status has it."""
    found = said.timer if said else None
    if found is None:
        return None
    every = duration.format(found.every) if found.every else ""
    return a.Timer(event=found.event, at=found.at, every=every)


def _timer_of_machine(facts: Facts, sight: Sight, said: Explanation | None) -> a.Timer | None:
    """The same of the machine. A period is said without a moment, which every quiet run moves."""
    known = _timer(said)
    if sight.due_at is None:
        return None
    if known is not None and known.every:
        return known
    return a.Timer(event=Event.DUE.value, at=facts.wall(sight.due_at), every="")


def _components(status: Status, report: Manifest | None) -> tuple[a.Component, ...]:
    reported = {
        str(item.get("name")): item
        for item in (_safely(report or {}, "spec", "components") if report else ())
    }
    found = []
    for image in status.components or ():
        said: Mapping[str, Any] = reported.get(image.name, {})
        found.append(
            a.Component(
                name=image.name,
                image=f"{image.repository}:{image.tag}",
                digest=image.digest or "",
                ready=bool(said["ready"]) if "ready" in said else None,
                status=str(said.get("status", "")),
            )
        )
    return tuple(found)


def _inventory(facts: Facts) -> tuple[a.Managed, ...]:
    try:
        entries = inventory.of_status(facts.instance or {})
    except MalformedError:
        return ()
    found = []
    for ref in (entry.ref for entry in entries):
        health = facts.health.get(ref.identity)
        found.append(
            a.Managed(
                kind=ref.kind.kind,
                api_version=ref.kind.api_version,
                namespace=ref.namespace,
                name=ref.name,
                health=health.status.value if health else "",
                message=health.message if health else "",
            )
        )
    return tuple(found)


def _conflicts(facts: Facts) -> tuple[a.Conflict, ...]:
    sight = _sight(facts)
    return tuple(
        a.Conflict(
            object="/".join(filter(None, (identity[1], identity[2], identity[3]))),
            repairs=conflict.repairs,
            serious=conflict.is_serious,
            last=facts.wall(conflict.last),
            not_before=facts.wall(conflict.next_repair),
        )
        for identity, conflict in (sight.conflicts if sight else ())
    )


def _blocked(said: tuple[a.Condition, ...]) -> a.Blocked | None:
    found = next((item for item in said if item.type == names.UPGRADE_BLOCKED), None)
    return a.Blocked(reason=found.reason, message=found.message) if found else None


def path(journal: Journal) -> tuple[a.Passage, ...]:
    """The way of the last run."""
    return tuple(
        a.Passage(source=source, event=event, dest=dest) for source, event, dest in journal.moves()
    )


def machine(table: Table, current: str, journal: Journal) -> a.MachineAnswer:
    """The answer about the machine.

    Args:
        table: the table.
        current: where the instance stands; empty where that is not known.
        journal: the runs that were seen.
    """
    return a.MachineAnswer(
        initial=table.initial.value,
        goal=table.goal.value,
        current=current,
        path=path(journal),
        states=tuple(
            a.StateAnswer(
                name=state.value,
                kind=kind(table, state).value,
                meaning=definition.meaning,
                ready=definition.ready,
                rests=definition.rests,
                timers=definition.timers,
                advice=definition.advice,
            )
            for state, definition in table.states.items()
        ),
        rows=tuple(map(_row, table.rows)),
    )


def _row(row: Row) -> a.RowAnswer:
    words = row.event.words
    return a.RowAnswer(
        source=row.source.value,
        event=row.event.value,
        when=f"{words}, and {guard_words(row.guard)}" if row.guard else words,
        guard=guard_name(row.guard),
        dest=row.dest.value if row.dest else GONE,
    )


def history(facts: Facts) -> a.HistoryAnswer:
    """The answer about what was."""
    status = Instance(facts.instance).status if facts.instance else Status()
    return a.HistoryAnswer(
        runs=tuple(map(_run, reversed(facts.journal.runs))),
        configurations=tuple(map(_configuration, status.history or ())),
    )


def _run(run: Run) -> a.RunAnswer:
    return a.RunAnswer(
        trigger=run.trigger,
        began=run.began,
        seconds=run.seconds,
        result=run.result,
        missed=run.missed,
        visits=tuple(
            a.VisitAnswer(
                state=visit.state,
                event=visit.event,
                began=visit.began,
                seconds=visit.seconds,
                message=visit.message,
            )
            for visit in run.visits
        ),
    )


def _configuration(item: Snapshot) -> a.Configuration:
    return a.Configuration(
        digest=item.digest,
        version=(item.metadata or {}).get("flux", ""),
        status=item.last_reconciled_status,
        attempts=item.total_reconciliations,
        first=item.first_reconciled,
        last=item.last_reconciled,
        took=item.last_reconciled_duration,
    )


def events(facts: Facts) -> a.EventsAnswer:
    """The answer about the Kubernetes events, newest first."""
    newest = sorted(facts.events, key=_moment, reverse=True)[:EVENTS]
    return a.EventsAnswer(
        problem=facts.unknown.get("events", ""), events=tuple(map(_event, newest))
    )


def _moment(event: Manifest) -> tuple[str, str]:
    """When an event last happened; of two in the same second the later name is the later one."""
    series = event.get("series") or {}
    last = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    metadata = event.get("metadata") or {}
    return str(last or metadata.get("creationTimestamp") or ""), str(metadata.get("name", ""))


def _event(event: Manifest) -> a.EventAnswer:
    series, source = event.get("series") or {}, event.get("source") or {}
    reason = str(event.get("reason", ""))
    return a.EventAnswer(
        type=str(event.get("type") or "Normal"),
        reason=reason,
        meaning=glossary.REASONS.get(reason, ""),
        message=str(event.get("message", "")),
        count=int(series.get("count") or event.get("count") or 1),
        last=_moment(event)[0],
        source=str(source.get("component") or event.get("reportingComponent") or ""),
    )


def report(facts: Facts) -> Manifest | None:
    """The FluxReport as in the API of the reference; None when there is none.

    The reference adds who asks. Here that is the process: a reader has no name unless there is a
    token, and an answer is the same for all who may read it.
    """
    if facts.report is None:
        return None
    metadata = {
        key: value
        for key, value in (facts.report.get("metadata") or {}).items()
        if key != "managedFields"
    }
    asker = {"userInfo": {"username": facts.server.name, "groups": []}}
    return {
        **facts.report,
        "metadata": metadata,
        "spec": {**(facts.report.get("spec") or {}), **asker},
    }


def _safely(obj: Manifest, *path: str) -> list[Mapping[str, Any]]:
    """A list of a manifest, empty where it has another shape."""
    try:
        return manifest.entries(obj, *path)
    except MalformedError:
        return []
