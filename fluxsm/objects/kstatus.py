# SPDX-License-Identifier: Apache-2.0
"""Whether an object has become what its manifest asks for: the kstatus rules.

The same answer that `flux`, `kpt` and other tools give for the kinds of a Flux installation.
An object is looked at alone; what its pods tell in addition is in `pods`, and what a whole set of
objects amounts to is in `health`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, TypeAlias

from fluxsm.api.objects import Kind, Manifest
from fluxsm.errors import MalformedError
from fluxsm.objects import manifest
from fluxsm.objects.timestamp import parse_time

UNSCHEDULABLE_GRACE: Final = timedelta(seconds=15)
"""How long after its creation a pod may be unschedulable before kstatus calls it failed."""

NO_DEADLINE: Final = 2**31 - 1
"""The `progressDeadlineSeconds` by which Kubernetes writes "no deadline"."""


class Status(Enum):
    """The kstatus of an object."""

    CURRENT = "Current"
    """It is what its manifest asks for."""

    IN_PROGRESS = "InProgress"
    """Its controller is still working on it."""

    FAILED = "Failed"
    """Its controller has given up or met an error."""

    TERMINATING = "Terminating"
    """It is being deleted."""

    NOT_FOUND = "NotFound"
    """It does not exist."""

    UNKNOWN = "Unknown"
    """It could not be read or does not make sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The status of one object and why it is so.

    Attributes:
        status: the kstatus.
        message: what it waits for or what is wrong, for people.
    """

    status: Status
    message: str

    @property
    def is_current(self) -> bool:
        """Whether the object is what its manifest asks for."""
        return self.status is Status.CURRENT

    @property
    def is_failed(self) -> bool:
        """Whether the object's controller has given up."""
        return self.status is Status.FAILED

    def __str__(self) -> str:
        """Return the text shown in reports, as in `Current Deployment is available. ...`."""
        return f"{self.status.value} {self.message}"


Rule: TypeAlias = Callable[[Manifest, datetime], Health]


def status_of(obj: Manifest | None, now: datetime) -> Health:
    """Compute the kstatus of an object.

    Args:
        obj: the live object, or None when the API server says that it does not exist.
        now: the current time; only the grace period of unschedulable pods depends on it.
    """
    if obj is None:
        return Health(status=Status.NOT_FOUND, message="The object does not exist")
    try:
        generic = _generic(obj)
        if generic is not None:
            return generic
        kind = Kind.of(obj)
        rule = RULES.get((kind.group, kind.kind), _by_ready_condition)
        return rule(obj, now)
    except MalformedError as error:
        return Health(status=Status.UNKNOWN, message=str(error))


def find_condition(obj: Manifest, type_: str) -> Mapping[str, Any] | None:
    """Return the condition of this type from an object's status, or None.

    Raises:
        MalformedError: the conditions are not a list of objects.
    """
    for condition in manifest.entries(obj, "status", "conditions"):
        if condition.get("type") == type_:
            return condition
    return None


def _current(message: str) -> Health:
    return Health(status=Status.CURRENT, message=message)


def _in_progress(message: str) -> Health:
    return Health(status=Status.IN_PROGRESS, message=message)


def _failed(message: str) -> Health:
    return Health(status=Status.FAILED, message=message)


def _holds(condition: Mapping[str, Any] | None) -> bool:
    return condition is not None and condition.get("status") == "True"


def _message(condition: Mapping[str, Any], default: str) -> str:
    return manifest.text(condition, "message") or manifest.text(condition, "reason") or default


def _first(*waits: tuple[bool, str]) -> Health | None:
    """In progress because of the first wait that applies, None when none does."""
    for applies, message in waits:
        if applies:
            return _in_progress(message)
    return None


def _generic(obj: Manifest) -> Health | None:
    """The rules for every kind; None leaves the decision to the kind."""
    if manifest.read(obj, "metadata", "deletionTimestamp") is not None:
        return Health(status=Status.TERMINATING, message="The object is being deleted")
    generation = manifest.read(obj, "metadata", "generation")
    observed = manifest.read(obj, "status", "observedGeneration")
    if generation is not None and observed is not None and generation != observed:
        return _in_progress(f"Generation {generation} is not yet observed, the last was {observed}")
    reconciling = find_condition(obj, "Reconciling")
    if reconciling is not None and _holds(reconciling):
        return _in_progress(_message(reconciling, "Reconciling"))
    stalled = find_condition(obj, "Stalled")
    if stalled is not None and _holds(stalled):
        return _failed(_message(stalled, "Stalled"))
    return None


