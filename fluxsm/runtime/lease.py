# SPDX-License-Identifier: Apache-2.0
"""The lease that one of several operators holds, as every Kubernetes controller writes it.

A candidate never compares its own clock with a time in the lease. It measures, by its own clock,
how long the lease has not changed; so clocks that differ or jump make nobody leader too early.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fluxsm.api.objects import Manifest
from fluxsm.errors import UsageError

JITTER: Final = 0.2
"""Share of the retry period that chance may add, so that candidates do not ask in step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderElectionConfig:
    """How leadership is kept.

    Attributes:
        duration: how long others wait for a holder that does not renew.
        deadline: how long the holder itself goes on without a renewal; what is left until
            `duration` is the margin for its last requests.
        retry: pause between two requests.
        release: give the lease back on a regular end, so that the next one need not wait.
    """

    duration: timedelta = timedelta(seconds=35)
    deadline: timedelta = timedelta(seconds=30)
    retry: timedelta = timedelta(seconds=5)
    release: bool = True

    def __post_init__(self) -> None:
        if self.retry <= timedelta(0):
            raise UsageError("the retry period of the leader election must be above zero")
        if self.duration < timedelta(seconds=1):
            raise UsageError("the lease duration of the leader election must be at least 1s")
        if self.deadline >= self.duration:
            raise UsageError(
                "the renew deadline of the leader election must be below the lease duration"
            )
        if self.deadline <= self.retry * (1 + JITTER):
            raise UsageError(
                "the renew deadline of the leader election must be above 1.2 times its retry period"
            )


def holder(lease: Manifest) -> str:
    """The identity that holds a lease; empty when it was released."""
    return str(_spec(lease).get("holderIdentity") or "")


def lasts(lease: Manifest) -> float:
    """Seconds after its last change for which a lease is respected."""
    seconds = _spec(lease).get("leaseDurationSeconds")
    return float(seconds) if isinstance(seconds, int) else 0.0


def claim(
    lease: Manifest | None,
    *,
    name: str,
    namespace: str,
    holder_identity: str,
    config: LeaderElectionConfig,
    now: datetime,
) -> Manifest:
    """The lease as its new or old holder writes it.

    Args:
        lease: as it was read, None when there is none; its resourceVersion guards the write.
        name: of the lease.
        namespace: of the lease.
        holder_identity: of the process that is to hold it.
        config: how leadership is kept.
        now: the time, for people who look at the lease.
    """
    old = _spec(lease) if lease else {}
    renewed = bool(lease) and old.get("holderIdentity") == holder_identity
    transitions = int(old.get("leaseTransitions") or 0)
    spec = {
        "holderIdentity": holder_identity,
        "leaseDurationSeconds": math.ceil(config.duration.total_seconds()),
        "acquireTime": (old.get("acquireTime") if renewed else None) or micro_time(now),
        "renewTime": micro_time(now),
        "leaseTransitions": transitions if renewed or not lease else transitions + 1,
    }
    if lease:
        return {**lease, "spec": {**old, **spec}}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def released(lease: Manifest, now: datetime) -> Manifest:
    """The lease as its holder gives it back."""
    moment = micro_time(now)
    spec = {
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "acquireTime": moment,
        "renewTime": moment,
    }
    return {**lease, "spec": {**_spec(lease), **spec}}


def micro_time(moment: datetime) -> str:
    """A moment in UTC as `metav1.MicroTime` writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _spec(lease: Manifest) -> dict[str, Any]:
    spec = lease.get("spec")
    return spec if isinstance(spec, dict) else {}
