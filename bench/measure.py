# SPDX-License-Identifier: Apache-2.0
"""Measure one piece of work: requests by the audit log, time, and memory of the process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fluxsm.report.reporting import REPORT_AGENT
from tests.controlplane.cluster import Cluster, Request
from tests.integration.operator import Operator


@dataclass(slots=True, kw_only=True)
class Cost:
    """What a piece of work cost.

    Attributes:
        work: what was done.
        requests: how many requests the operator sent; None where no operator was at work.
        seconds: how long it took, as a user would measure it.
        resident: memory of the operator afterwards, in MiB; None as above.
        by_verb: the requests by verb and resource.
        most_requests: the target for requests, None where there is none.
        most_seconds: the target for time.
        most_resident: the target for memory.
    """

    work: str
    requests: int | None = 0
    seconds: float = 0.0
    resident: float | None = 0.0
    by_verb: Counter[str] = field(default_factory=Counter)
    most_requests: int | None = None
    most_seconds: float | None = None
    most_resident: float = 60.0

    @property
    def is_met(self) -> bool:
        """Whether all targets are met."""
        pairs = (
            (self.requests, self.most_requests),
            (self.seconds, self.most_seconds),
            (self.resident, self.most_resident),
        )
        return all(value is None or most is None or value <= most for value, most in pairs)


IMAGE = {"MALLOC_ARENA_MAX": "2"}
"""The environment that the image sets for the operator."""

REPORTING = ("--reporting-interval=5m",)
"""The flag that makes an operator report as in production; tests do without."""


def in_production(cluster: Cluster, namespace: str, storage: Path, *flags: str) -> Operator:
    """An operator as the image runs it in a pod."""
    found = (*REPORTING, *flags)
    return Operator(cluster, namespace, storage=storage, env=IMAGE, in_pod=True, flags=found)


@contextmanager
def measured(
    cluster: Cluster, operator: Operator, work: str, *, report: bool = False
) -> Iterator[Cost]:
    """Measure what is done inside; the caller sets the targets.

    Args:
        cluster: where it is done.
        operator: who does it.
        work: what is done.
        report: count the requests of the report, which is made beside the work, instead of others.
    """
    cost = Cost(work=work)
    before = len(cluster.audit("fluxsm"))
    began = time.monotonic()
    yield cost
    cost.seconds = time.monotonic() - began
    sent = [item for item in await_idle(cluster, before) if (item.agent == REPORT_AGENT) is report]
    cost.requests = len(sent)
    cost.by_verb = Counter(f"{item.verb} {item.resource}" for item in sent)
    cost.resident = operator.resident()


def await_idle(cluster: Cluster, before: int) -> Sequence[Request]:
    """The requests since then, once no more come: events are sent beside the work.

    The lease of the leader is left out: it is renewed by the clock, whatever the work.
    """
    count = -1
    while count != len(sent := cluster.audit("fluxsm")[before:]):
        count = len(sent)
        time.sleep(0.5)
    return [item for item in sent if item.resource != "leases"]
