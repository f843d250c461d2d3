# SPDX-License-Identifier: Apache-2.0
"""Two sets of objects are compared down to the field."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api.objects import Manifest
from fluxsm.build.compare import Change, compare


def thing(name: str = "a", **spec: Any) -> Manifest:
    """An object."""
    return {"apiVersion": "x/v1", "kind": "Thing", "metadata": {"name": name}, "spec": spec}


def fields(old: Any, new: Any) -> list[tuple[str, str, Any, Any]]:
    """What differs between two values of one field."""
    found = compare([thing(x=old)], [thing(x=new)])
    return [
        (item.change.value, item.path, item.old, item.new)
        for change in found
        for item in change.fields
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(1, 1.0, [], id="equal numbers"),
        pytest.param(1, True, [("~", ".spec.x", 1, True)], id="one is not true"),
        pytest.param(0, "0", [("~", ".spec.x", 0, "0")], id="a number is not text"),
        pytest.param(None, {}, [("~", ".spec.x", None, {})], id="null is not empty"),
        pytest.param(
            {"a/b": 1}, {"a.b": 2}, [("-", '.spec.x["a/b"]', 1, None),
            ("+", '.spec.x["a.b"]', None, 2)], id="keys with special characters",
        ),
        pytest.param({"a": None}, {}, [("-", ".spec.x.a", None, None)], id="null is not absent"),
        pytest.param(
            ["a", "b", "c"], ["a", "c", "d"],
            [("-", ".spec.x[1]", "b", None), ("+", ".spec.x[2]", None, "d")],
            id="elements come and go",
        ),
        pytest.param(["a"], ["b"], [("~", ".spec.x[0]", "a", "b")], id="an element changes"),
        pytest.param(
            [{"name": "m", "v": 1}, {"name": "n"}], [{"name": "m", "v": 2}, {"name": "o"}],
            [("~", ".spec.x[m].v", 1, 2), ("-", ".spec.x[n]", {"name": "n"}, None),
             ("+", ".spec.x[o]", None, {"name": "o"})],
            id="elements with names",
        ),
        pytest.param(
            [{"name": "m"}, {"name": "n"}], [{"name": "n"}, {"name": "m"}],
            [("~", ".spec.x[] order", ["m", "n"], ["n", "m"])],
            id="another order of named elements",
        ),
        pytest.param(
            [{"name": "m", "v": 1}, {"name": "m", "v": 2}],
            [{"name": "m", "v": 1}, {"name": "m", "v": 3}],
            [("~", ".spec.x[1].v", 2, 3)],
            id="a name that is there twice tells nothing",
        ),
        pytest.param([], [{"name": "m"}], [("+", ".spec.x[0]", None, {"name": "m"})], id="empty"),
        pytest.param({"a": 1}, [1], [("~", ".spec.x", {"a": 1}, [1])], id="another shape"),
    ],
)  # fmt: skip
def test_values(old: Any, new: Any, expected: list[tuple[str, str, Any, Any]]) -> None:
    """The path leads to the least part that differs."""
    assert fields(old, new) == expected


def test_objects_come_in_delivery_order() -> None:
    """Not in the order of either side."""
    role = {"apiVersion": "rbac/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    found = compare([thing("b"), thing("c", x=1)], [thing("c", x=2), role])
    assert [(str(item.ref), item.change) for item in found] == [
        ("ClusterRole/r", Change.ADDED),
        ("Thing/b", Change.REMOVED),
        ("Thing/c", Change.CHANGED),
    ]


def test_another_api_version_is_a_change_and_not_another_object() -> None:
    """As the API server sees it."""
    (found,) = compare([thing()], [thing() | {"apiVersion": "x/v2"}])
    assert [item.path for item in found.fields] == [".apiVersion"]
