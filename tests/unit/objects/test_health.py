# SPDX-License-Identifier: Apache-2.0
"""What a set of objects amounts to, and how people read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.objects.health import (
    Found,
    Health,
    Lasts,
    Status,
    assess,
    failed_early,
    nothing_lasts,
    statuses,
    timed_out,
    waiting_for,
    with_pods,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
LIMIT = timedelta(minutes=5)
DEPLOYMENT = ObjectRef(Kind("apps", "v1", "Deployment"), "flux-system", "source-controller")
BUCKET = ObjectRef(Kind("source.toolkit.fluxcd.io", "v1", "Bucket"), "flux-system", "b")
CRD = ObjectRef(Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"), "", "x.y")


def found(ref: ObjectRef, status: Status, message: str) -> Found:
    """Make a finding."""
    return (ref, Health(status=status, message=message))


def always(_: str) -> bool:
    """Every trouble has lasted."""
    return True


def refused() -> dict[str, Any]:
    """Make a Deployment whose pods are refused."""
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "status": {"conditions": [failure]},
    }


@pytest.mark.parametrize(
    ("lasts", "status"),
    [(nothing_lasts, Status.IN_PROGRESS), (always, Status.FAILED)],
    ids=["soon", "later"],
)
def test_refused_pods_fail_a_deployment_in_time(lasts: Lasts, status: Status) -> None:
    """The reason is shown at once, and is final once it has lasted, whatever its timestamp."""
    health = assess(refused(), NOW, lasts)
    assert health.status is status
    assert health.message == "Replicas: 0/1 created: FailedCreate: exceeded quota"


def test_an_object_that_is_not_in_progress_keeps_its_status() -> None:
    """A leftover condition does not fail what is being deleted, and nothing fails what is not."""
    going = refused()
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert assess(going, NOW).status is Status.TERMINATING
    assert assess(None, NOW).status is Status.NOT_FOUND


def test_a_deployment_without_refused_pods_is_what_kstatus_says() -> None:
    """Nothing is added where nothing is wrong."""
    health = assess({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}}, NOW)
    assert health == Health(status=Status.IN_PROGRESS, message="Replicas: 0/1 created")


def test_the_timestamps_of_others_judge_nothing() -> None:
    """Their clock may be wrong; what counts is how long the trouble has been seen."""
    odd = refused()
    odd["status"]["conditions"][0]["lastTransitionTime"] = "soon"
    assert assess(odd, NOW).status is Status.IN_PROGRESS
    assert assess(odd, NOW, always).status is Status.FAILED


def test_statuses_ask_for_each_object_in_order() -> None:
    """What was applied only says where to look; what is live is judged."""
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}}
        for name in ("b", "a")
    ]
    live = {"a": objects[1]}
    result = statuses(objects, lambda ref: live.get(ref.name), NOW)
    assert [(str(ref), health.status) for ref, health in result] == [
        ("ConfigMap/n/b", Status.NOT_FOUND),
        ("ConfigMap/n/a", Status.CURRENT),
    ]


def pod(name: str, reason: str) -> dict[str, Any]:
    """Make a pod with a container that waits."""
    state = {"waiting": {"reason": reason}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "creationTimestamp": "2026-01-01T11:00:00Z"},
        "status": {"containerStatuses": [{"name": "manager", "state": state}]},
    }


IN_PROGRESS = Health(status=Status.IN_PROGRESS, message="Replicas: 0/2 ready")


def test_a_hopeless_pod_fails_its_workload() -> None:
    """However many other pods may still come."""
    health = with_pods(IN_PROGRESS, [pod("a", "SomethingNew"), pod("b", "ErrImagePull")], always)
    assert health.is_failed
    assert health.message == ("Replicas: 0/2 ready: Pod/n/b: container manager: ErrImagePull")


def test_the_trouble_of_a_pod_is_shown_while_waiting() -> None:
    """The first pod with trouble stands for all."""
    pods = [pod("a", "ContainerCreating"), pod("b", "SomethingNew"), pod("c", "SomethingElse")]
    health = with_pods(IN_PROGRESS, pods, always)
    assert health.status is Status.IN_PROGRESS
    assert health.message == "Replicas: 0/2 ready: Pod/n/b: container manager: SomethingNew"


def test_pods_change_nothing_where_nothing_is_in_progress() -> None:
    """A Deployment that is current may well have a pod that is being replaced."""
    current = Health(status=Status.CURRENT, message="fine")
    assert with_pods(current, [pod("b", "ErrImagePull")], always) is current
    assert with_pods(IN_PROGRESS, [], always) == IN_PROGRESS


def test_what_has_not_lasted_is_waited_for() -> None:
    """Whoever watches the pods says how long a trouble is there already."""
    patient = with_pods(IN_PROGRESS, [pod("b", "ErrImagePull")], nothing_lasts)
    assert patient.status is Status.IN_PROGRESS


def test_failed_early_names_what_failed_and_how_long_it_took() -> None:
    """Objects that are only in progress are not to blame."""
    text = failed_early(
        [
            found(DEPLOYMENT, Status.FAILED, "took too long"),
            found(CRD, Status.IN_PROGRESS, "being installed"),
            found(BUCKET, Status.FAILED, "no such bucket"),
        ],
        timedelta(seconds=12),
        LIMIT,
    )
    assert text == (
        "failed early after 12s of 5m0s: "
        "[Deployment/flux-system/source-controller status: 'Failed': took too long, "
        "Bucket/flux-system/b status: 'Failed']"
        "\nBucket/flux-system/b status: no such bucket"
    )


def test_a_timeout_names_everything_that_is_missing() -> None:
    """Also what does not exist; a cluster-scoped object has no namespace in its name."""
    text = timed_out(
        [
            found(DEPLOYMENT, Status.IN_PROGRESS, "Replicas: 0/1 ready"),
            found(CRD, Status.NOT_FOUND, "The object does not exist"),
            found(BUCKET, Status.IN_PROGRESS, "fetching"),
        ],
        LIMIT,
    )
    assert text == (
        "timeout waiting for: "
        "[Deployment/flux-system/source-controller status: 'InProgress': Replicas: 0/1 ready, "
        "CustomResourceDefinition/x.y status: 'NotFound': The object does not exist, "
        "Bucket/flux-system/b status: 'InProgress'] (limit 5m0s)"
        "\nBucket/flux-system/b status: fetching"
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "Waiting for CustomResourceDefinition/x.y (why)"),
        (5, "Waiting for " + ", ".join(["CustomResourceDefinition/x.y (why)"] * 5)),
        (7, "Waiting for " + ", ".join(["CustomResourceDefinition/x.y (why)"] * 5) + ", 2 more"),
    ],
)
def test_a_wait_names_a_few_objects(count: int, text: str) -> None:
    """A list of thirty objects tells nobody more than five."""
    assert waiting_for([found(CRD, Status.IN_PROGRESS, "why")] * count) == text
