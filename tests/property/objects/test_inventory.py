# SPDX-License-Identifier: Apache-2.0
"""What holds for any inventory."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.api.objects import ObjectRef
from fluxsm.objects import inventory
from tests.property.strategies import ENTRIES, check, references


@check
@given(references())
def test_an_inventory_id_finds_its_object_again(ref: ObjectRef) -> None:
    """No part of an identity is lost or moved, whatever characters the names have."""
    assert inventory.Entry.of(ref).ref == ref


@check
@given(ENTRIES, ENTRIES)
def test_the_union_lists_everything_once(
    old: list[inventory.Entry], new: list[inventory.Entry]
) -> None:
    """Nothing is forgotten, nothing twice, and uniting again changes nothing."""
    union = inventory.union(old, new)
    assert inventory.ids(union) == inventory.ids(old) | inventory.ids(new)
    assert len(union) == len(inventory.ids(union))
    assert inventory.union(union, new) == union == inventory.union(union, old)


@check
@given(ENTRIES, ENTRIES)
def test_what_is_stale_is_old_and_not_new(
    old: list[inventory.Entry], new: list[inventory.Entry]
) -> None:
    """Stale and new together are at least what was there."""
    stale = inventory.stale(old, new)
    assert inventory.ids(stale) == inventory.ids(old) - inventory.ids(new)
    assert set(stale) <= set(old)


@check
@given(ENTRIES)
def test_an_inventory_survives_the_status(entries: list[inventory.Entry]) -> None:
    """What is written is what is read, as JSON too."""
    listed = inventory.union(entries, ())
    status = {"inventory": {"entries": inventory.to_status(listed)}}
    assert inventory.of_status({"status": json.loads(json.dumps(status))}) == listed


@check
@given(ENTRIES, st.randoms())
def test_the_order_of_deletion_does_not_depend_on_the_list(
    entries: list[inventory.Entry], random: Any
) -> None:
    """Every entry is there, and definitions of kinds come last."""
    listed = list(inventory.union(entries, ()))
    ordered = inventory.in_deletion_order(listed)
    random.shuffle(listed)
    assert sorted(ordered) == sorted(listed)
    assert [entry.id for entry in ordered] == [
        entry.id for entry in inventory.in_deletion_order(listed)
    ]
    crds = [entry.ref.kind.kind == "CustomResourceDefinition" for entry in ordered]
    assert crds == sorted(crds)
