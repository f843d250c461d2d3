# SPDX-License-Identifier: Apache-2.0
"""Read Kubernetes objects, which are plain dicts, without trusting their shape.

An object that comes from the cluster may lack any optional field and, for custom resources with
open schemas, may even have the wrong type somewhere. The readers treat an absent or null field
as its zero value and raise `MalformedError` for a wrong type, so that a rule never mistakes
broken data for a healthy object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from fluxsm.errors import MalformedError

Fields: TypeAlias = Mapping[str, Any]
"""A set of fields as `fieldsV1` writes it: a tree whose leaves are empty mappings."""


def is_leaving(obj: Mapping[str, Any]) -> bool:
    """Whether an object is being deleted, and there only until its finalizers are off."""
    return "deletionTimestamp" in obj["metadata"]


def read(obj: Mapping[str, Any], *path: str) -> Any:
    """Return the value at a path, or None where any part of the path is absent or null.

    Args:
        obj: the object to read.
        path: the keys from the root, as in `read(pod, "status", "phase")`.

    Raises:
        MalformedError: something on the way is not a mapping.
    """
    value: Any = obj
    for depth, key in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise _wrong(path[:depth], value, "an object")
        value = value.get(key)
    return value


def text(obj: Mapping[str, Any], *path: str) -> str:
    """Return the string at a path, or the empty string.

    Raises:
        MalformedError: the value is not a string.
    """
    value = read(obj, *path)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(path, value, "a string")
    return value


def number(obj: Mapping[str, Any], *path: str, default: int = 0) -> int:
    """Return the whole number at a path, or the default.

    Raises:
        MalformedError: the value is not a whole number.
    """
    value = read(obj, *path)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(path, value, "a whole number")
    return value


def mapping(obj: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Return the mapping at a path, or an empty one.

    Raises:
        MalformedError: the value is not a mapping.
    """
    value = read(obj, *path)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(path, value, "an object")
    return value


def entries(obj: Mapping[str, Any], *path: str) -> list[Mapping[str, Any]]:
    """Return the list of mappings at a path, or an empty list.

    Raises:
        MalformedError: the value is not a list, or one of its items is not a mapping.
    """
    value = read(obj, *path)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong(path, value, "a list")
    for item in value:
        if not isinstance(item, Mapping):
            raise _wrong(path, item, "a list of objects")
    return value


def annotations_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the annotations of an object."""
    return mapping(obj, "metadata", "annotations")


def labels_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels of an object."""
    return mapping(obj, "metadata", "labels")


def managed_fields_of(obj: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the records of which manager set which field of an object."""
    return entries(obj, "metadata", "managedFields")


def _wrong(path: tuple[str, ...], value: object, expected: str) -> MalformedError:
    where = ".".join(path) or "object"
    return MalformedError(f"{where} is not {expected} but {type(value).__name__}")