def _by_ready_condition(obj: Manifest, _: datetime) -> Health:
    ready = find_condition(obj, "Ready")
    if ready is None:
        return _current("Resource is current")
    match ready.get("status"):
        case "True":
            return _current(_message(ready, "Resource is Ready"))
        case "False" | "Unknown":
            return _in_progress(_message(ready, "Resource is not Ready"))
        case _:
            return _current("Resource is current")


def _always(message: str) -> Rule:
    return lambda _obj, _now: _current(message)


def _deployment(obj: Manifest, _: datetime) -> Health:
    progressing = find_condition(obj, "Progressing")
    if progressing is not None and progressing.get("reason") == "ProgressDeadlineExceeded":
        return _failed(_message(progressing, "Progress deadline exceeded"))
    want = manifest.number(obj, "spec", "replicas", default=1)
    replicas = manifest.number(obj, "status", "replicas")
    updated = manifest.number(obj, "status", "updatedReplicas")
    available = manifest.number(obj, "status", "availableReplicas")
    ready = manifest.number(obj, "status", "readyReplicas")
    deadline = manifest.number(obj, "spec", "progressDeadlineSeconds", default=NO_DEADLINE)
    rolled_out = (
        progressing is not None
        and _holds(progressing)
        and progressing.get("reason") == "NewReplicaSetAvailable"
    )
    waiting = _first(
        (want > replicas, f"Replicas: {replicas}/{want} created"),
        (want > updated, f"Replicas: {updated}/{want} updated"),
        (replicas > want, f"Replicas: {replicas - want} old to terminate"),
        (updated > available, f"Replicas: {available}/{updated} available"),
        (want > ready, f"Replicas: {ready}/{want} ready"),
        (not rolled_out and deadline != NO_DEADLINE, "The new ReplicaSet is not yet available"),
        (not _holds(find_condition(obj, "Available")), "The Deployment is not yet available"),
    )
    return waiting or _current(f"Deployment is available. Replicas: {replicas}")


def _stateful_set(obj: Manifest, _: datetime) -> Health:
    if manifest.text(obj, "spec", "updateStrategy", "type") == "OnDelete":
        return _current("StatefulSet is updated when its pods are deleted")
    want = manifest.number(obj, "spec", "replicas", default=1)
    replicas = manifest.number(obj, "status", "replicas")
    ready = manifest.number(obj, "status", "readyReplicas")
    updated = manifest.number(obj, "status", "updatedReplicas")
    current = manifest.number(obj, "status", "currentReplicas")
    waiting = _first(
        (want > replicas, f"Replicas: {replicas}/{want} created"),
        (want > ready, f"Replicas: {ready}/{want} ready"),
        (replicas > want, f"Replicas: {replicas - want} old to terminate"),
    )
    if waiting is not None:
        return waiting
    partition = manifest.read(obj, "spec", "updateStrategy", "rollingUpdate", "partition")
    if partition is not None:
        due = want - manifest.number(obj, "spec", "updateStrategy", "rollingUpdate", "partition")
        return _first((updated < due, f"Replicas: {updated}/{due} updated")) or _current(
            f"Partition is rolled out. Replicas: {updated} updated"
        )
    old, new = (
        manifest.text(obj, "status", "currentRevision"),
        manifest.text(obj, "status", "updateRevision"),
    )
    return _first(
        (want > current, f"Replicas: {current}/{want} current"),
        (old != new, f"Replicas: revision {old or 'none'} is being replaced by {new or 'none'}"),
    ) or _current(f"All replicas are current. Replicas: {replicas}")


def _daemon_set(obj: Manifest, _: datetime) -> Health:
    unseen = (
        manifest.read(obj, "metadata", "generation") is None
        or manifest.read(obj, "status", "observedGeneration") is None
    )
    unplanned = manifest.read(obj, "status", "desiredNumberScheduled") is None
    want = manifest.number(obj, "status", "desiredNumberScheduled")
    scheduled = manifest.number(obj, "status", "currentNumberScheduled")
    updated = manifest.number(obj, "status", "updatedNumberScheduled")
    available = manifest.number(obj, "status", "numberAvailable")
    ready = manifest.number(obj, "status", "numberReady")
    waiting = _first(
        (unseen, "The DaemonSet is not yet observed"),
        (unplanned, "The number of pods is not yet known"),
        (want > scheduled, f"Pods: {scheduled}/{want} scheduled"),
        (want > updated, f"Pods: {updated}/{want} updated"),
        (want > available, f"Pods: {available}/{want} available"),
        (want > ready, f"Pods: {ready}/{want} ready"),
    )
    return waiting or _current(f"All pods are scheduled and ready. Pods: {want}")


