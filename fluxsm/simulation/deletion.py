# SPDX-License-Identifier: Apache-2.0
"""How objects go: at once, or marked for as long as something has to be done before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from fluxsm.api.objects import CRD, Manifest
from fluxsm.objects.timestamp import format_time
from fluxsm.simulation.copies import thawed

FOREGROUND: Final = "foregroundDeletion"
ORPHAN: Final = "orphan"
CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"

_FINALIZERS: Final = {"Foreground": FOREGROUND, "Orphan": ORPHAN}
"""What the garbage collector has to do, by propagation policy; others need nothing of it."""


def mark(live: Manifest, propagation: str, now: datetime, *, counted: bool) -> Manifest | None:
    """An object whose deletion has begun, None where nothing holds it up.

    Args:
        live: the object; it is not changed.
        propagation: the policy that was asked for, empty for the default.
        now: the time of the API server.
        counted: whether the object has a generation.
    """
    new = thawed(live)
    metadata = new["metadata"]
    added = [CLEANUP] if live["kind"] == CRD.kind else []
    added += [_FINALIZERS[propagation]] if propagation in _FINALIZERS else []
    if added:
        metadata["finalizers"] = [*metadata.get("finalizers", []), *added]
    grace = _grace_period(live)
    if not metadata.get("finalizers") and live["kind"] != "Namespace" and not grace:
        return None
    metadata["deletionTimestamp"] = format_time(now + grace)
    if live["kind"] not in {CRD.kind, "Namespace"}:
        metadata["deletionGracePeriodSeconds"] = int(grace.total_seconds())
    if counted:
        metadata["generation"] += 1
    return new


def is_done(manifest: Manifest) -> bool:
    """Whether an object was only waiting for its last finalizer."""
    metadata = manifest["metadata"]
    waits = metadata.get("finalizers") or manifest["kind"] == "Namespace"
    waits = waits or metadata.get("deletionGracePeriodSeconds")
    return bool(metadata.get("deletionTimestamp")) and not waits


def _grace_period(manifest: Manifest) -> timedelta:
    """How long an object may live on after its deletion: a pod, once it is on a node."""
    spec = manifest.get("spec") or {}
    if manifest["kind"] != "Pod" or not spec.get("nodeName"):
        return timedelta(0)
    return timedelta(seconds=spec.get("terminationGracePeriodSeconds", 30))
