# SPDX-License-Identifier: Apache-2.0
"""Whether everything that was applied is healthy, and how to say what is not.

Built on the status of single objects (`kstatus`) and on what their pods tell (`pods`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from fluxsm.api import duration
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.errors import MalformedError
from fluxsm.objects.kstatus import Health, Status, status_of
from fluxsm.objects.pods import (
    START_GRACE,
    Lasts,
    current_pods,
    pod_failure,
    pod_trouble,
    replica_failure,
    replica_key,
    troubles,
)

__all__ = [
    "START_GRACE",
    "Found",
    "Health",
    "Lasts",
    "Status",
    "assess",
    "current_pods",
    "failed_early",
    "nothing_lasts",
    "pod_failure",
    "pod_trouble",
    "status_of",
    "statuses",
    "timed_out",
    "troubles",
    "waiting_for",
    "with_pods",
]

Found: TypeAlias = tuple[ObjectRef, Health]
"""An object and its health."""

SHOWN: Final = 5
"""How many objects the text of a wait names; a longer list tells nobody more."""

FLUX_GROUPS: Final = ".fluxcd.io"
"""End of the API groups whose Ready message is shown on a line of its own."""


def nothing_lasts(_: str) -> bool:
    """For whoever looks once: then nothing is known to have lasted."""
    return False


def assess(obj: Manifest | None, now: datetime, lasts: Lasts = nothing_lasts) -> Health:
    """Return the kstatus of an object, or Failed where its pods cannot be created.

    Args:
        obj: the live object, None when it does not exist.
        now: the current time.
        lasts: which troubles have lasted.
    """
    health = status_of(obj, now)
    if obj is None or health.status is not Status.IN_PROGRESS:
        return health
    try:
        failure = replica_failure(obj)
        if failure is None:
            return health
        hopeless = lasts(replica_key(obj))
    except MalformedError as error:
        return Health(status=Status.UNKNOWN, message=str(error))
    status = Status.FAILED if hopeless else health.status
    return Health(status=status, message=f"{health.message}: {failure}")


def statuses(
    objects: Iterable[Manifest],
    live: Callable[[ObjectRef], Manifest | None],
    now: datetime,
    lasts: Lasts = nothing_lasts,
) -> list[Found]:
    """Return the health of each object, in order.

    Args:
        objects: what was applied.
        live: how to find an object as it is now; None when it does not exist.
        now: the current time.
        lasts: which troubles have lasted.
    """
    refs = [ObjectRef.of(obj) for obj in objects]
    return [(ref, assess(live(ref), now, lasts)) for ref in refs]


def with_pods(health: Health, pods: Iterable[Manifest], lasts: Lasts) -> Health:
    """Return the health of a workload in the light of its pods.

    One pod that will never start makes a workload that is in progress a failed one. What else
    keeps a pod from being ready is added to the message.

    Args:
        health: of the workload alone.
        pods: the pods that its current manifest asks for.
        lasts: which troubles have lasted.
    """
    if health.status is not Status.IN_PROGRESS:
        return health
    trouble = ""
    for pod in pods:
        failure = pod_failure(pod, lasts)
        if failure is not None:
            message = f"{health.message}: {ObjectRef.of(pod)}: {failure}"
            return Health(status=Status.FAILED, message=message)
        trouble = trouble or _trouble(pod)
    return replace(health, message=f"{health.message}{trouble}")


def _trouble(pod: Manifest) -> str:
    trouble = pod_trouble(pod)
    return f": {ObjectRef.of(pod)}: {trouble}" if trouble else ""


def waiting_for(unhealthy: Sequence[Found]) -> str:
    """Return what a wait is for, in one line; the first objects stand for the rest."""
    shown = [f"{ref} ({health.message})" for ref, health in unhealthy[:SHOWN]]
    more = len(unhealthy) - len(shown)
    rest = [f"{more} more"] if more > 0 else []
    return f"Waiting for {', '.join([*shown, *rest])}"


def failed_early(unhealthy: Iterable[Found], waited: timedelta, limit: timedelta) -> str:
    """Return why there is no point in waiting any longer: every object that has failed.

    Args:
        unhealthy: the objects that are not current.
        waited: how long was waited.
        limit: how long could have been waited.
    """
    failed = [(ref, health) for ref, health in unhealthy if health.is_failed]
    took = f"{duration.format_elapsed(waited)} of {duration.format(limit)}"
    return f"failed early after {took}: {_in_brackets(failed)}{_own_words(failed)}"


def timed_out(unhealthy: Iterable[Found], limit: timedelta) -> str:
    """Return what was still missing when time was up: every object that is not current.

    Args:
        unhealthy: the objects that are not current.
        limit: how long was waited.
    """
    found = list(unhealthy)
    limited = f"(limit {duration.format(limit)})"
    return f"timeout waiting for: {_in_brackets(found)} {limited}{_own_words(found)}"


def _in_brackets(found: Iterable[Found]) -> str:
    return f"[{', '.join(_item(ref, health) for ref, health in found)}]"


def _own_words(found: Iterable[Found]) -> str:
    """What Flux objects say about themselves, each on a line of its own."""
    lines = (f"\n{ref} status: {health.message}" for ref, health in found if _is_flux(ref))
    return "".join(lines)


def _item(ref: ObjectRef, health: Health) -> str:
    item = f"{ref} status: '{health.status.value}'"
    return item if _is_flux(ref) else f"{item}: {health.message}"


def _is_flux(ref: ObjectRef) -> bool:
    return ref.kind.group.endswith(FLUX_GROUPS)
