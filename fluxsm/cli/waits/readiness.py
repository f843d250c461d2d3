# SPDX-License-Identifier: Apache-2.0
"""When a wait for an object is over, well or badly: the rules of the reference's client."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.errors import HealthError, UsageError
from fluxsm.objects import manifest
from fluxsm.objects.ownership import is_reconcile_disabled
from fluxsm.report.counts import ready_of

Judge: TypeAlias = Callable[[Manifest | None], str | None]
"""Says from an object, None when it does not exist, how the wait has ended; None while it goes on.

It raises a FluxsmError where the wait has failed.
"""


def ready(ref: ObjectRef, token: str = "") -> Judge:
    """The wait until an object is ready at its newest spec.

    Args:
        ref: the object.
        token: the request that must have been handled; without one, the object may not exist yet.
    """

    def judge(obj: Manifest | None) -> str | None:
        if obj is None:
            if token:
                raise UsageError(f"{ref} not found; it was deleted meanwhile")
            return None
        if is_disabled(obj):
            raise UsageError(f"Reconciliation is disabled for {ref}; {resume_step(ref)}")
        if token and manifest.text(obj, "status", "lastHandledReconcileAt") != token:
            return None
        return _decide(obj)

    return judge


def gone(obj: Manifest | None) -> str | None:
    """The wait until an object does not exist any more."""
    return "Deletion completed" if obj is None else None


def is_disabled(obj: Manifest) -> bool:
    """Whether an object is switched off, by the operator's annotation or by its spec."""
    return is_reconcile_disabled(obj) or manifest.read(obj, "spec", "suspend") is True


def resume_step(ref: ObjectRef) -> str:
    """The command that switches an object on again."""
    what = "instance" if ref.kind.kind == names.INSTANCE_KIND else f"{ref.kind.kind}/"
    where = f" -n {ref.namespace}" if ref.namespace else ""
    gap = " " if what == "instance" else ""
    return f"fluxsm resume {what}{gap}{ref.name}{where} switches it on"


def _decide(obj: Manifest) -> str | None:
    """What the Ready condition says, once it is about the newest spec."""
    found = ready_of(obj)
    generation = manifest.read(obj, "metadata", "generation")
    if not found or found.get("observedGeneration") != generation:
        return None
    message = manifest.text(found, "message")
    reason = manifest.text(found, "reason")
    match found.get("status"):
        case "True":
            return message
        case "False" if reason != names.HEALTH_CHECK_CANCELED:
            raise HealthError(f"{reason}: {message}")
        case _:
            return None
