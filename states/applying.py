# SPDX-License-Identifier: Apache-2.0
"""Applying: make the cluster hold exactly what was built, stage by stage, then remove the rest.

Each call does the next missing thing and answers; what is missing is worked out from what
was applied and from the watches, so that a second call, a crash or a change in between only
shortens or lengthens the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.build.pipeline import BuildResult
from fluxsm.core.failure import Failure
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Applied, Cluster, PatchType, Ports
from fluxsm.errors import ClusterError
from fluxsm.machine.events import Event
from fluxsm.machine.triggers import Trigger
from fluxsm.objects import health, inventory, manifest, ownership
from fluxsm.objects.changes import Action, Change, action_of
from fluxsm.objects.health import Found, Health, Status
from fluxsm.objects.inventory import Entry
from states.work import hands, orphaning
from states.work.newest import write_newest
from states.work.pruning import prune
from states.work.watching import await_watches
from states.work.write_ahead import built, is_recorded, record

_LOOK_AGAIN = timedelta(seconds=1)
_TRIES = 5


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Record the inventory, apply what is outdated, await what others need, prune the rest."""
    result = built(observed.run)
    if not is_recorded(observed, result) and _missing(observed, ports, result.objects):
        return record(observed, result)
    for number, stage in enumerate(stages(result.objects), start=1):
        outcome = _finish_stage(observed, ports, stage, number)
        if outcome is not None:
            return outcome
    leaving = _leaving_definitions(observed, ports, result.objects)
    return _await(leaving, "definitions that go") or _finish(observed, ports, result)


def stages(objects: Sequence[Manifest]) -> list[list[Manifest]]:
    """Objects in the order in which they can be applied; each stage needs the one before it.

    Definitions come first (kinds, namespaces, roles), then classes, then everything else. A quota
    is with the first: until its numbers are there, no Pod is admitted.
    """
    found: list[list[Manifest]] = [[], [], []]
    for item in objects:
        found[_stage_of(str(item.get("kind", "")))].append(item)
    return [stage for stage in found if stage]


_FIRST = frozenset({"CustomResourceDefinition", "Namespace", "ClusterRole", "ResourceQuota"})


def _stage_of(kind: str) -> int:
    if kind in _FIRST:
        return 0
    return 1 if kind.endswith("Class") else 2


def _finish_stage(
    observed: Observed, ports: Ports, stage: Sequence[Manifest], number: int
) -> Outcome | None:
    """Do what a stage lacks; None when it is done."""
    starting = await_watches({Kind.of(item) for item in stage}, ports)
    if starting is not None:
        return starting
    missing = _missing(observed, ports, stage)
    if missing:
        return _apply(observed, ports, missing)
    found = health.statuses(stage, ports.live.get, observed.now)
    return _await([item for item in found if _is_awaited(*item, stage)], f"stage {number}")


def _is_awaited(ref: ObjectRef, status: Health, stage: Sequence[Manifest]) -> bool:
    """Whether an object holds its stage up.

    What is being deleted does so in every stage: it is applied again once it is gone. Only a
    definition has to wait for the end: the controller that lets its last resources go may be one
    that this run has yet to bring. Whether the objects of the last stage get healthy is
    HealthChecking's to say.
    """
    if status.status is Status.TERMINATING:
        return ref.kind != CRD
    is_last = _stage_of(str(stage[0].get("kind", ""))) == 2
    return not (is_last or status.is_current)


def _leaving_definitions(
    observed: Observed, ports: Ports, objects: Sequence[Manifest]
) -> list[Found]:
    definitions = [item for item in objects if Kind.of(item) == CRD]
    found = health.statuses(definitions, ports.live.get, observed.now)
    return [item for item in found if item[1].status is Status.TERMINATING]


def _missing(observed: Observed, ports: Ports, objects: Sequence[Manifest]) -> list[Manifest]:
    """What still has to be applied in this run.

    An object is applied once in a run. If somebody rewrites it at once, doing the same would be
    a race without end; it is left to Ready, which knows when to give way. One that is gone again
    is applied again, some times. One that is being deleted is not: it would go all the same. Nor
    does a repair touch what has opted out of repairs.
    """
    applied = Counter(change.ref.identity for change in observed.run.changes)
    outdated = observed.process.applied_state.outdated(objects, ports.live.get)
    if observed.run.trigger is not Trigger.DRIFT:
        outdated = _with_additions(outdated, objects, observed, ports)
    missing = [
        item
        for item in outdated
        if _may_apply(ports.live.get(ObjectRef.of(item)), applied[ObjectRef.of(item).identity])
    ]
    if observed.run.trigger is not Trigger.DRIFT:
        return missing
    return [item for item in missing if not _is_left_alone(ports.live.get(ObjectRef.of(item)))]


def _with_additions(
    outdated: Sequence[Manifest], objects: Sequence[Manifest], observed: Observed, ports: Ports
) -> list[Manifest]:
    """The same, and what others have added fields to: a run takes them over, as a restart does."""
    known = {ObjectRef.of(item).identity for item in outdated}
    override = observed.settings.override_managers
    return [
        item
        for item in objects
        if (ref := ObjectRef.of(item)).identity in known
        or ownership.adoption_patch(ports.live.get(ref) or {}, override)
    ]


def _may_apply(live: Manifest | None, times: int) -> bool:
    return times < _TRIES if live is None else times == 0 and not manifest.is_leaving(live)


def _is_left_alone(live: Manifest | None) -> bool:
    return live is not None and ownership.is_reconcile_disabled(live)


