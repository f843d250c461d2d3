# SPDX-License-Identifier: Apache-2.0
"""The report put together: what makes it, and how that reaches the API server."""

from __future__ import annotations

import platform
import threading
from datetime import timedelta
from typing import Final

from fluxsm import __version__
from fluxsm.adapters.clock import SystemClock
from fluxsm.adapters.kube.client import KubeClient
from fluxsm.adapters.kube.cluster import KubeCluster
from fluxsm.adapters.kube.watches import SingletonWatch
from fluxsm.adapters.metrics import PrometheusMetrics
from fluxsm.api import names
from fluxsm.api.report import ReportOperator
from fluxsm.core.settings import Settings
from fluxsm.core.step import Step
from fluxsm.report.reporter import Reporter
from fluxsm.runtime.loop import Loop

REPORT_AGENT: Final = "fluxsm-report"
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
"""What Go and image registries call a machine."""


class Reporting:
    """The report beside the machine: a thread, a watch and connections of its own.

    No probe follows it, because a report that cannot be made affects nothing else. What it
    sends is distinguished from the work of the machine by its user agent.
    """

    def __init__(
        self,
        client: KubeClient,
        instances: SingletonWatch,
        metrics: PrometheusMetrics,
        clock: SystemClock,
        settings: Settings,
        *,
        idle_limit: float,
        resync: float,
    ) -> None:
        self.client = client.apart(agent=REPORT_AGENT)
        self._cluster = KubeCluster(self.client, idle_limit=idle_limit, span=resync)
        self._loop = Loop(self._turn, clock)
        self._reports = SingletonWatch(
            self._cluster,
            clock,
            settings.namespace,
            self._loop.wake,
            kind=names.REPORT_KIND,
            on_restart=metrics.watch_restarted,
            resync=resync,
        )
        self._reporter = Reporter(
            self._cluster, self._reports, instances, metrics, clock, settings, _operator()
        )
        self._thread = threading.Thread(target=self._loop.run, name="report", daemon=True)

    def start(self) -> None:
        """Begin to report; does nothing when that was begun before."""
        if self._thread.ident is None:
            self._reports.start()
            self._thread.start()

    def on_step(self, step: Step) -> None:
        """Follow the machine."""
        if self._reporter.ask(step):
            self._loop.wake()

    def _turn(self) -> timedelta | None:
        return self._reporter.turn()

    def stop(self) -> None:
        """End soon; a report that is under way is not waited for."""
        self._loop.stop()
        self._reports.stop()
        self._cluster.close()


def _operator() -> ReportOperator:
    """Who this operator is, in the words of Go and its images."""
    machine = platform.machine().lower()
    return ReportOperator(
        api_version=names.API_VERSION,
        version=f"v{__version__}",
        platform=f"{platform.system().lower()}/{ARCHITECTURES.get(machine, machine)}",
    )
