# SPDX-License-Identifier: Apache-2.0
"""Pods that will never start are distinguished from pods that only need time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.objects.pods import (
    HOPELESS,
    LASTING,
    RESTARTS,
    REVISION,
    Lasts,
    current_pods,
    pod_failure,
    pod_trouble,
    replica_failure,
    replica_key,
    troubles,
)

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def soon(_: str) -> bool:
    """Nothing has lasted yet."""
    return False


def later(_: str) -> bool:
    """Everything has lasted."""
    return True


def stamp(moment: datetime) -> str:
    """Write a time as Kubernetes does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def waiting(
    reason: str,
    message: str = "",
    *,
    restarts: int = 0,
    ended: dict[str, Any] | None = None,
    key: str = "containerStatuses",
) -> dict[str, Any]:
    """Make a pod whose second container waits."""
    container: dict[str, Any] = {
        "name": "manager",
        "restartCount": restarts,
        "state": {"waiting": {"reason": reason, "message": message}},
    }
    if ended is not None:
        container["lastState"] = {"terminated": ended}
    running = {"name": "proxy", "state": {"running": {"startedAt": stamp(START)}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "creationTimestamp": stamp(START - timedelta(seconds=9))},
        "status": {"phase": "Pending", "startTime": stamp(START), key: [running, container]},
    }


def unscheduled(reason: str = "Unschedulable") -> dict[str, Any]:
    """Make a pod that has waited for a node for ages."""
    placed = {
        "type": "PodScheduled",
        "status": "False",
        "reason": reason,
        "message": "0/3 nodes are available",
    }
    return {
        "metadata": {"name": "p", "creationTimestamp": stamp(START - timedelta(hours=1))},
        "status": {"phase": "Pending", "conditions": [placed]},
    }


@pytest.mark.parametrize("reason", sorted(HOPELESS))
def test_what_only_another_manifest_cures_fails_at_once(reason: str) -> None:
    """There is nothing to wait for."""
    failure = pod_failure(waiting(reason, "look here"), soon)
    assert failure == f"container manager: {reason}: look here"


@pytest.mark.parametrize("reason", sorted(LASTING))
def test_what_may_clear_up_fails_after_the_grace_period(reason: str) -> None:
    """Registries hiccup and Secrets come late, so three tries are granted."""
    pod = waiting(reason, "no")
    assert pod_failure(pod, soon) is None
    failure = pod_failure(pod, later)
    assert failure is not None
    assert reason in failure


def test_a_trouble_is_known_by_the_pod_and_its_container() -> None:
    """Reasons that may clear up alternate, so they are one trouble; other reasons are none."""
    pod = waiting("ImagePullBackOff")
    pod["metadata"]["uid"] = "u"
    assert list(troubles(pod)) == ["u/manager"]
    assert list(troubles(waiting("CrashLoopBackOff"))) == []
    assert list(troubles({"status": "broken"})) == []


@pytest.mark.parametrize(("known", "fails"), [("u/manager", True), ("v/manager", False)])
def test_only_the_trouble_of_this_very_pod_counts(known: str, fails: bool) -> None:
    """A new pod has its own grace period."""
    pod = waiting("ImagePullBackOff")
    pod["metadata"]["uid"] = "u"
    lasts: Lasts = known.__eq__
    assert (pod_failure(pod, lasts) is not None) is fails


@pytest.mark.parametrize("key", ["initContainerStatuses", "containerStatuses"])
def test_every_container_counts(key: str) -> None:
    """A broken init container keeps a pod from starting as well."""
    assert pod_failure(waiting("InvalidImageName", key=key), soon) is not None


def test_a_crash_is_hopeless_after_some_restarts() -> None:
    """Controllers exit when something they need is not there yet; that settles by itself."""
    assert pod_failure(waiting("CrashLoopBackOff", restarts=RESTARTS - 1), later) is None
    ended = {"reason": "OOMKilled", "exitCode": 137}
    failure = pod_failure(waiting("CrashLoopBackOff", restarts=RESTARTS, ended=ended), soon)
    assert failure == "container manager: CrashLoopBackOff (last exit: OOMKilled, code 137)"


def test_an_exit_without_a_reason_is_an_error() -> None:
    """Some container runtimes do not name a reason."""
    failure = pod_failure(
        waiting("CrashLoopBackOff", restarts=RESTARTS, ended={"exitCode": 1}), soon
    )
    assert failure is not None
    assert failure.endswith("(last exit: Error, code 1)")


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(waiting("ContainerCreating"), id="a container is being created"),
        pytest.param(waiting("PodInitializing"), id="init containers are running"),
        pytest.param(waiting("SomethingNew"), id="a reason that nobody knows"),
        pytest.param(unscheduled(), id="an autoscaler may bring a node"),
        pytest.param({"metadata": {"name": "p"}}, id="nothing is known yet"),
        pytest.param(waiting("ErrImagePull") | {"status": "broken"}, id="the status is broken"),
    ],
)
def test_what_does_not_fail(pod: dict[str, Any]) -> None:
    """Time decides about these."""
    assert pod_failure(pod, later) is None


