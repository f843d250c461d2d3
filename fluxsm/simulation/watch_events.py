# SPDX-License-Identifier: Apache-2.0
"""What a watch reports of what was stored."""

from __future__ import annotations

from fluxsm.api.objects import Kind, Manifest
from fluxsm.core.ports import WatchEvent
from fluxsm.simulation.copies import copy
from fluxsm.simulation.selectors import selects
from fluxsm.simulation.store import Change


def report(
    change: Change, kind: Kind, namespace: str, labels: str, fields: str
) -> WatchEvent | None:
    """What a watch with these selectors reports of a write, None when it does not select it."""
    if namespace and change.key[2] != namespace:
        return None
    before = change.old is not None and selects(labels, fields, change.old)
    after = not change.gone and selects(labels, fields, change.new)
    manifest = {**change.new, "apiVersion": kind.api_version}
    if after:
        return WatchEvent(type="MODIFIED" if before else "ADDED", manifest=manifest)
    return WatchEvent(type="DELETED", manifest=manifest) if before else None


def metadata_of(manifest: Manifest) -> Manifest:
    """An object without all but its metadata."""
    return copy({key: manifest[key] for key in ("apiVersion", "kind", "metadata")})


def bookmark(kind: Kind, revision: int) -> Manifest:
    """How far a watch has come, as an object."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"resourceVersion": str(revision)},
    }
