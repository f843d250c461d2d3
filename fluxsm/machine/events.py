# SPDX-License-Identifier: Apache-2.0
"""The closed set of events. Where they lead is in `states/table.py`."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Event(StrEnum):
    """What can happen to a FluxInstance: answers of the handlers, then signals from outside.

    Attributes:
        words: what happened, as part of a sentence; an event without words cannot be defined.
    """

    words: str

    def __new__(cls, value: str, words: str) -> Self:
        """Make a member of its text and its words."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member

    STARTED = "Started", "the finalizer is in place"
    FETCHED = "Fetched", "the distribution is at hand"
    BUILT = "Built", "the objects are built"
    RECORDED = "Recorded", "the inventory lists what is about to be written"
    APPLIED = "Applied", "everything is applied, and what is stale removed"
    MIGRATED = "Migrated", "nothing is left to be rewritten"
    HEALTHY = "Healthy", "everything is healthy, or nobody waits for it"
    WAITING = "Waiting", "something is not done yet"
    BLOCKED = "Blocked", "an upgrade that nobody asked for cannot be fetched or built"
    FAULT = "Fault", "something failed"
    DUE = "Due", "the timer of the state has run out"
    DRIFTED = "Drifted", "somebody else changed or deleted a managed object"
    NEW_ARTIFACT = "NewArtifact", "the artifact has another digest"
    UNINSTALLED = "Uninstalled", "the finalizer is gone"

    GONE = "Gone", "the instance is not there any more"
    DELETED = "Deleted", "somebody deletes the instance"
    SUSPENDED = "Suspended", "the annotation disables the instance"
    RESUMED = "Resumed", "the annotation enables the instance again"
    CHANGED = "Changed", "the spec, or an annotation that asks for something, has changed"
    EXPIRED = "Expired", "the time limit of the state has passed"
    UNSAVED = "Unsaved", "the status could not be saved, so the row that needs it is not taken"


SIGNALS = frozenset(
    {
        Event.GONE,
        Event.DELETED,
        Event.SUSPENDED,
        Event.RESUMED,
        Event.CHANGED,
        Event.EXPIRED,
        Event.UNSAVED,
    }
)
"""Events that come from outside and may happen in any state."""

FAULTS = frozenset({Event.FAULT, Event.BLOCKED, Event.EXPIRED, Event.UNSAVED})
"""Events that stop once the world behaves: a machine that is sound needs none of them."""
