# SPDX-License-Identifier: Apache-2.0
"""Objects are read without trust in their shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.errors import MalformedError
from fluxsm.objects import manifest

OBJECT: dict[str, Any] = {
    "metadata": {
        "labels": {"a": "1"},
        "annotations": {"b": "2"},
        "managedFields": [{"manager": "m"}],
    },
    "spec": {"replicas": 3, "name": "x", "none": None, "flag": True, "list": [1]},
}


@pytest.mark.parametrize(
    ("reader", "empty"),
    [
        (manifest.read, None),
        (manifest.text, ""),
        (manifest.number, 0),
        (manifest.mapping, {}),
        (manifest.entries, []),
    ],
)
@pytest.mark.parametrize("path", [("spec", "none"), ("spec", "absent"), ("absent", "x", "y")])
def test_what_is_absent_is_empty(
    reader: Callable[..., Any], empty: object, path: tuple[str, ...]
) -> None:
    """Absent and null are the same, at any depth."""
    assert reader(OBJECT, *path) == empty


def test_what_is_there_is_returned() -> None:
    """As it is."""
    assert manifest.read(OBJECT) is OBJECT
    assert manifest.text(OBJECT, "spec", "name") == "x"
    assert manifest.number(OBJECT, "spec", "replicas", default=9) == 3
    assert manifest.number(OBJECT, "spec", "none", default=9) == 9
    assert manifest.labels_of(OBJECT) == {"a": "1"}
    assert manifest.annotations_of(OBJECT) == {"b": "2"}
    assert manifest.managed_fields_of(OBJECT) == [{"manager": "m"}]


@pytest.mark.parametrize(
    ("reader", "path", "message"),
    [
        (manifest.read, ("spec", "name", "x"), "spec.name is not an object but str"),
        (manifest.text, ("spec", "replicas"), "spec.replicas is not a string but int"),
        (manifest.number, ("spec", "name"), "spec.name is not a whole number but str"),
        (manifest.number, ("spec", "flag"), "spec.flag is not a whole number but bool"),
        (manifest.mapping, ("spec", "list"), "spec.list is not an object but list"),
        (manifest.entries, ("spec", "name"), "spec.name is not a list but str"),
        (manifest.entries, ("spec", "list"), "spec.list is not a list of objects but int"),
    ],
)
def test_a_wrong_type_is_named(
    reader: Callable[..., Any], path: tuple[str, ...], message: str
) -> None:
    """With its place, what it should be and what it is."""
    with pytest.raises(MalformedError, match=f"^{message}$"):
        reader(OBJECT, *path)


def test_what_is_no_object_at_all() -> None:
    """Even the root may be wrong."""
    with pytest.raises(MalformedError, match="object is not an object but list"):
        manifest.read([], "x")  # type: ignore[arg-type]
