# SPDX-License-Identifier: Apache-2.0
"""Each harm in each state, and what comes of it is what would have come anyway.

FetchingArtifact and Migrating must be held up by a registry, or by many objects: see
`test_disruption_held.py`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.integration.disruption import FLAGS, HARM, LIMIT, Harm, Scene
from tests.integration.instance import MERGE, RECONCILE, Instance
from tests.integration.operator import until
from tests.integration.process import Process, eventually, spec
from tests.integration.proxy import Proxy, through
from tools.crash.normal import differences
from tools.crash.world import Reader, comparable

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

DEPLOYMENT = f"/apis/apps/v1/namespaces/{names.DEFAULT_NAMESPACE}/deployments/source-controller"
_COUNTED = frozenset({"generation", "observedGeneration", "history"})
"""What tells how often a user has changed the instance."""

_OF_OTHERS = frozenset({"ReplicaSet", names.REPORT_KIND})


@dataclass(frozen=True)
class Stage(Scene):
    """A scene whose instance is Ready at first, and whose world can be compared."""

    def begin_anew(self) -> None:
        """Take the instance away."""
        self.instance.delete()
        self.instance.goes()

    def is_repaired(self) -> bool:
        """Whether the Deployment that may have been deleted is there."""
        return self.instance.get(DEPLOYMENT) is not None

    def differences(self, before: dict[str, Any]) -> list[str]:
        """What is not as it was; the controllers of the cluster may be at work still."""
        return differences(before, self.world())

    def world(self) -> dict[str, Any]:
        """All that the API server holds, but counts, what others make or write, and the report.

        A ReplicaSet is called by the number of its predecessors that are still being cleaned up.
        The report says what was so when it was last written.
        """
        reader = Reader(self.instance.cluster)
        try:
            found = comparable(reader.read())
        finally:
            reader.close()
        for item in found.values():
            if item["kind"] == names.INSTANCE_KIND:
                del item["metadata"]["managedFields"]
            else:
                item.pop("status", None)
        left = {key: item for key, item in found.items() if item["kind"] not in _OF_OTHERS}
        return {key: _without_counts(item) for key, item in left.items()}


def _without_counts(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: _without_counts(item) for key, item in value.items() if key not in _COUNTED
            }
        case list():
            return [_without_counts(item) for item in value]
    return value


@pytest.fixture
def stage(own: Cluster, proxy: Proxy) -> Iterator[Stage]:
    """The instance stays Ready for the next test: the control plane ends with the module."""
    instance = Instance(own, names.DEFAULT_NAMESPACE)
    flags = [*FLAGS, f"--kubeconfig={through(proxy, own)}"]
    with Process(own, instance.namespace, flags=flags) as process:
        if not instance.read():
            instance.create(spec())
        process.reaches("Ready")
        yield Stage(process, instance, proxy)


@contextmanager
def pending(stage: Stage) -> Iterator[None]:
    """The only request of the state, for the finalizer, is lost."""
    stage.begin_anew()
    stage.proxy.swallow_requests()
    stage.instance.create(spec())
    eventually(lambda: stage.proxy.has_swallowed, "request")
    yield


@contextmanager
def building(stage: Stage) -> Iterator[None]:
    """Its first request is for the CRDs that are there, where the finalizer is there already."""
    stage.begin_anew()
    before = len(stage.process.transitions())
    stage.proxy.swallow_requests()
    stage.instance.create(spec(), finalizers=[names.FINALIZER])
    stage.process.reaches("Building", after=before)
    yield


@contextmanager
def applying(stage: Stage) -> Iterator[None]:
    """Among the writes of an installation."""
    stage.begin_anew()
    before = len(stage.process.transitions())
    stage.instance.create(spec())
    stage.process.reaches("Applying", after=before)
    yield


@contextmanager
def health_checking(stage: Stage) -> Iterator[None]:
    """Pods do not get ready while nobody plays the nodes."""
    nodes = stage.instance.cluster.child("kwok")
    nodes.send(signal.SIGSTOP)
    try:
        stage.begin_anew()
        before = len(stage.process.transitions())
        stage.instance.create(spec())
        stage.process.reaches("HealthChecking", after=before)
        yield
    finally:
        nodes.send(signal.SIGCONT)


@contextmanager
def ready(stage: Stage) -> Iterator[None]:
    """Something is deleted that must be repaired."""
    yield
    stage.instance.cluster.request("DELETE", DEPLOYMENT, {"propagationPolicy": "Background"})


@contextmanager
def failed(stage: Stage) -> Iterator[None]:
    """There is no such version, until the user thinks again."""
    stage.instance.patch(spec={"distribution": {"version": "2.999.x"}})
    stage.process.reaches("Failed")
    yield
    stage.instance.patch(spec=spec())


@contextmanager
def suspended(stage: Stage) -> Iterator[None]:
    """Until the user resumes."""
    stage.instance.annotate({RECONCILE: "disabled"})
    stage.process.reaches("Suspended")
    yield
    stage.instance.annotate({RECONCILE: None})


@contextmanager
def uninstalling(stage: Stage) -> Iterator[None]:
    """A Deployment does not go before somebody else has let go of it."""
    _hold(stage, "example.com/held")
    stage.instance.delete()
    stage.process.reaches("Uninstalling")
    yield
    _hold(stage)


def _hold(stage: Stage, *finalizers: str) -> None:
    body = {"metadata": {"finalizers": list(finalizers) or None}}
    stage.instance.cluster.request("PATCH", DEPLOYMENT, body, content_type=MERGE)


HOLDS: dict[str, Callable[[Stage], AbstractContextManager[None]]] = {
    "Pending": pending,
    "Building": building,
    "Applying": applying,
    "HealthChecking": health_checking,
    "Ready": ready,
    "Failed": failed,
    "Suspended": suspended,
    "Uninstalling": uninstalling,
}


@HARM
@pytest.mark.parametrize("state", HOLDS)
def test_harm_changes_nothing(stage: Stage, state: str, harm: Harm) -> None:
    """The end is the same, and what happens meanwhile is not missed."""
    before = stage.world()
    with HOLDS[state](stage):
        harm(stage, state)
    stage.clear()
    if state == "Uninstalling":
        stage.instance.goes(seconds=LIMIT)
        stage.instance.create(spec())
    eventually(stage.is_repaired, "repair", seconds=LIMIT)
    stage.instance.becomes_ready(seconds=LIMIT)
    until(lambda: not stage.differences(before), lambda: f"end: {stage.differences(before)}")
    assert not stage.errors()