def _replica_set(obj: Manifest, _: datetime) -> Health:
    failure = find_condition(obj, "ReplicaFailure")
    if failure is not None and _holds(failure):
        return _in_progress(_message(failure, "Pods cannot be created"))
    want = manifest.number(obj, "spec", "replicas", default=1)
    labelled = manifest.number(obj, "status", "fullyLabeledReplicas")
    available = manifest.number(obj, "status", "availableReplicas")
    ready = manifest.number(obj, "status", "readyReplicas")
    replicas = manifest.number(obj, "status", "replicas")
    waiting = _first(
        (want > labelled, f"Replicas: {labelled}/{want} labelled"),
        (want > available, f"Replicas: {available}/{want} available"),
        (want > ready, f"Replicas: {ready}/{want} ready"),
        (replicas > want, f"Replicas: {replicas - want} to terminate"),
    )
    return waiting or _current(f"ReplicaSet is available. Replicas: {replicas}")


def _job(obj: Manifest, _: datetime) -> Health:
    if manifest.read(obj, "spec", "suspend") is True:
        return _current("Job is suspended")
    if _holds(find_condition(obj, "Complete")):
        return _current("Job is complete")
    failed = find_condition(obj, "Failed")
    if failed is not None and _holds(failed):
        return _failed(_message(failed, "Job failed"))
    if not manifest.text(obj, "status", "startTime"):
        return _in_progress("Job is not started")
    return _in_progress("Job is running")


def _pod(obj: Manifest, now: datetime) -> Health:
    match manifest.text(obj, "status", "phase"):
        case "Succeeded":
            return _current("Pod has completed")
        case "Failed":
            return _current("Pod has ended with a failure")
        case "Running":
            return _running_pod(obj)
        case "Pending":
            return _pending_pod(obj, now)
        case "":
            return _in_progress("Pod phase is not yet known")
        case phase:
            raise MalformedError(f"Pod phase {phase!r} is unknown")


def _running_pod(obj: Manifest) -> Health:
    if _holds(find_condition(obj, "Ready")):
        return _current("Pod is ready")
    crashed = [
        manifest.text(container, "name")
        for key in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        for container in manifest.entries(obj, "status", key)
        if manifest.text(container, "state", "waiting", "reason") == "CrashLoopBackOff"
    ]
    if crashed:
        return _failed(f"Containers crash again and again: {', '.join(crashed)}")
    return _in_progress("Pod is running but not ready")


def _pending_pod(obj: Manifest, now: datetime) -> Health:
    scheduled = find_condition(obj, "PodScheduled")
    if (
        scheduled is None
        or scheduled.get("status") != "False"
        or scheduled.get("reason") != "Unschedulable"
    ):
        return _in_progress("Pod is not yet running")
    message = _message(scheduled, "Pod cannot be scheduled")
    age = now - parse_time(manifest.text(obj, "metadata", "creationTimestamp"))
    return _failed(message) if age >= UNSCHEDULABLE_GRACE else _in_progress(message)


def _claim(obj: Manifest, _: datetime) -> Health:
    phase = manifest.text(obj, "status", "phase")
    if phase == "Bound":
        return _current("PersistentVolumeClaim is bound")
    return _in_progress(f"PersistentVolumeClaim is not bound but {phase or 'new'}")


def _service(obj: Manifest, _: datetime) -> Health:
    balanced = manifest.text(obj, "spec", "type") == "LoadBalancer"
    if balanced and not manifest.text(obj, "spec", "clusterIP"):
        return _in_progress("The Service has no cluster address yet")
    return _current("Service is ready")


def _definition(obj: Manifest, _: datetime) -> Health:
    for condition in manifest.entries(obj, "status", "conditions"):
        match (condition.get("type"), condition.get("status")):
            case ("NamesAccepted", "False"):
                return _failed(_message(condition, "Names are not accepted"))
            case ("Established", "False") if condition.get("reason") != "Installing":
                return _failed(_message(condition, "CRD is not established"))
            case ("Established", "True"):
                return _current("CRD is established")
            case _:
                continue
    return _in_progress("CRD is being installed")


RULES: Final[Mapping[tuple[str, str], Rule]] = {
    ("apps", "Deployment"): _deployment,
    ("extensions", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("extensions", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("extensions", "ReplicaSet"): _replica_set,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _always("CronJob is always current"),
    ("", "ConfigMap"): _always("ConfigMap is always current"),
    ("", "Secret"): _always("Secret is always current"),
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Service"): _service,
    ("policy", "PodDisruptionBudget"): _always("PodDisruptionBudget is observed"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
}
"""The rule of each kind that has its own, by group and kind; other kinds go by `Ready`."""
