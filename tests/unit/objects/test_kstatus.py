# SPDX-License-Identifier: Apache-2.0
"""The kstatus of every kind that an installation of Flux can hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.objects.kstatus import NO_DEADLINE, Health, Status, find_condition, status_of

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
CURRENT, IN_PROGRESS, FAILED, UNKNOWN = (
    Status.CURRENT,
    Status.IN_PROGRESS,
    Status.FAILED,
    Status.UNKNOWN,
)


def make(
    api_version: str,
    kind: str,
    *,
    spec: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """Make an object of a kind."""
    obj: dict[str, Any] = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}}
    obj["metadata"].update(metadata)
    if spec is not None:
        obj["spec"] = spec
    if status is not None:
        obj["status"] = status
    return obj


def condition(type_: str, status: str, reason: str = "", message: str = "") -> dict[str, str]:
    """Make a condition."""
    return {"type": type_, "status": status, "reason": reason, "message": message}


def rolled_out(**changes: Any) -> dict[str, Any]:
    """Make the status of a Deployment whose two replicas are all there, then change it."""
    status = {
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 2,
        "readyReplicas": 2,
        "conditions": [
            condition("Progressing", "True", "NewReplicaSetAvailable"),
            condition("Available", "True"),
        ],
    }
    return status | changes


def check(obj: dict[str, Any], status: Status, message: str) -> None:
    """Check a status and that its message tells of something."""
    health = status_of(obj, NOW)
    assert health.status is status
    assert message in health.message


def test_an_absent_object_is_not_found() -> None:
    """Nothing else is asked about an object that does not exist."""
    assert status_of(None, NOW).status is Status.NOT_FOUND


def test_a_health_answers_the_two_questions_of_a_wait() -> None:
    """Whether it is over, and whether it is hopeless; every other status means to go on."""
    answers = {
        status: (health.is_current, health.is_failed)
        for status in Status
        for health in [Health(status=status, message="")]
    }
    assert {status for status, (current, _) in answers.items() if current} == {CURRENT}
    assert {status for status, (_, failed) in answers.items() if failed} == {FAILED}


def test_a_health_reads_like_a_report_line() -> None:
    """Reports show the status word and the message."""
    assert str(Health(status=CURRENT, message="It is there")) == "Current It is there"


@pytest.mark.parametrize("kind", ["ConfigMap", "Deployment", "GitRepository"])
def test_deletion_wins_over_everything(kind: str) -> None:
    """An object with a deletion timestamp is terminating, whatever else it says."""
    obj = make(
        "v1",
        kind,
        status={"observedGeneration": 1, "conditions": [condition("Stalled", "True")]},
        generation=2,
        deletionTimestamp="2026-01-01T00:00:00Z",
    )
    assert status_of(obj, NOW).status is Status.TERMINATING


@pytest.mark.parametrize(
    ("obj", "status", "message"),
    [
        pytest.param(
            make("x/v1", "X", status={"observedGeneration": 1}, generation=2),
            IN_PROGRESS,
            "Generation 2",
            id="an unseen generation is in progress",
        ),
        pytest.param(
            make("x/v1", "X", status={"observedGeneration": -1}, generation=1),
            IN_PROGRESS,
            "-1",
            id="the -1 that Flux starts with is an unseen generation",
        ),
        pytest.param(
            make("x/v1", "X", status={"observedGeneration": 2}, generation=2),
            CURRENT,
            "current",
            id="the seen generation without conditions is current",
        ),
        pytest.param(
            make("x/v1", "X", status={}, generation=2),
            CURRENT,
            "current",
            id="without an observed generation there is nothing to compare",
        ),
        pytest.param(
            make("x/v1", "X", status={"observedGeneration": 3}),
            CURRENT,
            "current",
            id="without a generation there is nothing to compare",
        ),
        pytest.param(
            make(
                "x/v1",
                "X",
                status={
                    "observedGeneration": 1,
                    "conditions": [condition("Stalled", "True", message="no hope")],
                },
                generation=2,
            ),
            IN_PROGRESS,
            "Generation 2",
            id="what was stalled at an older generation is not stalled now",
        ),
        pytest.param(
            make("x/v1", "X", status={"conditions": [condition("Reconciling", "True", "Why")]}),
            IN_PROGRESS,
            "Why",
            id="Reconciling is in progress and shows its reason for want of a message",
        ),
        pytest.param(
            make("x/v1", "X", status={"conditions": [condition("Reconciling", "True")]}),
            IN_PROGRESS,
            "Reconciling",
            id="Reconciling without reason and message is still in progress",
        ),
        pytest.param(
            make(
                "x/v1",
                "X",
                status={
                    "conditions": [
                        condition("Stalled", "True", message="no hope"),
                        condition("Reconciling", "True", message="trying"),
                    ]
                },
            ),
            IN_PROGRESS,
            "trying",
            id="Reconciling wins over Stalled",
        ),
        pytest.param(
            make(
                "x/v1",
                "X",
                status={
                    "conditions": [
                        condition("Ready", "True"),
                        condition("Stalled", "True", message="no hope"),
                    ]
                },
            ),
            FAILED,
            "no hope",
            id="Stalled wins over Ready",
        ),
        pytest.param(
            make(
                "x/v1",
                "X",
                status={
                    "conditions": [
                        condition("Reconciling", "False"),
                        condition("Stalled", "False"),
                        condition("Ready", "True", message="stored artifact"),
                    ]
                },
            ),
            CURRENT,
            "stored artifact",
            id="conditions that are False say nothing",
        ),
        pytest.param(
            make("x/v1", "X", status={"conditions": [condition("Ready", "False", message="no")]}),
            IN_PROGRESS,
            "no",
            id="Ready=False is in progress",
        ),
        pytest.param(
            make("x/v1", "X", status={"conditions": [condition("Ready", "Unknown", message="?")]}),
            IN_PROGRESS,
            "?",
            id="Ready=Unknown is in progress",
        ),
        pytest.param(
            make("x/v1", "X", status={"conditions": [condition("Ready", "Maybe")]}),
            CURRENT,
            "current",
            id="a Ready status that nobody knows counts as none",
        ),
        pytest.param(
            make(
                "apps/v1",
                "Deployment",
                spec={"replicas": 2},
                status=rolled_out(
                    conditions=[
                        condition("Ready", "False"),
                        condition("Available", "True"),
                    ]
                ),
            ),
            CURRENT,
            "available",
            id="Ready is not asked for where the kind has its own rule",
        ),
        pytest.param(
            make("other/v1", "Deployment", status={"conditions": [condition("Ready", "True")]}),
            CURRENT,
            "Ready",
            id="a kind of the same name in another group has no rule of its own",
        ),
    ],
)
def test_generic_rules(obj: dict[str, Any], status: Status, message: str) -> None:
    """The rules for every kind, in their order."""
    check(obj, status, message)


@pytest.mark.parametrize("group", ["apps", "extensions"])
@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        pytest.param(
            {"replicas": 2, "progressDeadlineSeconds": 600},
            rolled_out(),
            CURRENT,
            "Deployment is available. Replicas: 2",
            id="all replicas are there",
        ),
        pytest.param(
            {"replicas": 2},
            rolled_out(
                conditions=[
                    condition("Progressing", "False", "ProgressDeadlineExceeded", "took too long")
                ]
            ),
            FAILED,
            "took too long",
            id="the deadline has passed",
        ),
        pytest.param(
            {}, None, IN_PROGRESS, "Replicas: 0/1 created", id="one replica is the default"
        ),
        pytest.param(
            {"replicas": 2},
            rolled_out(replicas=1),
            IN_PROGRESS,
            "Replicas: 1/2 created",
            id="too few pods",
        ),
        pytest.param(
            {"replicas": 2},
            rolled_out(updatedReplicas=1),
            IN_PROGRESS,
            "Replicas: 1/2 updated",
            id="too few new pods",
        ),
        pytest.param(
            {"replicas": 2},
            rolled_out(replicas=3),
            IN_PROGRESS,
            "Replicas: 1 old to terminate",
            id="an old pod is left",
        ),
        pytest.param(
            {"replicas": 2},
            rolled_out(availableReplicas=1),
            IN_PROGRESS,
            "Replicas: 1/2 available",
            id="a pod is not available for long enough",
        ),
        pytest.param(
            {"replicas": 2},
            rolled_out(readyReplicas=1),
            IN_PROGRESS,
            "Replicas: 1/2 ready",
            id="a pod is not ready",
        ),
        pytest.param(
            {"replicas": 2, "progressDeadlineSeconds": 600},
            rolled_out(conditions=[condition("Available", "True")]),
            IN_PROGRESS,
            "new ReplicaSet",
            id="the new ReplicaSet has not been announced",
        ),
        pytest.param(
            {"replicas": 2, "progressDeadlineSeconds": 600},
            rolled_out(
                conditions=[
                    condition("Progressing", "True", "ReplicaSetUpdated"),
                    condition("Available", "True"),
                ]
            ),
            IN_PROGRESS,
            "new ReplicaSet",
            id="another reason of Progressing is not enough",
        ),
        pytest.param(
            {"replicas": 2, "progressDeadlineSeconds": 600},
            rolled_out(
                conditions=[
                    condition("Progressing", "Unknown", "NewReplicaSetAvailable"),
                    condition("Available", "True"),
                ]
            ),
            IN_PROGRESS,
            "new ReplicaSet",
            id="Progressing must hold",
        ),
        pytest.param(
            {"replicas": 2, "progressDeadlineSeconds": NO_DEADLINE},
            rolled_out(conditions=[condition("Available", "True")]),
            CURRENT,
            "available",
            id="without a deadline Progressing is not asked for",
        ),
        pytest.param(
            {"replicas": 2},
            rolled_out(conditions=[condition("Available", "False")]),
            IN_PROGRESS,
            "not yet available",
            id="Available is False",
        ),
        pytest.param(
            {"replicas": 2},
            rolled_out(conditions=[]),
            IN_PROGRESS,
            "not yet available",
            id="Available is missing",
        ),
        pytest.param(
            {"replicas": 0},
            {"conditions": [condition("Available", "True")]},
            CURRENT,
            "Replicas: 0",
            id="scaled to nothing",
        ),
    ],
)
def test_deployment(
    group: str,
    spec: dict[str, Any],
    status: dict[str, Any] | None,
    expected: Status,
    message: str,
) -> None:
    """A Deployment is current when its new pods serve and no old one is left."""
    check(make(f"{group}/v1", "Deployment", spec=spec, status=status), expected, message)


def stateful(**changes: Any) -> dict[str, Any]:
    """Make the status of a StatefulSet of three current replicas, then change it."""
    status = {
        "replicas": 3,
        "readyReplicas": 3,
        "updatedReplicas": 3,
        "currentReplicas": 3,
        "currentRevision": "a",
        "updateRevision": "a",
    }
    return status | changes


def rolling(partition: int) -> dict[str, Any]:
    """Make the spec of a StatefulSet with a partition."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    return {"replicas": 3, "updateStrategy": strategy}


