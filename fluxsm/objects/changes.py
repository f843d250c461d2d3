# SPDX-License-Identifier: Apache-2.0
"""What a run did to each object: the one value that logs, events and command output print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.objects import ObjectRef
from fluxsm.objects import manifest


class Action(Enum):
    """What was done to an object. The values are the words that people see."""

    CREATED = "created"
    """It did not exist."""

    CONFIGURED = "configured"
    """It existed and was changed."""

    UNCHANGED = "unchanged"
    """It was as it should be, and nothing was written."""

    DELETED = "deleted"
    """Its deletion was accepted, or it was gone already."""

    ORPHANED = "deleted without pruning"
    """Its deletion was accepted, and what it had deployed stays."""

    SKIPPED = "skipped"
    """It should have been deleted, but is not ours or has opted out."""

    KEPT = "kept"
    """It should have been deleted, but others use it; it will be once they do not any more."""


QUIET: Final = frozenset({Action.UNCHANGED, Action.KEPT})
"""Actions that are not worth a line: nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was done to one object.

    Attributes:
        ref: the object.
        action: what was done.
        note: more about it, as the rest of a sentence; empty for nothing.
    """

    ref: ObjectRef
    action: Action
    note: str = ""

    def __str__(self) -> str:
        """Return the line of a change log: `Service/flux-system/webhook-receiver created`."""
        return f"{self.ref} {self.action.value}{f' {self.note}' if self.note else ''}"


def lines(changes: Iterable[Change]) -> list[str]:
    """Return the change log: a line for every object that was not left alone, in order.

    An object that was written more than once gets one line, at its first place.
    """
    return [str(change) for change in combine(changes) if change.action not in QUIET]


def message(version: str, changed: Sequence[str], *, installed: bool) -> str:
    """Return the text of the event that tells of a change.

    Args:
        version: version of Flux that the cluster now has, such as `v2.8.8`.
        changed: the lines of the change log.
        installed: whether there was no Flux of this instance before.
    """
    return "\n".join([f"Flux {version} {'installed' if installed else 'updated'}", *changed])


def combine(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return one change per object: what all that was done to it in a run amounts to.

    A second apply in the same run (a retry, a take-over) must not turn `created` into
    `configured`, nor `configured` into `unchanged`.
    """
    merged: dict[tuple[str, str, str, str], Change] = {}
    for change in changes:
        before = merged.get(change.ref.identity)
        merged[change.ref.identity] = change if before is None else _amount(before, change)
    return tuple(merged.values())


def _amount(before: Change, after: Change) -> Change:
    stronger = {Action.CREATED: 2, Action.CONFIGURED: 1, Action.UNCHANGED: 0}
    if before.action in stronger and after.action in stronger:
        return max(before, after, key=lambda change: stronger[change.action])
    if (before.action, after.action) == (Action.DELETED, Action.CREATED):
        return Change(ref=after.ref, action=Action.CONFIGURED)
    return after


def action_of(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], *, created: bool
) -> Action:
    """Work out what a server-side apply did, from its answer and what was known before.

    The API server says whether it created the object (201), but not whether it changed it. What
    can be known: an apply that changes nothing writes nothing, so the resourceVersion stays. If it
    did not stay, someone else may have written in between (controllers write status all the time);
    then the apply entry in `managedFields` tells: its time moves with every apply that changed the
    object, and `metadata.generation` moves with every change of the spec. Two applies within one
    second cannot be distinguished by time, so an apply in the second of the last one that finds
    another resourceVersion counts as a change: a line too much is better than one too few.

    Args:
        before: the object or its metadata as last seen; None if it was never seen, because it
            lacked our labels or nobody looked. An existing object without our labels is
            changed by the apply at least by getting them.
        after: the object as the API server answered.
        created: whether the answer was 201.
    """
    if created:
        return Action.CREATED
    if before is None:
        return Action.CONFIGURED
    if _meta(before, "resourceVersion") == _meta(after, "resourceVersion"):
        return Action.UNCHANGED
    same_object = _meta(before, "uid") == _meta(after, "uid")
    same_spec = _meta(before, "generation") == _meta(after, "generation")
    applied, answered = _own_entry(before), _own_entry(after)
    same_entry = applied is not None and applied == answered
    written_since = _is_newer(after, applied)
    if same_object and same_spec and same_entry and written_since:
        return Action.UNCHANGED
    return Action.CONFIGURED


def _meta(obj: Mapping[str, Any], key: str) -> Any:
    return manifest.read(obj, "metadata", key)


def _own_entry(obj: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The record of our own apply, with its time and its fields."""
    for entry in manifest.managed_fields_of(obj):
        own = entry.get("manager") == names.MANAGER and entry.get("operation") == "Apply"
        if own and not entry.get("subresource"):
            return entry
    return None


def _is_newer(obj: Mapping[str, Any], applied: Mapping[str, Any] | None) -> bool:
    """Whether another manager wrote in a later second than our last apply that changed a thing."""
    if applied is None:
        return False
    times = [manifest.text(entry, "time") for entry in manifest.managed_fields_of(obj)]
    return max(times, default="") > manifest.text(applied, "time")
