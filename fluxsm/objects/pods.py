# SPDX-License-Identifier: Apache-2.0
"""What the pods of a workload tell about why it does not get ready, and whether it ever will.

A Deployment only says how many of its pods are ready. The reason is in the pods, and for some
reasons there is no point in waiting until time is up. To fail too early is noise, so what often
clears up by itself gets a period of grace:

* An image that cannot be pulled, a Secret that is missing, a container that cannot be created:
  registries hiccup, and Secrets are created in parallel. The kubelet tries at once, after 10 s and
  after 30 s; what is still so after `START_GRACE` has failed three times.
* A container that crashes: controllers exit when the API server or DNS is not there yet. It has
  to be in `CrashLoopBackOff` after `RESTARTS` restarts, that is about half a minute of crashes.
* Pods that cannot be created (quota, admission): a fresh quota has no numbers yet, and a webhook
  may be starting. By the end of `START_GRACE` the ReplicaSet has tried a dozen times.
* A pod that cannot be scheduled is never hopeless: a cluster autoscaler needs minutes for a node.
  The reason is shown while waiting, and time decides.

A name of an image that cannot be parsed is the only thing that is hopeless at once, together with
an image that must be on the node already and is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeAlias

from fluxsm.api.objects import Manifest
from fluxsm.errors import MalformedError
from fluxsm.objects import manifest
from fluxsm.objects.kstatus import find_condition

START_GRACE: Final = timedelta(seconds=40)
"""How long what may clear up by itself has to persist."""

RESTARTS: Final = 3
"""How often a crashing container must have been restarted."""

HOPELESS: Final = frozenset({"InvalidImageName", "ErrImageNeverPull"})
"""Reasons that only another manifest can cure."""

LASTING: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
"""Reasons that are hopeless once they have lasted for the grace period."""

ORDINARY: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Reasons that every container has for a moment."""

REVISION: Final = "deployment.kubernetes.io/revision"
"""Annotation by which a Deployment tells which of its ReplicaSets is the current one."""


Lasts: TypeAlias = Callable[[str], bool]
"""Whether a trouble, by its key, has been seen for the whole grace period. The times that objects
carry are those of another machine, so they are not compared with the clock of this one."""


def pod_failure(pod: Manifest, lasts: Lasts) -> str | None:
    """Return why a pod will never start, or None while it may.

    Args:
        pod: a pod of the current generation of its workload.
        lasts: which troubles have lasted.
    """
    try:
        if manifest.read(pod, "metadata", "deletionTimestamp") is not None:
            return None
        for container in _waiting_containers(pod):
            if _is_hopeless(pod, container, lasts):
                return _describe(container)
    except MalformedError:
        return None  # pods only help to fail sooner; one that makes no sense does not
    return None


def pod_trouble(pod: Manifest) -> str | None:
    """Return what keeps a pod from being ready, hopeless or not; None if it tells of nothing."""
    try:
        if manifest.read(pod, "metadata", "deletionTimestamp") is not None:
            return None
        for container in _waiting_containers(pod):
            if _reason(container) not in ORDINARY:
                return _describe(container)
        scheduled = find_condition(pod, "PodScheduled")
        if scheduled is not None and scheduled.get("status") == "False":
            return _join(
                manifest.text(scheduled, "reason") or "Unschedulable",
                manifest.text(scheduled, "message"),
            )
    except MalformedError:
        return None
    return None


def replica_failure(workload: Manifest) -> str | None:
    """Return why a Deployment's or ReplicaSet's pods cannot be created, None if they can.

    Quota and admission (a policy, a webhook) are the usual reasons; the message names them.

    Raises:
        MalformedError: the conditions are not a list of objects.
    """
    failure = find_condition(workload, "ReplicaFailure")
    if failure is None or failure.get("status") != "True":
        return None
    return _join(
        manifest.text(failure, "reason") or "ReplicaFailure", manifest.text(failure, "message")
    )


def troubles(obj: Manifest) -> Iterator[str]:
    """The keys of all troubles of a workload or pod that count only once they have lasted."""
    try:
        if replica_failure(obj) is not None:
            yield replica_key(obj)
        for container in _waiting_containers(obj):
            if _reason(container) in LASTING:
                yield _key(obj, container)
    except MalformedError:
        return


def replica_key(workload: Manifest) -> str:
    """The key of a workload whose pods cannot be created."""
    return f"{_uid(workload)}/ReplicaFailure"


def _key(pod: Manifest, container: Mapping[str, Any]) -> str:
    """The key of a container that waits: all lasting reasons are one trouble, they alternate."""
    return f"{_uid(pod)}/{manifest.text(container, 'name')}"


def current_pods(
    deployment: Manifest, replica_sets: Iterable[Manifest], pods: Iterable[Manifest]
) -> list[Manifest]:
    """Return the pods that a Deployment's current manifest asks for.

    While a broken revision is being replaced, its pods are still there: they say nothing about
    the new one. The current ReplicaSet is the one whose revision is that of the Deployment. As
    long as the Deployment is not observed there is none, and so there are no pods either.

    Args:
        deployment: the live Deployment.
        replica_sets: ReplicaSets that its selector matches.
        pods: pods that its selector matches.
    """
    revision = manifest.annotations_of(deployment).get(REVISION)
    if revision is None or _is_unobserved(deployment):
        return []
    current = [
        _uid(item)
        for item in replica_sets
        if manifest.annotations_of(item).get(REVISION) == revision
        and _uid(deployment) in _owners(item)
    ]
    return [pod for pod in pods if any(uid in _owners(pod) for uid in current)]


def _is_unobserved(obj: Manifest) -> bool:
    generation = manifest.read(obj, "metadata", "generation")
    return generation is not None and generation != manifest.read(
        obj, "status", "observedGeneration"
    )


def _uid(obj: Mapping[str, Any]) -> str:
    return manifest.text(obj, "metadata", "uid")


def _owners(obj: Manifest) -> Sequence[str]:
    return [
        manifest.text(owner, "uid")
        for owner in manifest.entries(obj, "metadata", "ownerReferences")
    ]


def _waiting_containers(pod: Manifest) -> Iterator[Mapping[str, Any]]:
    """The statuses of containers that wait, in the order in which containers start."""
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in manifest.entries(pod, "status", key):
            if manifest.read(container, "state", "waiting") is not None:
                yield container


def _reason(container: Mapping[str, Any]) -> str:
    return manifest.text(container, "state", "waiting", "reason")


def _is_hopeless(pod: Manifest, container: Mapping[str, Any], lasts: Lasts) -> bool:
    reason = _reason(container)
    if reason == "CrashLoopBackOff":
        return manifest.number(container, "restartCount") >= RESTARTS
    if reason in LASTING:
        return lasts(_key(pod, container))
    return reason in HOPELESS


def _describe(container: Mapping[str, Any]) -> str:
    """What a container waits for, and how it ended the last time if it crashes."""
    text = _join(
        f"container {manifest.text(container, 'name')}: {_reason(container)}",
        manifest.text(container, "state", "waiting", "message"),
    )
    ended = manifest.mapping(container, "lastState", "terminated")
    if not ended:
        return text
    reason = manifest.text(ended, "reason") or "Error"
    return f"{text} (last exit: {reason}, code {manifest.number(ended, 'exitCode')})"


def _join(reason: str, message: str) -> str:
    return f"{reason}: {message}" if message else reason
