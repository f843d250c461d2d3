# SPDX-License-Identifier: Apache-2.0
"""Keep the FluxReport of the runtime namespace up to date (docs/adr/0018-the-report.md).

It works beside the machine and may fail as it likes: the instance never notices.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeAlias

from fluxsm.api import duration, names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.api.report import ReportOperator
from fluxsm.core import conditions, schedule
from fluxsm.core.ports import Clock, Cluster, Instances
from fluxsm.core.settings import Settings
from fluxsm.core.step import Step
from fluxsm.errors import ClusterError, MalformedError
from fluxsm.objects import manifest
from fluxsm.report import content as report
from fluxsm.report.collector import Collector, Gauges

log = logging.getLogger("fluxsm.report")

REPORT: Final = Kind(names.GROUP, names.VERSION, names.REPORT_KIND)
PAUSE: Final = 1
"""A pause is so many times as long as the collection before it: half of the time at most."""
SEPARATOR: Final = "; "
"""Between the parts of the message of the Ready condition."""

_ZERO: Final = timedelta(0)

Fingerprint: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""Incarnation and annotations of the report: when they change, it is made again."""


class Reports(Instances, Protocol):
    """The FluxReport as the watch last reported it."""

    @property
    def synced(self) -> bool:
        """Whether it is known if there is a report."""


class ReportMetrics(Gauges, Protocol):
    """The metrics that a report fills."""

    def operator(self, labels: dict[str, str]) -> None:
        """Say in `flux_operator_info` who the operator is."""

    def reported(self, *, well: bool) -> None:
        """A report was made, and saved if need be; or that failed."""


