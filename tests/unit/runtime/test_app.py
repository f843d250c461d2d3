# SPDX-License-Identifier: Apache-2.0
"""What hangs in a process that is put together as in production shows on its pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from fluxsm.app import STUCK_SECONDS, Operator, Options
from fluxsm.core.settings import Settings
from fluxsm.runtime.lease import LeaderElectionConfig
from fluxsm.simulation.clock import VirtualClock
from tests.controlplane.process import free_ports
from tests.integration.operator import until
from tests.unit.adapters.api_server import ApiServer, Request, serving
from tests.unit.runtime.test_probes import ask

Health = tuple[int, list[str]]
"""The status and the lines of the answer."""

CONFIG = LeaderElectionConfig(
    duration=timedelta(seconds=35), deadline=timedelta(seconds=30), retry=timedelta(seconds=5)
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    """The time of all operators of the test."""
    found = VirtualClock()
    monkeypatch.setattr("fluxsm.app.SystemClock", lambda: found)
    return found


@contextmanager
def running(
    server: ApiServer, *, election: LeaderElectionConfig | None = None
) -> Iterator[Callable[[], Health]]:
    """An operator at work; yields how it says that it is."""
    [port] = free_ports(1)
    options = Options(storage=Path(), health_address=f"127.0.0.1:{port}", election=election)
    settings = Settings(reporting_interval=timedelta(0))
    operator = Operator(server.client(), settings, options)
    thread = threading.Thread(target=operator.run)
    thread.start()

    def health() -> Health:
        status, body = ask(f"http://127.0.0.1:{port}/healthz")
        return status, body.decode().splitlines()

    try:
        yield health
    finally:
        operator.stop()
        thread.join()


def long_after(clock: VirtualClock) -> None:
    """Let more time pass than anything may take."""
    clock.advance(timedelta(seconds=STUCK_SECONDS + 1))


def test_a_loop_that_hangs_is_not_alive(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its step comes to an end."""
    begun, ends = threading.Event(), threading.Event()

    def turn(_: Operator) -> None:
        begun.set()
        ends.wait()

    monkeypatch.setattr(Operator, "_turn", turn)
    with serving(Request.vanish) as server, running(server) as health, ExitStack() as stack:
        stack.callback(ends.set)  # whatever is found: a process that does not end is ended
        assert begun.wait(5)
        assert health() == (200, ["ok"])
        long_after(clock)
        status, late = health()
        assert status == 500
        assert "the loop: no activity for 301s" in late
        ends.set()
        until(
            lambda: "the loop: no activity for 301s" not in health()[1],
            "turn of the loop",
            seconds=5,
        )


def test_a_watch_that_hangs_is_not_alive(clock: VirtualClock) -> None:
    """It is named by what it watches."""
    with serving(Request.hang) as server, running(server) as health:
        assert server.connected.wait(5)
        long_after(clock)
        status, late = health()
        assert status == 500
        assert "watch of fluxcd.controlplane.io/v1 FluxInstance: no activity for 301s" in late


def test_an_election_that_hangs_is_not_alive(clock: VirtualClock) -> None:
    """Also on a process that does not lead."""
    with serving(Request.hang) as server, running(server, election=CONFIG) as health:
        assert server.connected.wait(5)
        long_after(clock)
        status, late = health()
        assert status == 500
        assert "the election: no activity for 301s" in late