def _await(found: Sequence[Found], wait: str) -> Outcome | None:
    """Wait for objects, with their names; None when there is nothing to wait for."""
    if not found:
        return None
    text = ", ".join(f"{ref} status: '{status.status.value}'" for ref, status in found)
    return Outcome(
        event=Event.WAITING, message=f"Waiting for [{text}]", wait=wait, after=_LOOK_AGAIN
    )


def _apply(observed: Observed, ports: Ports, missing: Sequence[Manifest]) -> Outcome:
    """Apply objects in parallel, and keep what succeeded even if some did not."""
    before = {ObjectRef.of(item): ports.live.get(ObjectRef.of(item)) for item in missing}
    applied_state, changes = observed.process.applied_state, list(observed.run.changes)
    errors: list[ClusterError] = []
    touched: list[str] = []
    answers = ports.cluster.apply_all(missing)
    for wanted, answer in zip(missing, answers, strict=True):
        if isinstance(answer, ClusterError):
            errors.append(answer)
            continue
        ref = ObjectRef.of(wanted)
        touched += hands.describe(wanted, before[ref], answer.manifest, observed)
        try:
            adopted = _adopt(wanted, answer, ports.cluster, observed.settings.override_managers)
        except ClusterError as error:
            errors.append(error)
            continue
        live = (adopted or answer).manifest
        ports.live.put(live)
        if manifest.is_leaving(live):
            continue  # its deletion crossed the apply; the next one comes when it is gone
        applied_state = applied_state.with_answer(wanted, live)
        action = _action(answer, before[ref], adopted=adopted is not None)
        changes.append(Change(ref=ref, action=action))
    defines = any(Kind.of(item) == CRD for item in missing)
    known = Outcome(
        event=Event.WAITING,
        message=f"Applied {len(applied_state.records)} objects",
        process=replace(observed.process, applied_state=applied_state),
        run=replace(
            observed.run,
            changes=tuple(changes),
            defined=observed.tick if defines else observed.run.defined,
        ),
        taken=tuple(touched),
        after=_NOW,
    )
    return _failed(known, errors) if errors else known


_NOW = timedelta(0)


def _failed(known: Outcome, errors: Sequence[ClusterError], doing: str = "") -> Outcome:
    """What is known now, with the errors that stand in the way of the rest."""
    failure = Failure.of_all(errors, doing)
    return replace(known, event=Event.FAULT, message=failure.message, failure=failure, after=None)


def _adopt(
    wanted: Manifest, answer: Applied, cluster: Cluster, override_managers: Sequence[str]
) -> Applied | None:
    """Take the fields of former managers over, so that what only they had set goes away.

    The answer to the apply tells who else owns fields, so nothing is asked where nobody does.
    Returns the answer to the second apply, None when there was nobody to take over from.
    """
    if not _free(answer.manifest, cluster, override_managers):
        return None
    second = cluster.apply_all([wanted])[0]
    if isinstance(second, ClusterError):
        raise second
    return replace(second, created=answer.created)


def _free(live: Manifest, cluster: Cluster, override_managers: Sequence[str]) -> bool:
    """Take an object from its former managers; False when it has none.

    The patch holds only for the version that was looked at, and the status of a workload that is
    being rolled out is written all the time, so it may take more than one look.
    """
    ref = ObjectRef.of(live)

    def write(live: Manifest) -> bool:
        patch = ownership.adoption_patch(live, override_managers)
        if patch:
            cluster.patch(ref, patch, type=PatchType.JSON)
        return bool(patch)

    return write_newest(ref, live, write, cluster)


def _action(answer: Applied, before: Manifest | None, *, adopted: bool) -> Action:
    if adopted and not answer.created:
        return Action.CONFIGURED
    return action_of(before, answer.manifest, created=answer.created)


def _finish(observed: Observed, ports: Ports, result: BuildResult) -> Outcome:
    """Remove what the new revision no longer has; what cannot be removed stays listed."""
    wanted = inventory.of_objects(result.objects)
    known = inventory.of_status(observed.instance.manifest)
    stale = inventory.stale(known, wanted)
    announced = _announce(stale, observed, ports, result)
    if announced is not None:
        return announced
    pruned = prune(stale, observed, ports, running=True)
    gone = (change.ref for change in pruned.changes)
    run = replace(
        observed.run,
        inventory=inventory.union(wanted, (*pruned.kept, *pruned.used)),
        changes=(*observed.run.changes, *pruned.changes),
        applied=not pruned.errors,
    )
    process = replace(observed.process, applied_state=observed.process.applied_state.without(gone))
    kept = tuple(str(change) for change in pruned.changes if change.action is Action.KEPT)
    done = Outcome(event=Event.APPLIED, process=process, run=run, kept=kept)
    return _failed(done, pruned.errors, "garbage collection: ") if pruned.errors else done


def _announce(
    stale: Sequence[Entry], observed: Observed, ports: Ports, result: BuildResult
) -> Outcome | None:
    """Say and save, before it is done, what is deleted without pruning; None when that is done.

    After a crash in the middle the history still tells that what was deployed has stayed.
    """
    metadata = observed.instance.metadata
    entries = [entry for entry in stale if orphaning.prunes(entry.ref.kind)]
    lines = {
        str(entry.ref): line
        for entry in entries
        if (line := orphaning.describe(entry.ref, ports, metadata.name, metadata.namespace))
    }
    if lines.keys() <= set(observed.run.orphans):
        return None
    return Outcome(
        event=Event.RECORDED,
        message=f"Removing what {result.version} does not have any more",
        run=replace(observed.run, orphans=tuple(lines)),
        orphaned=tuple(lines.values()),
    )
