# SPDX-License-Identifier: Apache-2.0
"""Field ownership as the API server keeps it: sets of fields, and the merge of a forced apply.

A set of fields is a set of paths. A part of a path is written as in `fieldsV1`: `f:name` for a
field, `k:{...}` for a list item that is known by keys, `v:...` for one that is known by value.
What a schema tells the API server is here a table of the lists and maps of the built-in kinds that
the operator applies; in custom resources every list is taken as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from fluxsm.api.objects import Manifest
from fluxsm.simulation.copies import copy

Path: TypeAlias = tuple[str, ...]
Values: TypeAlias = dict[Path, Any]
"""The value of each field that can have an owner, by path."""

_ITEM: Final = "(item)"
"""The value of a list item itself, beside those of its fields."""

_KEYED: Final[Mapping[str, tuple[str, ...]]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
}
_SETS: Final = frozenset({"finalizers"})
_WHOLE: Final = frozenset(
    {"selector", "podSelector", "fieldRef", "resourceFieldRef", "secretKeyRef", "configMapKeyRef"}
)
_METADATA: Final = frozenset({"labels", "annotations", "finalizers", "ownerReferences"})


def values_of(manifest: Manifest, *, builtin: bool, status: bool) -> Values:
    """Every field of an object that can have an owner, with its value.

    Args:
        manifest: the object.
        builtin: whether it is of a kind that comes with Kubernetes.
        status: whether the status is looked at, instead of everything else.
    """
    metadata = manifest.get("metadata") or {}
    if status:
        kept = {"status": manifest["status"]} if "status" in manifest else {}
    else:
        kept = {key: value for key, value in manifest.items() if key not in _UNOWNED}
        kept["metadata"] = {key: value for key, value in metadata.items() if key in _METADATA}
    return dict(_fields(kept, (), builtin=builtin))


_UNOWNED: Final = frozenset({"apiVersion", "kind", "status", "metadata"})


def _fields(value: Any, path: Path, *, builtin: bool) -> Iterator[tuple[Path, Any]]:
    name = path[-1][2:] if path else ""
    if isinstance(value, dict) and value and not (builtin and name in _WHOLE):
        for key, item in value.items():
            yield from _fields(item, (*path, f"f:{key}"), builtin=builtin)
    elif isinstance(value, list) and _identify(name, value, path, builtin=builtin):
        for item in value:
            part = _part(name, item, path)
            yield (*path, part), _ITEM
            if isinstance(item, dict):
                for key, inner in item.items():
                    yield from _fields(inner, (*path, part, f"f:{key}"), builtin=builtin)
    elif path and path != ("f:metadata",):
        yield path, value


def _identify(name: str, value: list[Any], path: Path, *, builtin: bool) -> bool:
    """Whether the items of a list have owners of their own."""
    in_metadata = len(path) == 2 and path[0] == "f:metadata"
    if not value or not (builtin or in_metadata):
        return False
    return name in _SETS or bool(_keys(name, path))


def _keys(name: str, path: Path) -> tuple[str, ...]:
    if name == "ports":
        inside = any(part == "f:containers" for part in path)
        return ("containerPort", "protocol") if inside else ("port", "protocol")
    return _KEYED.get(name, ())


def _part(name: str, item: Any, path: Path) -> str:
    keys = _keys(name, path)
    if not keys:
        return f"v:{json.dumps(item)}"
    defaults = {"protocol": "TCP"}
    found = {key: item.get(key, defaults.get(key)) for key in keys}
    return f"k:{json.dumps(found, separators=(',', ':'))}"


def encode(paths: Iterable[Path]) -> dict[str, Any]:
    """A set of fields as `fieldsV1`."""
    found = set(paths)
    tree: dict[str, Any] = {}
    for path in sorted(found):
        node = tree
        for part in path:
            node = node.setdefault(part, {})
    for path in found:
        node = tree
        for part in path:
            node = node[part]
        if node:
            node["."] = {}
    return tree


def decode(tree: Mapping[str, Any], path: Path = ()) -> frozenset[Path]:
    """The set of fields that `fieldsV1` stands for."""
    found: set[Path] = set()
    for part, below in tree.items():
        if part == ".":
            found.add(path)
        elif not below:
            found.add((*path, part))
        else:
            found |= decode(below, (*path, part))
    return frozenset(found)


def merge(live: Manifest, applied: Manifest, *, builtin: bool) -> Manifest:
    """An object after an apply, before fields that nobody wants any more are removed."""
    kept = {key: value for key, value in applied.items() if key not in {"metadata", "status"}}
    metadata = {
        key: value for key, value in (applied.get("metadata") or {}).items() if key in _METADATA
    }
    merged: Manifest = _merge(live, kept, (), builtin=builtin)
    merged["metadata"] = _merge(live.get("metadata") or {}, metadata, ("f:metadata",), builtin=True)
    return merged


def _merge(live: Any, applied: Any, path: Path, *, builtin: bool) -> Any:
    name = path[-1][2:] if path else ""
    whole = builtin and name in _WHOLE
    if isinstance(applied, dict) and isinstance(live, dict) and not whole:
        merged = dict(live)
        for key, value in applied.items():
            merged[key] = _merge(live.get(key), value, (*path, f"f:{key}"), builtin=builtin)
        return merged
    if isinstance(applied, list) and _identify(name, applied, path, builtin=builtin):
        items = {_part(name, item, path): item for item in live or ()}
        for item in applied:
            part = _part(name, item, path)
            items[part] = _merge(items.get(part), item, (*path, part), builtin=builtin)
        return list(items.values())
    return copy(applied)


def remove(manifest: Manifest, gone: Iterable[Path], kept: Iterable[Path]) -> None:
    """Remove fields from an object.

    Args:
        manifest: the object; changed.
        gone: the fields.
        kept: fields that others own: what holds one of them stays.
    """
    held = set(kept)
    for path in sorted(gone, key=len):  # an item goes before the fields that name it
        if not any(other[: len(path)] == path for other in held):
            _remove(manifest, path)
    metadata = manifest.get("metadata") or {}
    for key in ("labels", "annotations"):
        if key in metadata and not metadata[key]:
            del metadata[key]


def _remove(value: Any, path: Path) -> None:
    part, rest = path[0], path[1:]
    if isinstance(value, list):
        _remove_item(value, part, rest)
    elif isinstance(value, dict) and part[2:] in value:
        below = value[part[2:]]
        if not rest:
            del value[part[2:]]
        else:
            _remove(below, rest)
            if below == []:
                del value[part[2:]]


def _remove_item(items: list[Any], part: str, rest: Path) -> None:
    wanted = json.loads(part[2:])
    for item in list(items):
        same = (
            item == wanted
            if part.startswith("v:")
            else all(item.get(key, "TCP") == value for key, value in wanted.items())
        )
        if same and rest:
            _remove(item, rest)
        elif same:
            items.remove(item)
