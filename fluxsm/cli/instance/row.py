# SPDX-License-Identifier: Apache-2.0
"""A FluxInstance as a row of a table. Also one that the reference operator has written."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fluxsm.api.objects import Manifest
from fluxsm.cli import ages
from fluxsm.cli.table import Column
from fluxsm.objects import inventory, manifest
from fluxsm.objects.ownership import is_reconcile_disabled
from fluxsm.report.counts import ready_of

UNKNOWN: Final = "Unknown"
SUSPENDED: Final = "Suspended"
NONE: Final = "-"

COLUMNS: Final = (
    Column("NAMESPACE"),
    Column("NAME"),
    Column("RESOURCES"),
    Column("READY"),
    Column("STATE", wide=True),
    Column("REVISION", wide=True),
    Column("MESSAGE", shrinks=True),
    Column("LAST RECONCILED", for_people=False),
    Column("SINCE", for_people=True),
)


def cells(instance: Manifest, now: datetime) -> tuple[str, ...]:
    """The cells of an instance.

    Args:
        instance: as the API server has it.
        now: for ages.

    Raises:
        MalformedError: it lacks the shape that its kind promises.
    """
    ready = ready_of(instance)
    changed = manifest.text(ready, "lastTransitionTime")
    return (
        manifest.text(instance, "metadata", "namespace"),
        manifest.text(instance, "metadata", "name"),
        str(len(inventory.of_status(instance))),
        readiness(instance),
        manifest.text(instance, "status", "state") or NONE,
        manifest.text(instance, "status", "lastAppliedRevision") or NONE,
        manifest.text(ready, "message"),
        ages.go_time(changed),
        ages.since(changed, now),
    )


def readiness(instance: Manifest) -> str:
    """True, False, Unknown or Suspended."""
    if is_reconcile_disabled(instance):
        return SUSPENDED
    return manifest.text(ready_of(instance), "status") or UNKNOWN
