# SPDX-License-Identifier: Apache-2.0
"""The composition root: the only place that knows every part by name."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fluxsm.adapters.bundled import Distributions
from fluxsm.adapters.clock import SystemClock
from fluxsm.adapters.kube.client import KubeClient
from fluxsm.adapters.kube.cluster import KubeCluster
from fluxsm.adapters.kube.watches import InstanceWatch, LiveObjects
from fluxsm.adapters.metrics import PrometheusMetrics
from fluxsm.adapters.recorder import EventRecorder
from fluxsm.api.objects import Manifest
from fluxsm.ports import Fetched, Ports
from fluxsm.runtime.loop import Loop
from fluxsm.runtime.probes import Page, Pages, PageServer
from fluxsm.runtime.reconciler import Reconciler
from fluxsm.settings import Settings
from fluxsm.step import Step
from states.behaviour import BEHAVIOUR

log = logging.getLogger("fluxsm.app")

STUCK_SECONDS = 300.0
"""A loop or watch without a sign of life for this long is stuck, and so not alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about the process itself.

    Attributes:
        storage: folder of the operator's own distribution.
        health_address: where the probes are served; empty means nowhere.
        metrics_address: where the metrics are served; empty means nowhere.
    """

    storage: Path
    health_address: str = ""
    metrics_address: str = ""


class Operator:
    """One operator process, put together and ready to run."""

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        options: Options,
        *,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        self._clock = SystemClock()
        self.metrics = PrometheusMetrics()
        client.on_request = self.metrics.request
        self._cluster = KubeCluster(client)
        self._loop = Loop(self._turn, self._clock)
        wake = self._loop.wake
        self._live = LiveObjects(self._cluster, self._clock, wake)
        self._instances = InstanceWatch(self._cluster, self._clock, settings.namespace, wake)
        self._recorder = EventRecorder(self._cluster, self._clock, host=platform.node())
        self._distributions = Distributions(options.storage, pull=_pull, digest=_digest, wake=wake)
        ports = Ports(
            cluster=self._cluster,
            live=self._live,
            distributions=self._distributions,
            recorder=self._recorder,
            metrics=self.metrics,
            clock=self._clock,
        )
        self._reconciler = Reconciler(
            instances=self._instances,
            behaviour=BEHAVIOUR,
            ports=ports,
            settings=settings,
            on_step=on_step,
        )
        self._servers = [
            PageServer(address, pages)
            for address, pages in (
                (options.health_address, self._probes()),
                (options.metrics_address, {"/metrics": self._metrics_page}),
            )
            if address
        ]

    def run(self) -> None:
        """Reconcile until `stop` is called, then let go of everything."""
        log.info("the operator has started")
        self._instances.start()
        try:
            self._loop.run()
        finally:
            self._close()
            log.info("the operator has ended")

    def stop(self) -> None:
        """End soon. May be called from a signal handler."""
        self._loop.stop()

    def _turn(self) -> timedelta | None:
        """One step, once it is known whether there is an instance at all."""
        if not self._instances.synced:
            return None
        return self._reconciler.turn()

    def _close(self) -> None:
        self._instances.stop()
        self._live.forget()
        self._recorder.close()
        self._distributions.close()
        self._cluster.close()
        for server in self._servers:
            server.close()

    def _probes(self) -> Pages:
        return dict.fromkeys(
            ("/healthz", "/healthz/ping", "/readyz", "/readyz/ping"), self._health_page
        )

    def _health_page(self) -> Page:
        """Alive while the loop turns and the watches are heard of."""
        now = self._clock.monotonic()
        ages = {"the loop": now - self._loop.turned, "the watch": now - self._instances.heard}
        ages |= {kind: now - heard for kind, heard in self._live.progress().items()}
        stuck = [
            f"{name}: silent for {age:.0f}s" for name, age in ages.items() if age > STUCK_SECONDS
        ]
        if stuck:
            return Page(500, ("\n".join(stuck) + "\n").encode())
        return Page(200, b"ok\n")

    def _metrics_page(self) -> Page:
        self.metrics.watch_restarts(self._live.restarts)
        return Page(200, self.metrics.page(), "text/plain; version=0.0.4; charset=utf-8")


def _pull(reference: str, secret: Manifest | None) -> Fetched:
    from fluxsm.adapters.registry import pull

    return pull(reference, secret)


def _digest(reference: str, secret: Manifest | None) -> str:
    from fluxsm.adapters.registry import digest

    return digest(reference, secret)
