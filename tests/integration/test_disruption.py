# SPDX-License-Identifier: Apache-2.0
"""Each disruption in each state: the end is the same as without it.

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
from _pytest.mark.structures import ParameterSet

from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.integration.disruption import DISRUPTIONS, FLAGS, LIMIT, Disruption, Subject
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
class Installation(Subject):
    """A subject whose instance is Ready at first, and whose objects can be compared."""

    def remove_instance(self) -> None:
        """Take the instance away, and wait until the process knows."""
        before = len(self.process.transitions())
        self.instance.delete()
        self.instance.goes()
        self.process.reaches("Gone", after=before)

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
def installation(own: Cluster, proxy: Proxy) -> Iterator[Installation]:
    """The instance stays Ready for the next test: the control plane ends with the module."""
    instance = Instance(own, names.DEFAULT_NAMESPACE)
    flags = [*FLAGS, f"--kubeconfig={through(proxy, own)}"]
    with Process(own, instance.namespace, flags=flags) as process:
        if not instance.read():
            instance.create(spec())
        process.reaches("Ready")
        yield Installation(process, instance, proxy)


@contextmanager
def pending(installation: Installation) -> Iterator[None]:
    """The only request of the state, for the finalizer, is lost."""
    installation.remove_instance()
    installation.proxy.swallow_requests()
    installation.instance.create(spec())
    eventually(lambda: installation.proxy.has_swallowed, "request")
    yield


@contextmanager
def building(installation: Installation) -> Iterator[None]:
    """Its first request is for the CRDs that are there, where the finalizer is there already."""
    installation.remove_instance()
    before = len(installation.process.transitions())
    installation.proxy.swallow_requests()
    installation.instance.create(spec(), finalizers=[names.FINALIZER])
    installation.process.reaches("Building", after=before)
    yield


@contextmanager
def applying(installation: Installation) -> Iterator[None]:
    """Among the writes of an installation."""
    installation.remove_instance()
    before = len(installation.process.transitions())
    installation.instance.create(spec())
    installation.process.reaches("Applying", after=before)
    yield


@contextmanager
def health_checking(installation: Installation) -> Iterator[None]:
    """Pods do not get ready while nobody plays the nodes."""
    installation.remove_instance()  # its pods end on the nodes
    nodes = installation.instance.cluster.child("kwok")
    nodes.send(signal.SIGSTOP)
    try:
        before = len(installation.process.transitions())
        installation.instance.create(spec())
        installation.process.reaches("HealthChecking", after=before)
        yield
    finally:
        nodes.send(signal.SIGCONT)


@contextmanager
def ready(installation: Installation) -> Iterator[None]:
    """Something is deleted that must be repaired."""
    yield
    installation.instance.cluster.request("DELETE", DEPLOYMENT, {"propagationPolicy": "Background"})


@contextmanager
def failed(installation: Installation) -> Iterator[None]:
    """There is no such version, until the user thinks again."""
    installation.instance.patch(spec={"distribution": {"version": "2.999.x"}})
    installation.process.reaches("Failed")
    yield
    installation.instance.patch(spec=spec())


@contextmanager
def suspended(installation: Installation) -> Iterator[None]:
    """Until the user resumes."""
    installation.instance.annotate({RECONCILE: "disabled"})
    installation.process.reaches("Suspended")
    yield
    installation.instance.annotate({RECONCILE: None})


@contextmanager
def uninstalling(installation: Installation) -> Iterator[None]:
    """A Deployment does not go before somebody else has let go of it."""
    _hold(installation, "example.com/held")
    installation.instance.delete()
    installation.process.reaches("Uninstalling")
    yield
    _hold(installation)


def _hold(installation: Installation, *finalizers: str) -> None:
    body = {"metadata": {"finalizers": list(finalizers) or None}}
    installation.instance.cluster.request("PATCH", DEPLOYMENT, body, content_type=MERGE)


HOLDS: dict[str, Callable[[Installation], AbstractContextManager[None]]] = {
    "Pending": pending,
    "Building": building,
    "Applying": applying,
    "HealthChecking": health_checking,
    "Ready": ready,
    "Failed": failed,
    "Suspended": suspended,
    "Uninstalling": uninstalling,
}


def _cases() -> Iterator[ParameterSet]:
    """Every disruption in every state; each test run has each state once, the slow one the rest."""
    for place, state in enumerate(HOLDS):
        for number, disruption in enumerate(DISRUPTIONS):
            always = number == place % len(DISRUPTIONS)
            name = f"{state}-{disruption.__name__}"
            yield pytest.param(state, disruption, id=name, marks=() if always else pytest.mark.slow)


@pytest.mark.parametrize(("state", "disruption"), list(_cases()))
def test_a_disruption_changes_nothing(
    installation: Installation, state: str, disruption: Disruption
) -> None:
    """The end is the same, and what happens meanwhile is not missed."""
    before = installation.world()
    with HOLDS[state](installation):
        disruption(installation, state)
    installation.clear()
    if state == "Uninstalling":
        installation.instance.goes(seconds=LIMIT)
        installation.instance.create(spec())
    eventually(installation.is_repaired, "repair", seconds=LIMIT)
    installation.instance.becomes_ready(seconds=LIMIT)
    until(
        lambda: not installation.differences(before),
        lambda: f"end: {installation.differences(before)}",
    )
    assert not installation.errors()
