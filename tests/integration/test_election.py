# SPDX-License-Identifier: Apache-2.0
"""Several operators at once: one writes, and another goes on whatever becomes of it.

Each operator is a user of its own, so the audit log of the API server tells who wrote what.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import until
from tests.integration.process import (
    MUTATING,
    SHORT_LEASE,
    Process,
    eventually,
    spec,
    writes,
)
from tests.integration.proxy import Proxy, through

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

FIRST, SECOND = "fluxsm", "other"


def lease(instance: Instance) -> str:
    """Who holds the lease."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{instance.namespace}/leases/{names.MANAGER}"
    return str(((instance.get(path) or {}).get("spec") or {}).get("holderIdentity", ""))


@pytest.fixture
def pair(served: Cluster, namespace: str) -> Iterator[tuple[Process, Process, Instance]]:
    """A leader, one that waits, and the instance of their namespace, which ends with the test."""
    instance = Instance(served, namespace)
    first, second = (
        Process(served, namespace, user=user, flags=SHORT_LEASE) for user in (FIRST, SECOND)
    )
    with ExitStack() as stack:
        stack.callback(second.kill)
        stack.callback(first.kill)
        first.start()
        eventually(lambda: first.leads, "leader")
        second.start()
        yield first, second, instance
        if instance.read():
            if not (first.pid or second.pid):
                second.start()
            instance.delete()
            instance.goes(seconds=40)


def test_only_the_leader_writes(pair: tuple[Process, Process, Instance]) -> None:
    """The other one asks for the lease, and for nothing else."""
    first, second, instance = pair
    before = len(instance.cluster.audit(SECOND))
    instance.create(spec())
    instance.becomes_ready()
    asked = instance.cluster.audit(SECOND)[before:]
    assert {item.resource for item in asked} <= {"leases"}
    assert not [item for item in asked if item.verb in MUTATING]
    assert second.pid
    assert not second.leads
    assert first.transitions()


@pytest.mark.parametrize("state", ["Building", "Applying", "HealthChecking", "Ready"])
def test_a_regular_end_hands_over_at_once(
    pair: tuple[Process, Process, Instance], state: str
) -> None:
    """The lease is released, the process ends well and soon, and the next one goes on."""
    first, second, instance = pair
    instance.create(spec())
    first.reaches(state)
    code, seconds = first.terminates()
    assert code == 0
    assert seconds < 10
    assert first.says("the lease is released")
    eventually(lambda: second.leads, "new leader", seconds=5)
    instance.becomes_ready()
    assert lease(instance)


@pytest.mark.parametrize("state", ["Building", "Applying", "HealthChecking"])
def test_the_other_finishes_what_a_killed_leader_began(
    pair: tuple[Process, Process, Instance], state: str
) -> None:
    """In whatever state it was killed, nothing is lost and nothing is left over."""
    first, second, instance = pair
    instance.create(spec())
    first.reaches(state)
    first.kill()
    instance.becomes_ready()
    assert second.leads
    deployments = {ref.name for ref in instance.inventory() if ref.kind.kind == "Deployment"}
    assert deployments == {"source-controller", "kustomize-controller"}


def test_the_other_begins_what_a_killed_leader_could_not(
    served: Cluster, namespace: str, served_proxy: Proxy
) -> None:
    """The leader died in Pending: its first request got lost."""
    instance = Instance(served, namespace)
    behind = f"--kubeconfig={through(served_proxy, served)}"
    with Process(served, namespace, flags=[*SHORT_LEASE, behind]) as first:
        eventually(lambda: first.leads, "leader")
        with Process(served, namespace, flags=SHORT_LEASE, user=SECOND) as second:
            served_proxy.swallow_requests()
            instance.create(spec())
            eventually(lambda: served_proxy.has_swallowed, "request")
            first.kill()
            assert not first.transitions()
            instance.becomes_ready()
            assert second.leads
            instance.delete()
            instance.goes()


@pytest.mark.parametrize(
    ("state", "version", "annotations"),
    [
        ("Ready", "2.8.x", {}),
        ("Failed", "2.999.x", {}),
        ("Suspended", "2.8.x", {RECONCILE: "disabled"}),
    ],
)
def test_the_other_hears_what_a_killed_leader_did_not(
    pair: tuple[Process, Process, Instance],
    state: str,
    version: str,
    annotations: dict[str, str],
) -> None:
    """The leader died at rest; what the user asks for next is done nevertheless."""
    first, second, instance = pair
    distribution = {"version": version, "registry": "ghcr.io/fluxcd"}
    instance.create(spec(distribution=distribution), annotations)
    first.reaches(state)
    first.kill()
    assert first.transitions()[-1].dest == state
    instance.patch(
        metadata={"annotations": {RECONCILE: None}},
        spec=spec(components=["source-controller"]),
    )
    instance.becomes_ready()
    assert second.leads
    deployments = {ref.name for ref in instance.inventory() if ref.kind.kind == "Deployment"}
    assert deployments == {"source-controller"}


def test_the_other_finishes_an_uninstallation(pair: tuple[Process, Process, Instance]) -> None:
    """The finalizer goes, and the kinds of Flux with it."""
    first, second, instance = pair
    instance.create(spec())
    instance.becomes_ready()
    instance.delete()
    first.reaches("Uninstalling")
    first.kill()
    instance.goes(seconds=40)
    assert second.reaches("Gone")


def test_a_paused_leader_that_wakes_too_late_writes_nothing(
    pair: tuple[Process, Process, Instance],
) -> None:
    """It was stopped in the middle of an apply, and finds that another has taken over."""
    first, second, instance = pair
    instance.create(spec(components=list(names.COMPONENTS[:6])))
    until(lambda: writes(instance.cluster, FIRST)[3:] or None, "first writes")
    first.send(signal.SIGSTOP)
    eventually(lambda: second.leads, "new leader", seconds=10)
    instance.becomes_ready()
    instance.patch(spec={"components": ["source-controller"]})
    woken = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    first.send(signal.SIGCONT)
    assert first.ends(seconds=10) == 1
    assert first.says("leadership is lost")
    instance.becomes_ready()
    # A request that had left the process before it was stopped is answered late; none is sent.
    assert not writes(instance.cluster, FIRST, since=woken)
    assert second.pid


def test_a_leader_whose_lease_is_taken_ends_with_an_error(
    pair: tuple[Process, Process, Instance],
) -> None:
    """Somebody else writes their name into it; one log line says so."""
    first, _, instance = pair
    path = f"/apis/coordination.k8s.io/v1/namespaces/{instance.namespace}/leases/{names.MANAGER}"
    body = {"spec": {"holderIdentity": "somebody"}}
    instance.cluster.request("PATCH", path, body, content_type="application/merge-patch+json")
    assert first.ends(seconds=10) == 1
    errors = [line["msg"] for line in first.lines() if line["level"] == "error"]
    assert errors == ["leadership is lost: somebody holds it now"]
