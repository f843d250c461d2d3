# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes events of a step, read off it after it was saved.

Each rule leads from a step to an event or to none, and the rules stand in the order in which
their events appear. A quiet pass, which changed nothing and was asked for by nobody, has none.
What a state means is read off its definition: no state is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from fluxsm.api import duration, names
from fluxsm.api.objects import ObjectRef
from fluxsm.build.distribution import describe_starter
from fluxsm.core import conditions, notification
from fluxsm.core.failure import KEPT
from fluxsm.core.ports import KubernetesEvent
from fluxsm.core.status import describe_refused, is_quiet
from fluxsm.core.step import Step
from fluxsm.machine.events import Event
from fluxsm.machine.triggers import Trigger
from fluxsm.objects import changes

Rule: TypeAlias = Callable[[Step], KubernetesEvent | None]


CANCELING: Final = frozenset({Event.CHANGED, Event.SUSPENDED, Event.DELETED})
"""What interrupts a state because somebody wants something else."""


def events_of(step: Step) -> tuple[KubernetesEvent, ...]:
    """The Kubernetes events of a step, in order."""
    found = (event for rule in RULES if (event := rule(step)) is not None)
    return tuple(replace(event, state=step.entered.state.value) for event in found)


def disabled(step: Step) -> KubernetesEvent | None:
    """Warning ReconciliationDisabled: on suspension, and on each trigger while suspended."""
    if not step.entered.pauses:
        return None
    if not step.moved and step.row.event is not Event.CHANGED:
        return None
    return KubernetesEvent(
        type="Warning", reason=names.RECONCILIATION_DISABLED, message="Reconciliation is disabled"
    )


def health_check_canceled(step: Step) -> KubernetesEvent | None:
    """Normal HealthCheckCanceled: a newer request interrupted the wait for health."""
    if not step.left.canceled or step.row.event not in CANCELING:
        return None
    ref = ObjectRef.of(step.observed.instance.manifest)
    return KubernetesEvent(
        type="Normal",
        reason=step.left.canceled,
        message=f"Health checks canceled by a newer request for {ref}",
    )


def outdated(step: Step) -> KubernetesEvent | None:
    """Normal OutdatedVersion: there is a newer version, ruled out by the spec or the operator."""
    run = step.observed.run
    if step.row.event is not Event.BUILT or run.build is None:
        return None
    if run.trigger in {Trigger.TIMER, Trigger.DRIFT, Trigger.RETRY}:
        return None
    installed, found = run.build.version, []
    if run.latest and run.latest != installed:
        found.append(f"Flux {installed} is outdated, the latest version is {run.latest}")
    if run.refused:
        found.append(describe_refused(run.refused))
    if not found:
        return None
    return KubernetesEvent(type="Normal", reason=names.OUTDATED_VERSION, message="; ".join(found))


def advice(step: Step) -> KubernetesEvent | None:
    """Warning BuildWarning: the spec probably means something else than it says, once for each."""
    run = step.observed.run
    if not _is_first_build(step) or not run.warnings:
        return None
    message = "\n".join(run.warnings)
    return KubernetesEvent(type="Warning", reason=names.BUILD_WARNING, message=message)


def starter(step: Step) -> KubernetesEvent | None:
    """Warning StarterDistribution: what is installed is for evaluation, once for each spec."""
    fetched = step.observed.run.fetched
    if not _is_first_build(step) or fetched is None or not fetched.distribution.is_starter:
        return None
    message = describe_starter(fetched.distribution.source)
    return KubernetesEvent(type="Warning", reason=names.STARTER_DISTRIBUTION, message=message)


def _is_first_build(step: Step) -> bool:
    """Whether a spec was built for the first time, as far as this process knows."""
    run = step.observed.run
    asked = run.trigger in {Trigger.START, Trigger.CHANGE} and run.retries is None
    return step.row.event is Event.BUILT and asked and not run.was_ready


def progressing(step: Step) -> KubernetesEvent | None:
    """Normal Progressing: a revision is being installed that was not attempted before."""
    build = step.observed.run.build
    if step.row.event is not Event.RECORDED or build is None:
        return None
    attempted = step.observed.instance.status.last_attempted_revision
    if attempted == build.revision:
        return None
    verb = "Upgrading to" if attempted else "Installing"
    return KubernetesEvent(
        type="Normal", reason=names.PROGRESSING, message=f"{verb} revision {build.revision}"
    )


def drift_detected(step: Step) -> KubernetesEvent | None:
    """Warning DriftDetected: managed objects were changed or deleted by somebody else."""
    if step.row.event is not Event.DRIFTED:
        return None
    return KubernetesEvent(
        type="Warning", reason=names.DRIFT_DETECTED, message=step.outcome.message
    )


def taken_over(step: Step) -> KubernetesEvent | None:
    """Warning DriftDetected: what others had added to managed objects is taken over by a run."""
    return _listed("Warning", names.DRIFT_DETECTED, step.outcome.taken)


def orphaned(step: Step) -> KubernetesEvent | None:
    """Normal WorkloadsKept: an object of Flux goes, and what it deployed stays."""
    return _listed("Normal", names.WORKLOADS_KEPT, step.outcome.orphaned)


