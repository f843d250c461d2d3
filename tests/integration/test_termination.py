# SPDX-License-Identifier: Apache-2.0
"""An operator that is asked to end while nobody answers it, and the probes of one that waits."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from tests.controlplane.cluster import Cluster
from tests.controlplane.process import free_ports
from tests.integration.disruption import end_in_time
from tests.integration.instance import Instance
from tests.integration.process import Process, eventually, spec
from tests.integration.proxy import Proxy, through

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ALONE = "--enable-leader-election=false"


@pytest.fixture
def instance(served: Cluster, namespace: str) -> Iterator[Instance]:
    """The instance of a fresh namespace; it goes with the test."""
    found = Instance(served, namespace)
    yield found
    if found.read():
        with Process(served, found.namespace, flags=[ALONE]):
            found.delete()
            found.goes()


@pytest.mark.parametrize("state", ["Applying", "Ready"])
def test_the_end_does_not_wait_for_an_answer(
    served: Cluster, instance: Instance, served_proxy: Proxy, state: str
) -> None:
    """Within ten seconds, whatever is under way; the next process goes on."""
    flags = [ALONE, f"--kubeconfig={through(served_proxy, served)}"]
    with Process(served, instance.namespace, flags=flags) as process:
        instance.create(spec())
        process.reaches(state)
        served_proxy.swallow()
        end_in_time(process)
    with Process(served, instance.namespace, flags=[ALONE]):
        instance.becomes_ready()


def test_probes_answer_on_every_process(served: Cluster, instance: Instance) -> None:
    """Also where the other one leads; /metrics counts the requests for the lease."""
    health, metrics = free_ports(2)
    flags = [f"--health-addr=127.0.0.1:{health}", f"--metrics-addr=127.0.0.1:{metrics}"]
    with Process(served, instance.namespace) as leader, Process(
        served, instance.namespace, flags=flags, user="other"
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
