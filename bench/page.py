# SPDX-License-Identifier: Apache-2.0
"""What the page costs: a load of it, the memory, and what many readers do to an installation."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.life import LIMIT_SECONDS, last_two_minors
from bench.measure import Cost, in_production
from fluxsm.adapters.folder import open_folder
from tests.controlplane.cluster import Cluster
from tests.controlplane.process import free_ports
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until

LOADS = 200
STREAMS = 100
PAIRS = 7
SLOWER = 1.05
"""So much longer may an installation take while all streams are open."""


def look(cluster: Cluster, storage: Path) -> Iterator[Cost]:
    """Loads of the page of a Ready instance, then installations with readers and without."""
    newest, _ = last_two_minors(open_folder(storage))
    namespace = cluster.create_namespace(f"bench-{uuid.uuid4().hex[:8]}")
    instance = Instance(cluster, namespace)
    [port] = free_ports(1)
    operator = in_production(cluster, namespace, storage, f"--web-server-port={port}")
    spec = {"distribution": {"version": newest, "registry": "ghcr.io/fluxcd"}}
    with operator:
        until(lambda: _load(port) is not None or None, "page")
        _installed(instance, operator, spec)  # nobody counts the first one
        yield _loads(port, operator)
        instance.delete()
        instance.goes(seconds=LIMIT_SECONDS)
        plain: list[float] = []
        read: list[float] = []
        for number in range(PAIRS):
            for with_readers in (True, False) if number % 2 else (False, True):
                times = read if with_readers else plain
                times.append(_life(instance, operator, spec, port if with_readers else 0))
        yield _pairs(plain, read, operator)


def _loads(port: int, operator: Operator) -> Cost:
    times = sorted(found for _ in range(LOADS) if (found := _load(port)) is not None)
    cost = Cost(work=f"page load, p95 of {LOADS}", requests=None, most_seconds=0.05)
    cost.seconds, cost.resident = times[int(len(times) * 0.95)], operator.resident()
    return cost


def _pairs(plain: list[float], read: list[float], operator: Operator) -> Cost:
    """The fastest installation with readers, against that without: other work only adds to it."""
    cost = Cost(work=f"install with {STREAMS} streams open", requests=None)
    print(f"without readers {_shown(plain)}, with {_shown(read)}", file=sys.stderr)
    cost.seconds, cost.most_seconds = min(read), SLOWER * min(plain)
    cost.resident = operator.resident()
    return cost


def _shown(times: list[float]) -> str:
    return " ".join(f"{item:.2f}" for item in sorted(times))


def _life(instance: Instance, operator: Operator, spec: Mapping[str, object], port: int) -> float:
    """Install and delete, with readers where there is a port; how long the installation took."""
    with _readers(port):
        took = _installed(instance, operator, spec)
    instance.delete()
    instance.goes(seconds=LIMIT_SECONDS)
    return took


def _installed(instance: Instance, operator: Operator, spec: Mapping[str, object]) -> float:
    """Install; how long the machine was at it, by its own log."""
    before = len(operator.transitions())
    instance.create(spec)
    instance.becomes_ready(seconds=LIMIT_SECONDS)
    way = operator.reaches("Ready", after=before)
    return sum(item.seconds for item in way)


def _load(port: int) -> float | None:
    """Seconds of one load of the page; None while nobody listens."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()
    return time.monotonic() - began


@contextmanager
def _readers(port: int) -> Iterator[None]:
    """Readers at work; none without a port."""
    if not port:
        yield
        return
    command = [sys.executable, "-m", "bench.readers", str(port), str(STREAMS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