def definitions_kept(step: Step) -> KubernetesEvent | None:
    """Warning DefinitionsKept: a component is gone, but not the kinds that still have objects."""
    asked = step.observed.run.trigger in {Trigger.START, Trigger.CHANGE}
    if not step.outcome.kept or not asked:
        return None
    message = f"{'; '.join(step.outcome.kept)}; delete these objects, or put the component back"
    return KubernetesEvent(type="Warning", reason=names.DEFINITIONS_KEPT, message=message)


def sync_suspended(step: Step) -> KubernetesEvent | None:
    """Normal SyncSuspended: somebody has suspended an object of the sync, and it stays so."""
    return _listed("Normal", names.SYNC_SUSPENDED, step.outcome.suspended)


def _listed(
    type_: Literal["Normal", "Warning"], reason: str, lines: Sequence[str]
) -> KubernetesEvent | None:
    """An event with a line for each object, None without any."""
    return KubernetesEvent(type=type_, reason=reason, message="; ".join(lines)) if lines else None


def failed(step: Step) -> KubernetesEvent | None:
    """Warning with the Ready reason: a run failed."""
    failure = step.memory.run.failure
    if not step.entered.fails or not step.moved or failure is None:
        return None
    return KubernetesEvent(
        type="Warning",
        reason=failure.reason,
        message=str(failure),
        annotations=metadata(step),
        notified=True,
    )


def upgrade_blocked(step: Step) -> KubernetesEvent | None:
    """Warning with the reason: an upgrade that nobody asked for could not be fetched or built."""
    blocked = step.memory.process.blocked
    if step.row.event is not Event.BLOCKED or blocked is None:
        return None
    return KubernetesEvent(
        type="Warning",
        reason=blocked.reason,
        message=f"{blocked} {KEPT}",
        annotations=metadata(step),
        notified=True,
    )


def fault(step: Step) -> KubernetesEvent | None:
    """Warning with the reason: something failed that does not end the stay, once for each text."""
    failure = step.outcome.failure
    if step.moved or step.row.event not in {Event.FAULT, Event.EXPIRED} or failure is None:
        return None
    if failure.message == step.observed.stay.reported or _may_pass(step):
        return None
    return KubernetesEvent(type="Warning", reason=failure.reason, message=str(failure))


def _may_pass(step: Step) -> bool:
    """Whether a guard keeps the state because the same is tried again within seconds."""
    return step.row.guard is not None


def changed(step: Step) -> KubernetesEvent | None:
    """Normal ReconciliationSucceeded: what a run changed, object by object."""
    build = step.observed.run.build
    if not step.entered.succeeds or not step.moved or build is None:
        return None
    lines = changes.lines(step.observed.run.changes)
    if not lines:
        return None
    installed = not step.observed.instance.status.last_applied_revision
    return KubernetesEvent(
        type="Normal",
        reason=names.RECONCILIATION_SUCCEEDED,
        message=changes.message(build.version, lines, installed=installed),
        annotations=metadata(step),
        notified=True,
    )


def finished(step: Step) -> KubernetesEvent | None:
    """Normal ReconciliationSucceeded: a run that somebody asked for, or that changed a thing."""
    if not step.entered.succeeds or not step.moved or step.row.event is Event.BLOCKED:
        return None
    run = step.memory.run
    if is_quiet(step.observed.instance.saved, step.entered, step.memory) or run.build is None:
        return None
    took = duration.format_elapsed(step.observed.tick - run.started)
    return KubernetesEvent(
        type="Normal",
        reason=names.RECONCILIATION_SUCCEEDED,
        message=f"Reconciliation finished in {took}",
        annotations={names.REVISION_ANNOTATION: run.build.revision},
    )


def verified(step: Step) -> KubernetesEvent | None:
    """Normal Verified: an artifact was installed that has the signature that was asked for."""
    said = conditions.find(step.status.get("conditions") or [], names.VERIFIED)
    if said is None or not step.entered.succeeds:
        return None
    before = step.observed.instance.condition(names.VERIFIED)
    if before is not None and before.message == said["message"]:
        return None
    return KubernetesEvent(type="Normal", reason=names.VERIFIED, message=str(said["message"]))


def leftovers(step: Step) -> KubernetesEvent | None:
    """Warning: the instance is gone, but not everything that it had installed."""
    if step.row.event is not Event.UNINSTALLED or not step.outcome.message:
        return None
    return KubernetesEvent(
        type="Warning", reason=names.RECONCILIATION_FAILED, message=step.outcome.message
    )


def metadata(step: Step) -> Mapping[str, str]:
    """The annotations of a notified event: the revision, and what the instance asks to add."""
    revision = str(step.status.get("lastAttemptedRevision", ""))
    return notification.metadata(step.observed.instance.metadata.annotations, revision)


RULES: Iterable[Rule] = (
    disabled,
    health_check_canceled,
    outdated,
    advice,
    starter,
    progressing,
    drift_detected,
    taken_over,
    orphaned,
    definitions_kept,
    sync_suspended,
    failed,
    upgrade_blocked,
    fault,
    changed,
    verified,
    finished,
    leftovers,
)
