# SPDX-License-Identifier: Apache-2.0
"""What holds for any drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.objects import drift
from tests.property.strategies import ROOTS, WORDS, check

OBJECTS: st.SearchStrategy[Any] = st.recursive(
    st.integers(0, 3) | WORDS,
    lambda inner: (
        st.dictionaries(WORDS, inner, max_size=3)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(WORDS, st.dictionaries(WORDS, inner, max_size=2), max_size=3).map(
            lambda items: [{"name": name, **item} for name, item in items.items()]
        )
    ),
    max_leaves=10,
)


def applied(value: Any) -> dict[str, Any]:
    """Work out the fields that a server-side apply of a value owns.

    Tuples stand for lists that are set as a whole, lists for lists of items known by name.
    """
    if isinstance(value, dict):
        return {f"f:{name}": applied(item) for name, item in value.items()}
    if isinstance(value, list):
        return {
            f"k:{json.dumps({'name': item['name']})}": {".": {}, **applied(item)} for item in value
        }
    return {}


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """List the leaves of an object: the keys of the field set, and the path for people."""
    items: list[tuple[str, str, Any]] = []
    if isinstance(value, dict):
        items = [(f"f:{name}", f".{name}", item) for name, item in value.items()]
    elif isinstance(value, list):
        items = [
            (f"k:{json.dumps({'name': item['name']})}", f"[name={item['name']}]", item)
            for item in value
        ]
    if not items:
        yield path, ""
    for key, label, item in items:
        for rest, text in leaves(item, (*path, key)):
            yield rest, label + text


def live_with(fields: Any, other: Any) -> dict[str, Any]:
    """Make an object with our fields and those of somebody else."""
    own = {"manager": "flux-operator", "operation": "Apply", "fieldsV1": fields}
    theirs = {"manager": "other", "operation": "Update", "fieldsV1": other}
    return {"metadata": {"managedFields": [theirs, own]}}


@check
@given(st.dictionaries(WORDS, OBJECTS, min_size=1, max_size=3), ROOTS, st.data())
def test_drift_is_exactly_the_field_that_was_taken(
    spec: dict[str, Any], noise: Any, data: st.DataObject
) -> None:
    """No field is blamed without reason, and none is overlooked."""
    wanted = {"spec": {"fixed": 1, **spec}}
    fields = applied(wanted)
    assert drift.differences(wanted, live_with(fields, noise)) == []
    keys, label = data.draw(st.sampled_from(list(leaves(wanted))))
    theirs: dict[str, Any] = {}
    node, mine = theirs, fields
    for key in keys[:-1]:
        node, mine = node.setdefault(key, {}), mine[key]
    del mine[keys[-1]]
    node[keys[-1]] = {}
    if mine == {}:
        mine["."] = {}
    found = drift.differences(wanted, live_with(fields, theirs))
    assert [(item.path, item.managers) for item in found] == [(label[1:], ("other",))]


@check
@given(st.lists(st.integers(0, 2000), max_size=30))
def test_a_conflict_never_writes_often(gaps: list[int]) -> None:
    """However an opponent behaves, repairs that respect the pause stay within a bound."""
    conflict, now, made = None, timedelta(0), 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        if conflict is not None and now < conflict.next_repair:
            continue
        conflict = drift.after_repair(conflict, now)
        made += 1
        assert timedelta(0) <= conflict.pause <= drift.LONGEST_PAUSE
    calm_periods = 1 + now / drift.CALM
    assert made <= calm_periods * (drift.FREE_REPAIRS + 8)
