# SPDX-License-Identifier: Apache-2.0
"""The API server dies, forgets and falls silent; the operator notices and goes on.

The stated limits: a request that gets no answer is given up after 15 s, a watch that is silent
after `--watch-idle-limit`, and the pause before the next attempt is 30 s at most.
"""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.controlplane.process import free_ports
from tests.integration.instance import Instance
from tests.integration.operator import until
from tests.integration.process_support import Process, bring_back, eventually, spec

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ALONE = "--enable-leader-election=false"
IDLE = "--watch-idle-limit=4s"


class Proxy:
    """Passes bytes on to the API server, until it falls silent without closing anything."""

    def __init__(self, port: int) -> None:
        """Listen; connections are passed on to a port of this machine."""
        self._target = port
        self._silent = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ends: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def swallow(self) -> None:
        """From now on nothing comes through, and nobody is told."""
        self._silent.set()

    def restore(self) -> None:
        """New connections work again; the old ones stay as dead as they are."""
        self._silent = threading.Event()

    def close(self) -> None:
        """End all connections."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)
        for end in self._ends:
            end.close()

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # the end of the listener
            while True:
                near, _ = self._listener.accept()
                self._ends.append(near)
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends.append(far)
                self._start(self._pump, near, far, self._silent)
                self._start(self._pump, far, near, self._silent)

    def _pump(self, source: socket.socket, sink: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not silent.is_set():
                    sink.sendall(data)
        if not silent.is_set():
            for end in (source, sink):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def instance(own: Cluster) -> Iterator[Instance]:
    """The instance of the control plane; it goes with the test."""
    found = Instance(own, names.DEFAULT_NAMESPACE)
    yield found
    if found.read():
        with Process(own, found.namespace, flags=[ALONE]):
            found.delete()
            found.goes()


@pytest.fixture
def proxy(own: Cluster) -> Iterator[Proxy]:
    """A connection that can fall silent."""
    found = Proxy(int(own.server.rpartition(":")[2]))
    yield found
    found.close()


def through(proxy: Proxy, cluster: Cluster) -> Path:
    """A kubeconfig that leads through the proxy."""
    config = json.loads(cluster.kubeconfig("fluxsm").read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{proxy.port}"
    path = cluster.folder / f"proxy-{proxy.port}.kubeconfig"
    path.write_text(json.dumps(config))
    return path


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
def test_a_connection_that_fell_silent_is_given_up(
    own: Cluster, instance: Instance, proxy: Proxy, state: str
) -> None:
    """No FIN, no RST, no answer: only the time limits tell."""
    flags = [ALONE, IDLE, f"--kubeconfig={through(proxy, own)}"]
    with Process(own, instance.namespace, flags=flags) as process:
        instance.create(spec())
        process.reaches(state)
        proxy.swallow()
        if state == "Ready":
            delete_deployment(instance)
        until(lambda: process.says("silent for too long") or None, "silence in the log")
        proxy.restore()
        eventually(lambda: is_repaired(instance), "repair", seconds=50)
        instance.becomes_ready(seconds=50)
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