@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        pytest.param(
            {"updateStrategy": {"type": "OnDelete"}},
            {},
            CURRENT,
            "deleted",
            id="updates on deletion are never awaited",
        ),
        pytest.param({}, None, IN_PROGRESS, "0/1 created", id="one replica is the default"),
        pytest.param({"replicas": 3}, stateful(), CURRENT, "Replicas: 3", id="all are current"),
        pytest.param(
            {"replicas": 3}, stateful(replicas=2), IN_PROGRESS, "2/3 created", id="too few pods"
        ),
        pytest.param(
            {"replicas": 3}, stateful(readyReplicas=1), IN_PROGRESS, "1/3 ready", id="not ready"
        ),
        pytest.param(
            {"replicas": 2}, stateful(), IN_PROGRESS, "1 old to terminate", id="one too many"
        ),
        pytest.param(
            rolling(1), stateful(updatedReplicas=1), IN_PROGRESS, "1/2 updated", id="partition due"
        ),
        pytest.param(
            rolling(1), stateful(updatedReplicas=2), CURRENT, "rolled out", id="partition done"
        ),
        pytest.param(
            rolling(0), stateful(updatedReplicas=2), IN_PROGRESS, "2/3", id="partition zero counts"
        ),
        pytest.param(
            rolling(0),
            stateful(currentRevision="b", currentReplicas=0),
            CURRENT,
            "rolled out",
            id="with a partition revisions are not compared",
        ),
        pytest.param(
            {"replicas": 3},
            stateful(currentReplicas=2),
            IN_PROGRESS,
            "2/3 current",
            id="a pod is not of the current revision",
        ),
        pytest.param(
            {"replicas": 3},
            stateful(updateRevision="b"),
            IN_PROGRESS,
            "revision a is being replaced by b",
            id="the revision is being replaced",
        ),
    ],
)
def test_stateful_set(
    spec: dict[str, Any], status: dict[str, Any] | None, expected: Status, message: str
) -> None:
    """A StatefulSet is current when all its pods have the current revision."""
    check(make("apps/v1", "StatefulSet", spec=spec, status=status), expected, message)


