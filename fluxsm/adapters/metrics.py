# SPDX-License-Identifier: Apache-2.0
"""Prometheus metrics. The only importer of prometheus_client.

Names and help texts are in `METRICS`, from which the reference page is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from fluxsm.machine.states import State


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family: its name, its labels, and what it says."""

    name: str
    labels: tuple[str, ...]
    help: str


INSTANCE: Final = Metric(
    "flux_instance_info",
    (
        "uid", "kind", "name", "exported_namespace", "ready", "reason", "suspended", "registry",
        "revision",
    ),
    "The current status of the FluxInstance; always 1.",
)  # fmt: skip
RESOURCE: Final = Metric(
    "flux_resource_info",
    (
        "uid", "kind", "name", "exported_namespace", "ready", "reason", "suspended", "revision",
        "url", "ref", "source_name", "path",
    ),
    "The current status of a Flux object, as of the last report; always 1.",
)  # fmt: skip
OPERATOR: Final = Metric(
    "flux_operator_info", ("version", "api_version", "platform"), "The operator; always 1."
)
TRANSITIONS: Final = Metric(
    "fluxsm_transitions_total", ("source", "event", "dest"), "Transitions of the state machine."
)
SECONDS: Final = Metric(
    "fluxsm_state_seconds", ("state",), "How long the machine stayed in a state before it left."
)
STATE: Final = Metric(
    "fluxsm_state", ("state",), "1 for the state that the instance is in, 0 for the others."
)
DRIFT: Final = Metric("fluxsm_drift_repairs_total", (), "Managed objects that were repaired.")
BLOCKED: Final = Metric(
    "fluxsm_upgrades_blocked_total",
    ("reason",),
    "Tries of an upgrade that nobody asked for, and that could not be fetched or built.",
)
REQUESTS: Final = Metric(
    "rest_client_requests_total", ("code", "method"), "Requests to the API server."
)
RESTARTS: Final = Metric(
    "fluxsm_watch_restarts_total", ("kind",), "How often the watch of a kind was opened again."
)
QUEUE: Final = Metric(
    "workqueue_queue_duration_seconds",
    ("name",),
    "How long a received change waited for its turn.",
)
RECONCILES: Final = Metric(
    "controller_runtime_reconcile_total",
    ("controller", "result"),
    "Reconciliations of the instance, and reports, by result.",
)
METRICS: Final = (
    INSTANCE, RESOURCE, OPERATOR, TRANSITIONS, SECONDS, STATE, DRIFT, BLOCKED, REQUESTS, RESTARTS,
    QUEUE, RECONCILES,
)  # fmt: skip


class PrometheusMetrics:
    """Implements `fluxsm.core.ports.Metrics` and `fluxsm.report.reporter.ReportMetrics`."""

    def __init__(self) -> None:
        # The time at which each counter was made would be a second series, which nobody reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._instance = self._gauge(INSTANCE)
        self._operator = self._gauge(OPERATOR)
        self._resources = _text(RESOURCE, ())
        self._transitions = self._counter(TRANSITIONS)
        self._seconds = self._histogram(SECONDS, (0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 3600))
        self._state = self._gauge(STATE)
        self._drift = self._counter(DRIFT)
        self._blocked = self._counter(BLOCKED)
        self._requests = self._counter(REQUESTS)
        self._restarts = self._counter(RESTARTS)
        self._queue = self._histogram(QUEUE, (0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60))
        self._reconciles = self._counter(RECONCILES)

    def transition(
        self, source: str, event: str, dest: str, seconds: float, *, result: str = ""
    ) -> None:
        """A row was taken after so many seconds in its source."""
        self._transitions.labels(source, event, dest).inc()
        self._seconds.labels(source).observe(seconds)
        for state in State:
            self._state.labels(state.value).set(state.value == dest)
        if result:
            self._reconciles.labels("fluxinstance", result).inc()

    def instance(self, labels: Mapping[str, str] | None) -> None:
        """Replace the series of `flux_instance_info`, or drop it with None."""
        self._instance.clear()
        if labels is not None:
            self._instance.labels(**labels).set(1)

    def resources(self, series: Iterable[Mapping[str, str]]) -> None:
        """Replace all series of `flux_resource_info` at once; when reading fails, none is."""
        self._resources = _text(RESOURCE, series)

    def operator(self, labels: Mapping[str, str]) -> None:
        """Say who the operator is; that never changes while it runs."""
        self._operator.labels(**labels).set(1)

    def reported(self, *, well: bool) -> None:
        """A report was made, and saved if need be; or that failed."""
        self._reconciles.labels("fluxreport", "success" if well else "error").inc()

    def drift(self, count: int) -> None:
        """So many objects were found drifted."""
        self._drift.inc(count)

    def blocked(self, reason: str) -> None:
        """An upgrade that nobody asked for was tried and could not be fetched or built."""
        self._blocked.labels(reason).inc()

    def request(self, method: str, code: int) -> None:
        """A request was answered; code 0 means that it was not."""
        self._requests.labels(str(code), method).inc()

    def watch_restarted(self, kind: str) -> None:
        """The watch of a kind ended and is opened again."""
        self._restarts.labels(kind).inc()

    def woken(self, seconds: float) -> None:
        """A wake-up waited so long for its turn."""
        self._queue.labels("fluxinstance").observe(seconds)

    def page(self) -> bytes:
        """The metrics as text."""
        return generate_latest(self.registry) + self._resources

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(
            metric.name, metric.help, metric.labels, registry=self.registry, buckets=buckets
        )


def _text(metric: Metric, series: Iterable[Mapping[str, str]]) -> bytearray:
    """A gauge whose values are all 1, as text: a tenth of what its series take as objects.

    There may be thousands of them, and what scrapes them sees the old ones or the new ones.
    """
    found = bytearray(f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n".encode())
    for labels in series:
        pairs = ",".join(f'{key}="{_escape(labels[key])}"' for key in metric.labels)
        found += f"{metric.name}{{{pairs}}} 1.0\n".encode()
    return found


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
