# SPDX-License-Identifier: Apache-2.0
"""An object of Flux as a row of a table, and as data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from fluxsm.api.objects import Manifest
from fluxsm.cli import ages
from fluxsm.cli.table import Column
from fluxsm.cli.waits.readiness import is_disabled
from fluxsm.objects import manifest
from fluxsm.report.counts import ready_of

UNKNOWN: Final = "Unknown"
SUSPENDED: Final = "Suspended"
NOT_INITIALIZED: Final = "Not initialized"
READINESS: Final = ("True", "False", UNKNOWN, SUSPENDED)

COLUMNS: Final = (
    Column("KIND"),
    Column("NAME"),
    Column("LAST RECONCILED", for_people=False),
    Column("READY"),
    Column("REVISION", wide=True),
    Column("MESSAGE", shrinks=True),
    Column("SINCE", for_people=True),
)

_REVISIONS: Final = (
    ("status", "lastAppliedRevision"),
    ("status", "lastAttemptedRevision"),
    ("status", "artifact", "revision"),
)


def data(obj: Manifest) -> Mapping[str, str]:
    """What the reference's `get all` says about an object.

    Raises:
        MalformedError: it lacks the shape that its kind promises.
    """
    ready = ready_of(obj)
    namespace = manifest.text(obj, "metadata", "namespace")
    name = manifest.text(obj, "metadata", "name")
    return {
        "kind": str(obj.get("kind", "")),
        "name": f"{namespace}/{name}" if namespace else name,
        "lastReconciled": manifest.text(ready, "lastTransitionTime") or UNKNOWN,
        "ready": readiness(obj),
        "message": manifest.text(ready, "message") or NOT_INITIALIZED,
    }


def cells(obj: Manifest, now: datetime) -> tuple[str, ...]:
    """The cells of an object.

    Args:
        obj: as the API server has it.
        now: for ages.

    Raises:
        MalformedError: it lacks the shape that its kind promises.
    """
    found = data(obj)
    return (
        found["kind"],
        found["name"],
        found["lastReconciled"],
        found["ready"],
        revision(obj) or "-",
        found["message"],
        ages.since(found["lastReconciled"], now),
    )


def readiness(obj: Manifest) -> str:
    """True, False, Unknown or Suspended."""
    if is_disabled(obj):
        return SUSPENDED
    return manifest.text(ready_of(obj), "status") or UNKNOWN


def revision(obj: Manifest) -> str:
    """The revision that was applied, else attempted, else stored; empty where there is none."""
    return next(filter(None, (manifest.text(obj, *path) for path in _REVISIONS)), "")