def spread(**changes: Any) -> dict[str, Any]:
    """Make the status of a DaemonSet on two nodes, then change it; None removes a field."""
    status = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 2,
        "currentNumberScheduled": 2,
        "updatedNumberScheduled": 2,
        "numberAvailable": 2,
        "numberReady": 2,
    }
    return {key: value for key, value in (status | changes).items() if value is not None}


@pytest.mark.parametrize("group", ["apps", "extensions"])
@pytest.mark.parametrize(
    ("generation", "status", "expected", "message"),
    [
        pytest.param(1, spread(), CURRENT, "Pods: 2", id="a ready pod on every node"),
        pytest.param(None, spread(), IN_PROGRESS, "observed", id="no generation"),
        pytest.param(
            1, spread(observedGeneration=None), IN_PROGRESS, "observed", id="not observed"
        ),
        pytest.param(
            1, spread(desiredNumberScheduled=None), IN_PROGRESS, "not yet known", id="not planned"
        ),
        pytest.param(
            1, spread(currentNumberScheduled=1), IN_PROGRESS, "1/2 scheduled", id="not scheduled"
        ),
        pytest.param(
            1, spread(updatedNumberScheduled=1), IN_PROGRESS, "1/2 updated", id="not updated"
        ),
        pytest.param(1, spread(numberAvailable=1), IN_PROGRESS, "1/2 available", id="unavailable"),
        pytest.param(1, spread(numberReady=1), IN_PROGRESS, "1/2 ready", id="not ready"),
        pytest.param(
            1,
            spread(updatedNumberScheduled=0, numberAvailable=0, numberReady=0),
            IN_PROGRESS,
            "0/2 updated",
            id="the first thing missing is named",
        ),
    ],
)
def test_daemon_set(
    group: str, generation: int | None, status: dict[str, Any], expected: Status, message: str
) -> None:
    """A DaemonSet is current when every node that should has a ready, updated pod."""
    metadata: dict[str, Any] = {} if generation is None else {"generation": generation}
    check(make(f"{group}/v1", "DaemonSet", status=status, **metadata), expected, message)