class Reporter:
    """Makes the report when it is due. One `turn` looks whether it is."""

    def __init__(
        self,
        cluster: Cluster,
        reports: Reports,
        instances: Instances,
        metrics: ReportMetrics,
        clock: Clock,
        settings: Settings,
        operator: ReportOperator,
    ) -> None:
        """Prepare; the first turn makes a report.

        Args:
            cluster: the API server.
            reports: the report as it was last received.
            instances: the instance as it was last received.
            metrics: what a report fills besides.
            clock: the time.
            settings: namespace and interval.
            operator: who reports.
        """
        self._cluster, self._reports, self._instances = cluster, reports, instances
        self._metrics, self._clock, self._settings = metrics, clock, settings
        self._operator = operator
        self._ref = ObjectRef(REPORT, settings.namespace, names.SINGLETON)
        self._asked: datetime | None = None
        self._answered: datetime | None = None
        self._fingerprint: Fingerprint | None = None
        self._due = self._free = clock.monotonic()
        self._failures = 0

    def ask(self, step: Step) -> bool:
        """Take note of a step of the machine; whether it is one that a report must follow.

        One that came to rest and had something to say is; a quiet run is not, so that an instance
        at rest costs nothing.
        """
        wanted = step.ends or (step.entered.rests and step.saves)
        if wanted:
            self._asked = self._clock.now()
        return wanted

    def turn(self) -> timedelta | None:
        """Make the report if it is due.

        Returns:
            When to look again, None when only news can make it due.
        """
        if not self._reports.synced:
            return None
        known = self._reports.current()
        annotations = manifest.annotations_of(known or {})
        if report.is_disabled(annotations):
            log.debug("the report is disabled")
            return None
        wait = self._wait(known)
        if wait > _ZERO:
            return wait
        began = self._clock.monotonic()
        self._failures += 1  # until it has gone well
        try:
            self._make(known)
            self._failures = 0
        except ClusterError as error:
            log.warning("the report could not be saved: %s", error)
        finally:
            self._rest(began, report.interval(annotations, self._settings.reporting_interval))
        return self._wait(self._reports.current())

    def _rest(self, began: float, interval: timedelta) -> None:
        """Set the time of the next report, sooner after a failure."""
        if self._failures:
            least = self._settings.min_retry
            interval = schedule.retry_delay(self._failures, minimum=least, maximum=interval)
        self._metrics.reported(well=not self._failures)
        ended = self._clock.monotonic()
        self._due = ended + interval.total_seconds()
        self._free = ended + PAUSE * (ended - began)

    def _wait(self, known: Manifest | None) -> timedelta:
        """How long until the next report."""
        has_news = self._asked != self._answered or _fingerprint(known) != self._fingerprint
        due = self._free if has_news and not self._failures else max(self._due, self._free)
        return max(_ZERO, timedelta(seconds=due - self._clock.monotonic()))

    def _make(self, known: Manifest | None) -> None:
        """Collect, and save what it found if that is news.

        Raises:
            ClusterError: it could not be saved.
        """
        began, asked = self._clock.monotonic(), self._asked
        request = asked if asked != self._answered else None
        self._fingerprint = _fingerprint(known)
        collector = Collector(
            self._cluster,
            self._metrics,
            namespace=self._settings.namespace,
            sync=self._sync_name(),
            now=self._clock.now(),
        )
        spec = collector.take(self._operator).model_dump(by_alias=True, exclude_none=True)
        self._metrics.operator(
            {
                "version": self._operator.version,
                "api_version": self._operator.api_version,
                "platform": self._operator.platform,
            }
        )
        took = timedelta(seconds=self._clock.monotonic() - began)
        saved = self._save_spec(known, spec, request)
        self._save_status(saved, took, collector.unknown, is_news=saved is not known)
        self._answered = asked

    def _sync_name(self) -> str:
        """The name of the sync is the namespace, unless the instance gives it another one.

        It is read from the instance as it is: something else in it may be one that no model admits.
        """
        try:
            name = manifest.text(self._instances.current() or {}, "spec", "sync", "name")
        except MalformedError:
            name = ""
        return name or self._settings.namespace

    def _save_spec(
        self, known: Manifest | None, spec: Manifest, request: datetime | None
    ) -> Manifest:
        """Replace the whole spec, and show that the instance asked; without news nothing is sent.

        A request that a user has made, and whose answer he may wait for, is not overwritten.

        Returns:
            The report as it is now.
        """
        annotations = manifest.annotations_of(known or {})
        if schedule.is_requested(annotations, (known or {}).get("status") or {}):
            request = None
        if known is not None and known.get("spec") == spec and request is None:
            return known
        metadata: dict[str, Any] = dict((known or {}).get("metadata") or {})
        metadata |= {"name": self._ref.name, "namespace": self._ref.namespace}
        if request is not None:
            second = {names.REQUESTED_AT: str(int(request.timestamp()))}
            metadata["annotations"] = {**annotations, **second}
        body = {
            **(known or {"apiVersion": REPORT.api_version, "kind": REPORT.kind}),
            "metadata": metadata,
            "spec": spec,
        }
        return self._note(self._cluster.replace(body) if known else self._cluster.create(body))

    def _save_status(
        self, saved: Manifest, took: timedelta, unknown: Sequence[str], *, is_news: bool
    ) -> None:
        """Say when the report was last made and what it does not know.

        Nothing is written where neither is new and nobody has asked.
        """
        status = saved.get("status") or {}
        requested = manifest.annotations_of(saved).get(names.REQUESTED_AT, "")
        said = conditions.find(status.get("conditions") or [], names.READY)
        lacks = SEPARATOR.join(unknown)
        is_news |= said is None or lacks != str(said["message"]).partition(SEPARATOR)[2]
        if not is_news and status.get("lastHandledReconcileAt", "") == requested:
            return
        finished = f"Reporting finished in {duration.format_elapsed(took)}"
        found = conditions.put(
            status.get("conditions") or [],
            type_=names.READY,
            status="True",
            reason=names.SUCCEEDED,
            message=SEPARATOR.join((finished, *unknown)),
            generation=saved["metadata"].get("generation", 0),
            now=self._clock.now(),
        )
        body = {
            "metadata": {"resourceVersion": saved["metadata"]["resourceVersion"]},
            "status": {"conditions": found, "lastHandledReconcileAt": requested or None},
        }
        self._note(self._cluster.patch(self._ref, body, subresource="status"))

    def _note(self, answer: Manifest) -> Manifest:
        """Our own write is no reason to make the report again."""
        self._reports.put(answer)
        self._fingerprint = _fingerprint(answer)
        return answer


def _fingerprint(known: Manifest | None) -> Fingerprint | None:
    if known is None:
        return None
    annotations = tuple(sorted(manifest.annotations_of(known).items()))
    return (manifest.text(known, "metadata", "uid"), annotations)
