# SPDX-License-Identifier: Apache-2.0
"""Pending: make sure that nothing can be orphaned, then begin."""

from __future__ import annotations

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Cluster, Ports
from fluxsm.errors import ConflictError
from fluxsm.machine.events import Event


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Put the finalizer on the instance if it has none; from then on deletion runs uninstall."""
    return Outcome(
        event=Event.STARTED, manifest=ensure_finalizer(observed.instance.manifest, ports.cluster)
    )


def ensure_finalizer(manifest: Manifest, cluster: Cluster) -> Manifest | None:
    """The instance with the finalizer, None when it has it already.

    Raises:
        ConflictError: the instance changed meanwhile; the next look is at the new one.
    """
    return set_finalizers(manifest, [*_finalizers(manifest), names.FINALIZER], cluster)


def drop_finalizer(manifest: Manifest, cluster: Cluster) -> Manifest | None:
    """The instance without the finalizer, None when it has none.

    Raises:
        ConflictError: the instance changed meanwhile; the next look is at the new one.
    """
    kept = [item for item in _finalizers(manifest) if item != names.FINALIZER]
    return set_finalizers(manifest, kept, cluster)


def set_finalizers(manifest: Manifest, wanted: list[str], cluster: Cluster) -> Manifest | None:
    """Write the finalizers unless they are the wanted ones already.

    A merge patch replaces the whole list, so it is guarded by the resourceVersion: a finalizer
    that somebody else has just added or removed must stay as they left it.

    Raises:
        ConflictError: the instance changed meanwhile.
    """
    wanted = list(dict.fromkeys(wanted))
    if wanted == _finalizers(manifest):
        return None
    version = manifest["metadata"].get("resourceVersion")
    if not version:
        raise ConflictError(f"{ObjectRef.of(manifest)} was read without a resourceVersion")
    patch = {"metadata": {"finalizers": wanted, "resourceVersion": version}}
    return cluster.patch(ObjectRef.of(manifest), patch)


def _finalizers(manifest: Manifest) -> list[str]:
    return list(manifest["metadata"].get("finalizers") or [])