def replicated(**changes: Any) -> dict[str, Any]:
    """Make the status of a ReplicaSet of two replicas, then change it."""
    status = {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "availableReplicas": 2,
        "readyReplicas": 2,
    }
    return status | changes


@pytest.mark.parametrize("group", ["apps", "extensions"])
@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        pytest.param({"replicas": 2}, replicated(), CURRENT, "Replicas: 2", id="all are there"),
        pytest.param({}, {}, IN_PROGRESS, "0/1 labelled", id="one replica is the default"),
        pytest.param(
            {"replicas": 2},
            replicated(conditions=[condition("ReplicaFailure", "True", "FailedCreate", "quota")]),
            IN_PROGRESS,
            "quota",
            id="pods cannot be created",
        ),
        pytest.param(
            {"replicas": 2},
            replicated(conditions=[condition("ReplicaFailure", "False")]),
            CURRENT,
            "Replicas: 2",
            id="pods can be created again",
        ),
        pytest.param(
            {"replicas": 2},
            replicated(fullyLabeledReplicas=1),
            IN_PROGRESS,
            "1/2 labelled",
            id="a pod lacks labels",
        ),
        pytest.param(
            {"replicas": 2},
            replicated(availableReplicas=1),
            IN_PROGRESS,
            "1/2 available",
            id="a pod is not available",
        ),
        pytest.param(
            {"replicas": 2}, replicated(readyReplicas=1), IN_PROGRESS, "1/2 ready", id="not ready"
        ),
        pytest.param({"replicas": 1}, replicated(), IN_PROGRESS, "1 to terminate", id="too many"),
    ],
)
def test_replica_set(
    group: str, spec: dict[str, Any], status: dict[str, Any], expected: Status, message: str
) -> None:
    """A ReplicaSet is current when all its pods are there and ready."""
    check(make(f"{group}/v1", "ReplicaSet", spec=spec, status=status), expected, message)


