# SPDX-License-Identifier: Apache-2.0
"""Which fields that others have set on an object an apply takes over: overwrites or removes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.objects import manifest, ownership
from fluxsm.objects.manifest import Fields

_STALE: Final = frozenset({*ownership.STALE_ANNOTATIONS, *ownership.STALE_LABELS})

_Path: TypeAlias = tuple[str, ...]


class _Missing(Enum):
    """Stands for a field that is not there, which is not the same as null."""

    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seizure:
    """A field that somebody else has set and the operator takes over.

    Attributes:
        path: such as `spec.template.spec.containers[name=manager].image`.
        managers: who has set it, sorted.
        old: its value now.
        new: its value afterwards; None where the field goes.
        goes: whether the field is removed.
    """

    path: str
    managers: tuple[str, ...]
    old: Any
    new: Any
    goes: bool


def seized(
    live: Manifest, wanted: Manifest, after: Manifest, override_managers: Iterable[str] = ()
) -> list[Seizure]:
    """The fields of others that an apply takes over, in the order of their paths.

    A forced apply overwrites each field that it names. Beyond that the operator unites the records
    of former managers with its own, so that their fields go where it does not want them.

    Args:
        live: the object as it is.
        wanted: what is applied.
        after: the answer of the API server to a dry run of the apply.
        override_managers: further managers from whom fields are taken over.
    """
    found: dict[_Path, set[str]] = {}
    values: dict[_Path, tuple[Any, Any]] = {}
    for entry, former in _records(live, override_managers):
        for path in _leaves(manifest.mapping(entry, "fieldsV1"), ()):
            old, new = _value(live, path), _value(after, path)
            if path[0] == "f:status" or path[-1][2:] in _STALE or old is _Missing.MISSING:
                continue
            if former and new == old and _value(wanted, path) is _Missing.MISSING:
                new = _Missing.MISSING
            if new != old:
                found.setdefault(path, set()).add(manifest.text(entry, "manager"))
                values[path] = (old, new)
    return [
        Seizure(
            path=_words(path),
            managers=tuple(sorted(managers)),
            old=values[path][0],
            new=None if values[path][1] is _Missing.MISSING else values[path][1],
            goes=values[path][1] is _Missing.MISSING,
        )
        for path, managers in sorted(found.items())
    ]


def _records(
    live: Manifest, override_managers: Iterable[str]
) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """The records of others, and whether they become ours, so that what is not wanted goes."""
    for entry in ownership.former_records(live, override_managers):
        yield entry, True
    for entry in manifest.managed_fields_of(live):
        own = entry.get("manager") == names.MANAGER and entry.get("operation") == "Apply"
        if not own and entry.get("subresource") != "status":
            yield entry, False


def _leaves(fields: Fields, path: _Path) -> Iterator[_Path]:
    """The fields of a set that have no fields of their own in it."""
    for key, below in fields.items():
        if key == ".":
            continue
        if isinstance(below, Mapping) and set(below) - {"."}:
            yield from _leaves(below, (*path, key))
        else:
            yield (*path, key)


def _value(value: Any, path: _Path) -> Any:
    """What a path of a set of fields leads to."""
    for key in path:
        value = _step(value, key)
        if value is _Missing.MISSING:
            break
    return value


def _step(value: Any, key: str) -> Any:
    kind, rest = key[:2], key[2:]
    if kind == "f:":
        there = isinstance(value, Mapping) and rest in value
        return value[rest] if there else _Missing.MISSING
    if not isinstance(value, list):
        return _Missing.MISSING
    if kind == "i:":
        place = int(rest)
        return value[place] if place < len(value) else _Missing.MISSING
    wanted = json.loads(rest)
    if kind == "v:":
        return wanted if wanted in value else _Missing.MISSING
    return next((item for item in value if _has_keys(item, wanted)), _Missing.MISSING)


def _has_keys(item: Any, keys: Mapping[str, Any]) -> bool:
    return isinstance(item, Mapping) and all(item.get(name) == key for name, key in keys.items())


def _words(path: _Path) -> str:
    text = ""
    for key in path:
        kind, rest = key[:2], key[2:]
        if kind == "f:":
            text += f".{rest}" if text else rest
        elif kind == "k:":
            keys = json.loads(rest)
            text += f"[{','.join(f'{name}={value}' for name, value in keys.items())}]"
        else:
            text += f"[{rest}]"
    return text
