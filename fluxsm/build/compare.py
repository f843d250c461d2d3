# SPDX-License-Identifier: Apache-2.0
"""What is different between two sets of objects, down to the field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Any, Final

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.objects.order import sort_key

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_$-]+")


class Change(Enum):
    """What became of an object or a field. The values are the marks that people see."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field that is different.

    Attributes:
        path: such as `.spec.template.spec.containers[manager].args[2]`.
        change: what became of it.
        old: its value before, None when it was added.
        new: its value now, None when it was removed.
    """

    path: str
    change: Change
    old: Any = None
    new: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """An object that is different.

    Attributes:
        ref: the object.
        change: what became of it.
        fields: of a changed object, what is different in it.
    """

    ref: ObjectRef
    change: Change
    fields: tuple[FieldChange, ...] = ()


def compare(old: Sequence[Manifest], new: Sequence[Manifest]) -> list[ObjectChange]:
    """The objects that are different, in delivery order.

    Objects are the same one when group, kind, namespace and name are.

    Args:
        old: the objects before, each identity once.
        new: the objects now, likewise.
    """
    before = {ObjectRef.of(item).identity: item for item in old}
    now = {ObjectRef.of(item).identity: item for item in new}
    everything = sorted((before | now).values(), key=sort_key)
    identities = [ObjectRef.of(item).identity for item in everything]
    return [
        found
        for item, identity in zip(everything, identities, strict=True)
        if (found := _compare_object(ObjectRef.of(item), before.get(identity), now.get(identity)))
    ]


def _compare_object(
    ref: ObjectRef, old: Manifest | None, new: Manifest | None
) -> ObjectChange | None:
    if old is None:
        return ObjectChange(ref=ref, change=Change.ADDED)
    if new is None:
        return ObjectChange(ref=ref, change=Change.REMOVED)
    fields = tuple(_compare_values(old, new, ""))
    return ObjectChange(ref=ref, change=Change.CHANGED, fields=fields) if fields else None


def _compare_values(old: Any, new: Any, path: str) -> Iterator[FieldChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_maps(old, new, lambda key: f"{path}{_step(key)}")
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_lists(old, new, path)
    elif isinstance(old, bool) is not isinstance(new, bool) or old != new:
        yield FieldChange(path=path, change=Change.CHANGED, old=old, new=new)


def _compare_maps(
    old: Mapping[str, Any], new: Mapping[str, Any], path_of: Any
) -> Iterator[FieldChange]:
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in new:
            yield FieldChange(path=path_of(key), change=Change.REMOVED, old=old[key])
        elif key not in old:
            yield FieldChange(path=path_of(key), change=Change.ADDED, new=new[key])
        else:
            yield from _compare_values(old[key], new[key], path_of(key))


def _compare_lists(old: list[Any], new: list[Any], path: str) -> Iterator[FieldChange]:
    old_names, new_names = _names(old), _names(new)
    if not (old_names and new_names):
        yield from _compare_places(old, new, path)
        return
    yield from _compare_maps(
        dict(zip(old_names, old, strict=True)),
        dict(zip(new_names, new, strict=True)),
        lambda name: f"{path}[{name}]",
    )
    stayed = [name for name in old_names if name in new_names]
    now = [name for name in new_names if name in old_names]
    if stayed != now:
        yield FieldChange(path=f"{path}[] order", change=Change.CHANGED, old=stayed, new=now)


def _names(items: list[Any]) -> list[str]:
    """The names by which elements can be matched, none where they cannot."""
    found = [item.get("name") if isinstance(item, dict) else None for item in items]
    names = [name for name in found if isinstance(name, str)]
    return names if len(set(names)) == len(items) else []


def _compare_places(old: list[Any], new: list[Any], path: str) -> Iterator[FieldChange]:
    """Compare elements that have no names: what was put in and what was taken out."""
    matcher = SequenceMatcher(None, _texts(old), _texts(new), autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        paired = min(old_end - old_start, new_end - new_start)
        for step in range(paired):
            where = f"{path}[{new_start + step}]"
            yield from _compare_values(old[old_start + step], new[new_start + step], where)
        for place in range(old_start + paired, old_end):
            yield FieldChange(path=f"{path}[{place}]", change=Change.REMOVED, old=old[place])
        for place in range(new_start + paired, new_end):
            yield FieldChange(path=f"{path}[{place}]", change=Change.ADDED, new=new[place])


def _texts(items: list[Any]) -> list[str]:
    """Something that can be hashed for each element."""
    return [json.dumps(item, sort_keys=True) for item in items]


def _step(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{json.dumps(key)}]"