@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        pytest.param({"suspend": True}, {}, CURRENT, "suspended", id="suspended"),
        pytest.param(
            {},
            {"conditions": [condition("Complete", "True")]},
            CURRENT,
            "complete",
            id="complete",
        ),
        pytest.param(
            {},
            {"conditions": [condition("Failed", "True", "BackoffLimitExceeded")]},
            FAILED,
            "BackoffLimitExceeded",
            id="failed",
        ),
        pytest.param(
            {},
            {
                "startTime": "2026-01-01T00:00:00Z",
                "conditions": [condition("Failed", "False"), condition("Complete", "False")],
            },
            IN_PROGRESS,
            "running",
            id="running",
        ),
        pytest.param({"suspend": False}, {}, IN_PROGRESS, "not started", id="not started"),
    ],
)
def test_job(spec: dict[str, Any], status: dict[str, Any], expected: Status, message: str) -> None:
    """A Job is current when it is complete, not while it runs."""
    check(make("batch/v1", "Job", spec=spec, status=status), expected, message)


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("batch/v1", "CronJob"),
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("policy/v1", "PodDisruptionBudget"),
    ],
)
def test_kinds_that_are_current_once_they_exist(api_version: str, kind: str) -> None:
    """Their Ready condition, if they had one, would not be asked for."""
    status = {"conditions": [condition("Ready", "False")]}
    check(make(api_version, kind, status=status), CURRENT, kind)


def crashing(key: str) -> dict[str, Any]:
    """Make the status of a running pod with a container that crashes."""
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    good = {"name": "good", "state": {"running": {}}}
    return {"phase": "Running", key: [good, {"name": "bad", "state": waiting}]}


def unschedulable(seconds: float, reason: str = "Unschedulable", status: str = "False") -> Any:
    """Make a pod of this age that the scheduler could not place."""
    created = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    placed = condition("PodScheduled", status, reason, "0/3 nodes are available")
    return make(
        "v1",
        "Pod",
        status={"phase": "Pending", "conditions": [placed]},
        creationTimestamp=created,
    )


@pytest.mark.parametrize(
    ("pod", "expected", "message"),
    [
        pytest.param(
            make("v1", "Pod", status={"phase": "Succeeded"}), CURRENT, "completed", id="succeeded"
        ),
        pytest.param(
            make("v1", "Pod", status={"phase": "Failed"}), CURRENT, "failure", id="failed is ended"
        ),
        pytest.param(
            make(
                "v1",
                "Pod",
                status={
                    **crashing("containerStatuses"),
                    "conditions": [condition("Ready", "True")],
                },
            ),
            CURRENT,
            "ready",
            id="running and ready",
        ),
        pytest.param(
            make("v1", "Pod", status=crashing("containerStatuses")),
            FAILED,
            "bad",
            id="a container crashes",
        ),
        pytest.param(
            make("v1", "Pod", status=crashing("initContainerStatuses")),
            FAILED,
            "bad",
            id="a sidecar crashes",
        ),
        pytest.param(
            make(
                "v1",
                "Pod",
                status={"phase": "Running", "conditions": [condition("Ready", "False")]},
            ),
            IN_PROGRESS,
            "not ready",
            id="running but not ready",
        ),
        pytest.param(
            make("v1", "Pod", status={"phase": "Pending"}),
            IN_PROGRESS,
            "not yet running",
            id="pending",
        ),
        pytest.param(
            unschedulable(14), IN_PROGRESS, "0/3 nodes", id="unschedulable for under 15 seconds"
        ),
        pytest.param(unschedulable(15), FAILED, "0/3 nodes", id="unschedulable for 15 seconds"),
        pytest.param(
            unschedulable(99, reason="SchedulingGated"),
            IN_PROGRESS,
            "not yet running",
            id="not scheduled for another reason",
        ),
        pytest.param(
            unschedulable(99, status="True"), IN_PROGRESS, "not yet running", id="scheduled"
        ),
        pytest.param(make("v1", "Pod"), IN_PROGRESS, "not yet known", id="no phase yet"),
        pytest.param(
            make("v1", "Pod", status={"phase": "Dreaming"}), UNKNOWN, "Dreaming", id="odd phase"
        ),
    ],
)
def test_pod(pod: dict[str, Any], expected: Status, message: str) -> None:
    """A Pod is current when it is ready or has ended."""
    check(pod, expected, message)


