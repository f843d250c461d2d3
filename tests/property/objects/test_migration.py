# SPDX-License-Identifier: Apache-2.0
"""What holds for any pair of CRDs, schemas and objects."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.objects import migration
from tests.property.strategies import RECORDS, check, members

VERSIONS = ["v1alpha1", "v1beta1", "v1beta2", "v1", "v2"]


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a CRD that the API server would accept, as it may be after any upgrades."""
    chosen = draw(st.lists(st.sampled_from(VERSIONS), min_size=1, unique=True))
    storage = draw(st.sampled_from(chosen))
    others = draw(st.lists(st.sampled_from(chosen), unique=True))
    return {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.x.io", "resourceVersion": "1"},
        "spec": {
            "group": "x.io",
            "names": {"kind": "Thing"},
            "versions": [
                {"name": name, "served": name == storage or draw(st.booleans())}
                | {"storage": name == storage, "schema": {}}
                for name in chosen
            ],
        },
        "status": {"storedVersions": list(dict.fromkeys([*others, storage]))},
    }


def version_names(crd: Mapping[str, Any]) -> list[str]:
    """List the versions of a CRD."""
    return [item["name"] for item in crd["spec"]["versions"]]


def accept(live: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a CRD as the API server does, which refuses to forget a stored version."""
    stored = list(live["status"]["storedVersions"])
    assert set(stored) <= set(version_names(new)), "a stored version is missing"
    [storage] = [item["name"] for item in new["spec"]["versions"] if item["storage"]]
    if storage not in stored:
        stored.append(storage)
    return {**copy.deepcopy(dict(new)), "status": {"storedVersions": stored}}


def migrate(live: Mapping[str, Any], plan: migration.Plan) -> dict[str, Any]:
    """Carry a plan out, and check that each of its steps is possible."""
    served = [item["name"] for item in live["spec"]["versions"] if item["served"]]
    assert plan.kind.version in served
    patch = migration.trim_patch(dict(live))
    assert patch["status"]["storedVersions"] == [plan.storage]
    assert set(plan.retired) == set(live["status"]["storedVersions"]) - {plan.storage}
    return {**live, "status": patch["status"]}


@check
@given(definitions(), definitions())
def test_any_crd_can_become_any_other(live: dict[str, Any], desired: dict[str, Any]) -> None:
    """Without ever claiming what is not so, in at most two migrations, and then there is rest."""
    now: dict[str, Any] = live
    plan = migration.plan_before(live, desired)
    if plan is not None:
        if plan.bridge is not None:
            now = accept(now, plan.bridge)
        now = migrate(now, plan)
    now = accept(now, desired)
    after = migration.plan_after(now)
    if after is not None:
        now = migrate(now, after)
    assert now["status"]["storedVersions"] == [migration.storage_version(desired)]
    assert version_names(now) == version_names(desired)
    assert migration.plan_before(now, desired) is None
    assert migration.plan_after(now) is None


@check
@given(RECORDS, st.lists(st.sampled_from(VERSIONS), min_size=6, max_size=6))
def test_a_rewrite_leaves_no_record_of_an_old_version(
    records: list[dict[str, Any]], versions: list[str]
) -> None:
    """Every manager keeps all its fields, and rewriting again needs no change of records."""
    dated = [
        {**record, "apiVersion": f"x.io/{version}"}
        for record, version in zip(itertools.chain(records, records[:2]), versions, strict=False)
    ]
    patch = migration.rewrite_patch(
        {"metadata": {"managedFields": dated, "resourceVersion": "1"}}, "x.io/v2"
    )
    moved = patch[0]["value"] if isinstance(patch, list) else dated
    assert all(item["apiVersion"] == "x.io/v2" for item in moved)
    for manager, operation in {(item["manager"], item["operation"]) for item in dated}:
        before = [
            item for item in dated if (item["manager"], item["operation"]) == (manager, operation)
        ]
        after = [
            item for item in moved if (item["manager"], item["operation"]) == (manager, operation)
        ]
        assert {field for item in after for field in members(item["fieldsV1"])} == {
            field for item in before for field in members(item["fieldsV1"])
        }
    assert migration.rewrite_patch({"metadata": {"managedFields": moved}}, "x.io/v2") == {}
