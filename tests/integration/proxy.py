# SPDX-License-Identifier: Apache-2.0
"""A connection to the API server that can stop to answer: no FIN, no RST, no data."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.controlplane.cluster import Cluster


@dataclass(frozen=True, slots=True)
class _Loss:
    """What does not come through any more; connections keep the one that they began with.

    Attributes:
        requests: what the operator sends is lost.
        answers: what the API server sends is lost.
        lost: something that the operator sent was lost.
    """

    requests: threading.Event = field(default_factory=threading.Event)
    answers: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)


class Proxy:
    """Passes bytes on to the API server, until it passes nothing on, without closing anything."""

    def __init__(self, port: int) -> None:
        """Listen; connections are passed on to a port of this machine."""
        self._target = port
        self._loss = _Loss()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ends: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def swallow(self) -> None:
        """From now on nothing comes through, and nothing is closed."""
        self.swallow_requests()
        self._loss.answers.set()

    def swallow_requests(self) -> None:
        """From now on what the operator sends is lost; it still receives."""
        self._loss.requests.set()

    @property
    def has_swallowed(self) -> bool:
        """Whether the operator has sent something that was lost."""
        return self._loss.lost.is_set()

    def restore(self) -> None:
        """New connections work again; the old ones stay as dead as they are."""
        self._loss = _Loss()

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
                self._pass_on(near)

    def _pass_on(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:  # the API server is down, and so is the way to it
            near.close()
            return
        self._ends.append(far)
        loss = self._loss
        self._start(self._pump, near, far, loss.requests, loss.lost)
        self._start(self._pump, far, near, loss.answers, threading.Event())

    def _pump(
        self,
        source: socket.socket,
        sink: socket.socket,
        dropping: threading.Event,
        lost: threading.Event,
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if dropping.is_set():
                    lost.set()
                else:
                    sink.sendall(data)
        if not dropping.is_set():
            for end in (source, sink):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(cluster: Cluster) -> Iterator[Proxy]:
    """A proxy before a control plane."""
    found = Proxy(int(cluster.server.rpartition(":")[2]))
    try:
        yield found
    finally:
        found.close()


def through(proxy: Proxy, cluster: Cluster) -> Path:
    """A kubeconfig that leads through the proxy."""
    config = json.loads(cluster.kubeconfig("fluxsm").read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{proxy.port}"
    path = cluster.folder / f"proxy-{proxy.port}.kubeconfig"
    path.write_text(json.dumps(config))
    return path