@pytest.mark.parametrize(
    ("phase", "expected"),
    [("Bound", CURRENT), ("Pending", IN_PROGRESS), ("Lost", IN_PROGRESS), (None, IN_PROGRESS)],
)
def test_persistent_volume_claim(phase: str | None, expected: Status) -> None:
    """A claim is current when it is bound; else the message names its phase."""
    claim = make("v1", "PersistentVolumeClaim", status={"phase": phase})
    check(
        claim, expected, "bound" if phase is None else phase.lower() if phase == "Bound" else phase
    )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"type": "ClusterIP", "clusterIP": ""}, CURRENT, id="internal"),
        pytest.param({"type": "LoadBalancer"}, IN_PROGRESS, id="load balancer without address"),
        pytest.param(
            {"type": "LoadBalancer", "clusterIP": "10.0.0.1"},
            CURRENT,
            id="the external address is not awaited",
        ),
    ],
)
def test_service(spec: dict[str, Any], expected: Status) -> None:
    """A Service is current unless a load balancer lacks its cluster address."""
    check(make("v1", "Service", spec=spec), expected, "Service")


@pytest.mark.parametrize(
    ("conditions", "expected", "message"),
    [
        pytest.param([], IN_PROGRESS, "being installed", id="no conditions"),
        pytest.param(
            [condition("NamesAccepted", "True"), condition("Established", "True")],
            CURRENT,
            "established",
            id="established",
        ),
        pytest.param(
            [condition("NamesAccepted", "False", message="name taken")],
            FAILED,
            "name taken",
            id="the name is taken",
        ),
        pytest.param(
            [condition("Established", "False", "Installing")],
            IN_PROGRESS,
            "being installed",
            id="installing",
        ),
        pytest.param(
            [condition("Established", "False", "NotAccepted")],
            FAILED,
            "NotAccepted",
            id="not established for a bad reason",
        ),
        pytest.param(
            [condition("Established", "True"), condition("NamesAccepted", "False")],
            CURRENT,
            "established",
            id="the first condition that decides wins",
        ),
        pytest.param(
            [condition("NamesAccepted", "False"), condition("Established", "True")],
            FAILED,
            "not accepted",
            id="and the other way round",
        ),
        pytest.param(
            [condition("NonStructuralSchema", "True")],
            IN_PROGRESS,
            "being installed",
            id="other conditions do not decide",
        ),
    ],
)
def test_custom_resource_definition(
    conditions: list[dict[str, str]], expected: Status, message: str
) -> None:
    """A CRD is current when it is established."""
    crd = make(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", status={"conditions": conditions}
    )
    check(crd, expected, message)


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param(make("apps/v1", "Deployment", spec={"replicas": "two"}), id="text for number"),
        pytest.param(make("apps/v1", "Deployment", spec={"replicas": True}), id="bool for number"),
        pytest.param(make("x/v1", "X", status={"conditions": "none"}), id="text for list"),
        pytest.param(make("x/v1", "X", status={"conditions": ["none"]}), id="text for condition"),
        pytest.param(make("x/v1", "X") | {"status": "good"}, id="text for status"),
        pytest.param(make("v1", "Pod", status={"phase": 3}), id="number for text"),
        pytest.param(
            make(
                "v1",
                "Pod",
                status={
                    "phase": "Pending",
                    "conditions": [condition("PodScheduled", "False", "Unschedulable")],
                },
                creationTimestamp="yesterday",
            ),
            id="no time",
        ),
    ],
)
def test_broken_objects_are_unknown(obj: dict[str, Any]) -> None:
    """An object of the wrong shape is never taken for healthy, and nothing is raised."""
    health = status_of(obj, NOW)
    assert health.status is UNKNOWN
    assert health.message


def test_find_condition_returns_the_first_of_its_type() -> None:
    """Conditions are looked up by type."""
    first, second = condition("A", "True"), condition("A", "False")
    obj = make("x/v1", "X", status={"conditions": [first, second]})
    assert find_condition(obj, "A") is first
    assert find_condition(obj, "B") is None
