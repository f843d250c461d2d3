# SPDX-License-Identifier: Apache-2.0
"""The API server dies, forgets and falls silent; the operator notices, and goes on or ends."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.controlplane.process import free_ports
from tests.integration.instance import Instance
from tests.integration.process_support import Process, bring_back, eventually, spec
from tests.integration.proxy import Proxy, through

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ALONE = "--enable-leader-election=false"


@pytest.fixture
def instance(own: Cluster) -> Iterator[Instance]:
    """The instance of the control plane; it goes with the test."""
    found = Instance(own, names.DEFAULT_NAMESPACE)
    yield found
    if found.read():
        with Process(own, found.namespace, flags=[ALONE]):
            found.delete()
            found.goes()


def is_repaired(instance: Instance) -> bool:
    """Whether the Deployment that the test has deleted is there again."""
    return instance.deployment("source-controller") is not None


def delete_deployment(instance: Instance) -> None:
    """What the watches must tell of."""
    path = f"/apis/apps/v1/namespaces/{instance.namespace}/deployments/source-controller"
    instance.cluster.request("DELETE", path, {"propagationPolicy": "Background"})


@pytest.mark.parametrize("state", ["Applying", "HealthChecking", "Ready"])
def test_an_apiserver_that_was_killed_is_found_again(
    own: Cluster, instance: Instance, state: str
) -> None:
    """In the middle of the work and at rest; then the watches still tell of changes."""
    with Process(own, instance.namespace, flags=[ALONE]) as process:
        instance.create(spec())
        process.reaches(state)
        own.kill("kube-apiserver")
        bring_back(own)
        instance.becomes_ready(seconds=40)
        delete_deployment(instance)
        eventually(lambda: is_repaired(instance), "repair", seconds=40)
        assert not process.errors()


def test_a_history_that_was_forgotten_is_listed_again(own: Cluster, instance: Instance) -> None:
    """Etcd was compacted while the API server was away: the old place of a watch is gone."""
    with Process(own, instance.namespace, flags=[ALONE]) as process:
        instance.create(spec())
        instance.becomes_ready()
        own.kill("kube-apiserver")
        own.compact()
        bring_back(own)
        delete_deployment(instance)
        eventually(lambda: is_repaired(instance), "repair", seconds=40)
        instance.becomes_ready()
        assert not process.errors()


@pytest.mark.parametrize("state", ["Applying", "Ready"])
def test_the_end_does_not_wait_for_a_silent_server(
    own: Cluster, instance: Instance, proxy: Proxy, state: str
) -> None:
    """Within ten seconds, whatever is under way; the next process goes on."""
    flags = [ALONE, f"--kubeconfig={through(proxy, own)}"]
    with Process(own, instance.namespace, flags=flags) as process:
        instance.create(spec())
        process.reaches(state)
        proxy.swallow()
        assert process.terminates()[1] < 10
    with Process(own, instance.namespace, flags=[ALONE]):
        instance.becomes_ready()


def test_probes_answer_on_every_process(own: Cluster, instance: Instance) -> None:
    """Also where the other one leads; /metrics counts the requests for the lease."""
    health, metrics = free_ports(2)
    flags = [f"--health-addr=127.0.0.1:{health}", f"--metrics-addr=127.0.0.1:{metrics}"]
    with Process(own, instance.namespace) as leader, Process(
        own, instance.namespace, flags=flags, user="other"
    ) as waiting:  # fmt: skip
        eventually(lambda: leader.leads or waiting.leads, "leader")
        eventually(lambda: waiting.says("started"), "start")
        for path in ("/healthz", "/healthz/ping", "/readyz", "/readyz/ping"):
            with urllib.request.urlopen(f"http://127.0.0.1:{health}{path}") as answer:
                assert (answer.status, answer.read()) == (200, b"ok\n")

        def counts() -> bool:
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as answer:
                return b'rest_client_requests_total{code="200",method="GET"}' in answer.read()

        eventually(counts, "request that is counted")
