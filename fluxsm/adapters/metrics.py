# SPDX-License-Identifier: Apache-2.0
"""Prometheus metrics. The only importer of prometheus_client.

Names and help texts are in `METRICS`, from which the reference page is made.
"""

from __future__ import annotations

from collections.abc import Mapping
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

from fluxsm.machine.alphabet import State


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
    "How long a change that was heard of waited for its turn.",
)
RECONCILES: Final = Metric(
    "controller_runtime_reconcile_total",
    ("controller", "result"),
    "Reconciliations by result.",
)
METRICS: Final = (
    INSTANCE, TRANSITIONS, SECONDS, STATE, DRIFT, BLOCKED, REQUESTS, RESTARTS, QUEUE, RECONCILES,
)  # fmt: skip


class PrometheusMetrics:
    """Implements `fluxsm.ports.Metrics`."""

    def __init__(self) -> None:
        # The time at which each counter was made would be a second series, which nobody reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._instance = self._gauge(INSTANCE)
        self._transitions = self._counter(TRANSITIONS)
        self._seconds = self._histogram(SECONDS, (0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 3600))
        self._state = self._gauge(STATE)
        self._drift = self._counter(DRIFT)
        self._blocked = self._counter(BLOCKED)
        self._requests = self._counter(REQUESTS)
        self._restarts = self._counter(RESTARTS)
        self._queue = self._histogram(QUEUE, (0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60))
        self._reconciles = self._counter(RECONCILES)

    def transition(self, source: str, event: str, dest: str, seconds: float) -> None:
        """A row was taken after so many seconds in its source."""
        self._transitions.labels(source, event, dest).inc()
        self._seconds.labels(source).observe(seconds)
        for state in State:
            self._state.labels(state.value).set(state.value == dest)
        if dest in {State.READY.value, State.FAILED.value}:
            result = "success" if dest == State.READY.value else "error"
            self._reconciles.labels("fluxinstance", result).inc()

    def instance(self, labels: Mapping[str, str] | None) -> None:
        """Replace the series of `flux_instance_info`, or drop it with None."""
        self._instance.clear()
        if labels is not None:
            self._instance.labels(**labels).set(1)

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

    def heard(self, seconds: float) -> None:
        """A wake-up waited so long for its turn."""
        self._queue.labels("fluxinstance").observe(seconds)

    def page(self) -> bytes:
        """The metrics as text."""
        return generate_latest(self.registry)

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(
            metric.name, metric.help, metric.labels, registry=self.registry, buckets=buckets
        )
