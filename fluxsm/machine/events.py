# SPDX-License-Identifier: Apache-2.0
"""The closed set of events. What they mean and where they lead is in `states/`."""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """What can happen to a FluxInstance: answers of the handlers, then signals from outside."""

    STARTED = "Started"
    FETCHED = "Fetched"
    BUILT = "Built"
    RECORDED = "Recorded"
    APPLIED = "Applied"
    MIGRATED = "Migrated"
    HEALTHY = "Healthy"
    WAITING = "Waiting"
    BLOCKED = "Blocked"
    FAULT = "Fault"
    DUE = "Due"
    DRIFTED = "Drifted"
    NEW_ARTIFACT = "NewArtifact"
    UNINSTALLED = "Uninstalled"

    DELETED = "Deleted"
    SUSPENDED = "Suspended"
    RESUMED = "Resumed"
    CHANGED = "Changed"
    EXPIRED = "Expired"


SIGNALS = frozenset({Event.DELETED, Event.SUSPENDED, Event.RESUMED, Event.CHANGED, Event.EXPIRED})
"""Events that come from outside and may interrupt any state."""

FAULTS = frozenset({Event.FAULT, Event.BLOCKED, Event.EXPIRED})
"""Events that stop once the world behaves: a machine that is sound needs none of them."""