def test_a_pod_that_is_going_says_nothing() -> None:
    """What is wrong with a pod under deletion is of no interest any more."""
    pod = waiting("InvalidImageName")
    pod["metadata"]["deletionTimestamp"] = stamp(START)
    assert pod_failure(pod, later) is None
    assert pod_trouble(pod) is None


@pytest.mark.parametrize(
    ("pod", "trouble"),
    [
        pytest.param(
            waiting("ErrImagePull", "not found"),
            "container manager: ErrImagePull: not found",
            id="a container waits",
        ),
        pytest.param(waiting("ContainerCreating"), None, id="every container waits for that"),
        pytest.param(
            unscheduled(), "Unschedulable: 0/3 nodes are available", id="no node was found"
        ),
        pytest.param(
            unscheduled(""), "Unschedulable: 0/3 nodes are available", id="not even a reason"
        ),
        pytest.param({"metadata": {}}, None, id="nothing is known"),
        pytest.param(
            {"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}},
            None,
            id="a node was found",
        ),
        pytest.param({"status": 1}, None, id="the status is broken"),
    ],
)
def test_trouble(pod: dict[str, Any], trouble: str | None) -> None:
    """While waiting, the reason is shown whether or not it is hopeless."""
    assert pod_trouble(pod) == trouble


def refused(status: str = "True") -> dict[str, Any]:
    """Make a Deployment whose pods are refused since the start."""
    failure = {
        "type": "ReplicaFailure",
        "status": status,
        "reason": "FailedCreate",
        "message": "exceeded quota",
        "lastTransitionTime": stamp(START),
    }
    return {"kind": "Deployment", "status": {"conditions": [failure]}}


def test_pods_that_cannot_be_created() -> None:
    """The workload's condition names the quota or the policy."""
    assert replica_failure(refused()) == "FailedCreate: exceeded quota"
    assert replica_failure(refused("False")) is None
    assert replica_failure({"kind": "Deployment"}) is None


def test_refused_pods_are_a_trouble_of_their_workload() -> None:
    """A fresh quota refuses pods for a moment, so only what lasts is hopeless."""
    workload = refused() | {"metadata": {"uid": "u"}}
    assert list(troubles(workload)) == [replica_key(workload)] == ["u/ReplicaFailure"]
    assert list(troubles(refused("False"))) == []


def owned(kind: str, uid: str, owner: str, revision: str = "") -> dict[str, Any]:
    """Make an object with an owner."""
    metadata: dict[str, Any] = {"name": uid, "uid": uid, "ownerReferences": [{"uid": owner}]}
    if revision:
        metadata["annotations"] = {REVISION: revision}
    return {"kind": kind, "metadata": metadata}


def deployment(revision: str | None = "2", *, observed: int = 3) -> dict[str, Any]:
    """Make a Deployment at its second revision."""
    metadata: dict[str, Any] = {"name": "d", "uid": "d", "generation": 3}
    if revision is not None:
        metadata["annotations"] = {REVISION: revision}
    return {"metadata": metadata, "status": {"observedGeneration": observed}}


REPLICA_SETS = [
    owned("ReplicaSet", "old", "d", "1"),
    owned("ReplicaSet", "new", "d", "2"),
    owned("ReplicaSet", "foreign", "x", "2"),
]
PODS = [
    owned("Pod", "broken", "old"),
    owned("Pod", "fresh", "new"),
    owned("Pod", "other", "foreign"),
    {"kind": "Pod", "metadata": {"name": "bare"}},
]


def test_only_the_pods_of_the_current_revision_count() -> None:
    """A broken revision that is being replaced must not fail its replacement."""
    pods = current_pods(deployment(), REPLICA_SETS, PODS)
    assert [pod["metadata"]["name"] for pod in pods] == ["fresh"]


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(deployment(None), id="no revision was given yet"),
        pytest.param(deployment(observed=2), id="the manifest is not observed yet"),
        pytest.param(deployment("3"), id="the ReplicaSet does not exist yet"),
    ],
)
def test_no_pods_without_a_current_replica_set(live: dict[str, Any]) -> None:
    """As long as it is not known which pods are the new ones, none is judged."""
    assert current_pods(live, REPLICA_SETS, PODS) == []
