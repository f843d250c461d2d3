# SPDX-License-Identifier: Apache-2.0
"""Say what somebody else changed on an object of ours, and who it was.

The API server tracks owners: whoever changes the value of a field that we applied becomes its
owner, and a field that somebody removes leaves our list. So the difference between what we
want and what our own entry in `managedFields` still lists is the drift, and the other entries say
who has it now. That needs only metadata, so a watch on managed objects costs little memory.

An object that is changed again as soon as it is repaired is in a field-manager conflict. Both sides
would write forever, so after a few repairs in a row there is a pause, and each further repair
doubles it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypeAlias

from fluxsm.api import duration, names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.objects import manifest
from fluxsm.objects.manifest import Fields

SHOWN: Final = 3
"""How many fields of one object are named."""

UNTRACKED: Final = frozenset(
    {
        ("apiVersion",),
        ("kind",),
        ("status",),
        ("metadata", "name"),
        ("metadata", "namespace"),
        ("metadata", "creationTimestamp"),
    }
)
"""Fields that nobody owns, because nobody could change them or nobody applies them."""

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One field that is not ours any more.

    Attributes:
        path: the field, such as `spec.template.spec.containers[name=manager].image`.
        managers: who owns it now, sorted; empty when it was removed.
        added: whether it is a field that we do not apply.
    """

    path: str
    managers: tuple[str, ...] = ()
    added: bool = False

    def __str__(self) -> str:
        """Return who did what to the field."""
        if not self.managers:
            return f"{self.path} removed"
        verb = "added" if self.added else "changed"
        return f"{self.path} {verb} by {' and '.join(self.managers)}"


def describe(wanted: Manifest, live: Manifest | None) -> str:
    """Return a line about one object: its fields that changed, and who changed them.

    Args:
        wanted: the object as it was applied.
        live: the object as it is, at least its metadata; None when it was deleted.
    """
    ref = ObjectRef.of(wanted)
    if live is None:
        return f"{ref} deleted"
    found = differences(wanted, live)
    return line(ref, found) if found else f"{ref} changed"


def line(ref: ObjectRef, found: Sequence[Drift]) -> str:
    """Return a line about an object and some of its fields, of which there is at least one."""
    more = len(found) - SHOWN
    shown = ", ".join(str(item) for item in found[:SHOWN])
    return f"{ref}: {shown}{f' and {more} more' if more > 0 else ''}"


def differences(wanted: Manifest, live: Manifest) -> list[Drift]:
    """Return the fields of an object that we applied and do not own any more, in order.

    Args:
        wanted: the object as it was applied.
        live: the object as it is, at least its metadata.

    Raises:
        MalformedError: the live object's records of ownership do not make sense.
    """
    own: Fields = {}
    others: list[Owner] = []
    for entry in manifest.managed_fields_of(live):
        fields = manifest.mapping(entry, "fieldsV1")
        mine = entry.get("manager") == names.MANAGER and entry.get("operation") == "Apply"
        if mine and not entry.get("subresource"):
            own = fields
        else:
            others.append(Owner(manager=manifest.text(entry, "manager"), fields=fields))
    return list(_in_mapping(wanted, own, others, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A field manager other than ours, and the fields it owns below some path."""

    manager: str
    fields: Fields


def _below(others: Sequence[Owner], key: str) -> list[Owner]:
    """The other owners of a sub-field, with what they own below it."""
    return [
        Owner(manager=owner.manager, fields=owner.fields[key])
        for owner in others
        if key in owner.fields
    ]


def _in_mapping(
    wanted: Mapping[str, Any], own: Fields, others: Sequence[Owner], path: Path
) -> Iterator[Drift]:
    for name, value in wanted.items():
        if (*path, name) not in UNTRACKED and value is not None:
            yield from _in_field(value, f"f:{name}", own, others, (*path, name))


def _in_field(
    wanted: Any, key: str, own: Fields, others: Sequence[Owner], path: Path
) -> Iterator[Drift]:
    """The drift in one field or list item: it is lost as a whole, or something below it is."""
    rivals = _below(others, key)
    if key in own and not own[key]:
        return  # ours as a whole
    divided = key in own or any(rival.fields for rival in rivals)
    if divided and isinstance(wanted, Mapping) and wanted:
        yield from _in_mapping(wanted, own.get(key, {}), rivals, path)
    elif divided and isinstance(wanted, list) and wanted:
        yield from _in_list(wanted, own.get(key, {}), rivals, path)
    elif key not in own:
        yield _lost(path, rivals)


def _in_list(
    wanted: Sequence[Any], own: Fields, others: Sequence[Owner], path: Path
) -> Iterator[Drift]:
    """The drift in a list whose items are known by keys (`k:`) or by value (`v:`)."""
    keys = {key for fields in (own, *(owner.fields for owner in others)) for key in fields}
    selectors = [(key, json.loads(key[2:])) for key in sorted(keys) if key.startswith(("k:", "v:"))]
    for place, item in enumerate(wanted):
        key, label = next(
            ((key, _label(value)) for key, value in selectors if _selects(key, value, item)),
            (f"i:{place}", f"[{place}]"),
        )
        yield from _in_field(item, key, own, others, (*path[:-1], f"{path[-1]}{label}"))


def _selects(key: str, value: Any, item: Any) -> bool:
    """Whether a key of a field set stands for a list item."""
    if key.startswith("v:"):
        return bool(value == item)
    return (
        isinstance(item, Mapping)
        and isinstance(value, Mapping)
        and all(item.get(name) == part for name, part in value.items())
    )


def _label(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"[{','.join(f'{name}={part}' for name, part in value.items())}]"
    return f"[{value}]"


def _lost(path: Path, rivals: Sequence[Owner]) -> Drift:
    return Drift(path=".".join(path), managers=tuple(sorted({owner.manager for owner in rivals})))


FREE_REPAIRS: Final = 3
"""Repairs of one object in a row that are made at once."""

FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=10)
CALM: Final = timedelta(minutes=1)
"""How long after the pause an object must stay as it is for the conflict to be over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldConflict:
    """How often one object had to be repaired in a row.

    Attributes:
        repairs: repairs in a row.
        last: when the last one was made, on the monotonic clock.
    """

    repairs: int
    last: timedelta

    @property
    def pause(self) -> timedelta:
        """How long to leave the object alone after the last repair."""
        beyond = self.repairs - FREE_REPAIRS
        if beyond < 0:
            return timedelta(0)
        doublings = min(beyond, 32)
        return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)

    @property
    def is_serious(self) -> bool:
        """Whether somebody else insists on another value, so that people should know."""
        return self.repairs >= FREE_REPAIRS

    @property
    def next_repair(self) -> timedelta:
        """The earliest moment of the next repair."""
        return self.last + self.pause


def after_repair(conflict: FieldConflict | None, tick: timedelta) -> FieldConflict:
    """Return the conflict over an object after one more repair.

    Args:
        conflict: what was known, None before the first repair.
        tick: when the repair was made, on the monotonic clock.
    """
    if conflict is None or tick - conflict.next_repair >= CALM:
        return FieldConflict(repairs=1, last=tick)
    return replace(conflict, repairs=conflict.repairs + 1, last=tick)


def warning(conflict: FieldConflict) -> str:
    """Return what people should know about a conflict, empty while there is none."""
    if not conflict.is_serious:
        return ""
    pause = duration.format(conflict.pause)
    return f" (repaired {conflict.repairs} times in a row, so not again within {pause})"
