# SPDX-License-Identifier: Apache-2.0
"""What holds for any records of ownership."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given

from fluxsm.objects import ownership
from tests.property.strategies import RECORDS, ROOTS, check, members


@check
@given(ROOTS, ROOTS)
def test_the_union_of_field_sets_is_that_of_their_members(first: Any, second: Any) -> None:
    """The notation is only a way to write a set down."""
    united = ownership.unite(first, second)
    assert set(members(united)) == set(members(first)) | set(members(second))
    assert ownership.unite(united, first) == united


@check
@given(RECORDS)
def test_a_takeover_moves_fields_and_loses_none(records: list[dict[str, Any]]) -> None:
    """Every field has an owner as before, other managers keep theirs, and once is enough."""
    before = copy.deepcopy(records)
    taken = ownership.takeover(records, ["my"])
    assert records == before
    if taken is None:
        return
    *others, own = taken
    assert (own["manager"], own["operation"]) == ("flux-operator", "Apply")
    assert others == [item for item in records if item in others]
    moved = [item for item in records if item not in others]
    assert set(members(own["fieldsV1"])) == {
        field for item in moved for field in members(item["fieldsV1"])
    }
    assert ownership.takeover(taken, ["my"]) is None
