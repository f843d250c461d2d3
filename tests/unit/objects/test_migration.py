# SPDX-License-Identifier: Apache-2.0
"""How stored objects get to another version without loss, also over several minors at once."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest

from fluxsm.api.objects import Kind
from fluxsm.errors import MigrationError
from fluxsm.objects.migration import (
    Plan,
    bridge_crd,
    plan_after,
    plan_before,
    rewrite_patch,
    storage_version,
    trim_patch,
)

GROUP = "helm.toolkit.fluxcd.io"


def crd(
    *versions: str, storage: str | None = None, stored: list[str] | None = None, unserved: str = ""
) -> dict[str, Any]:
    """Make a CRD that stores the given version, or the last one."""
    stored_in = versions[-1] if storage is None else storage
    found: dict[str, Any] = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"helmreleases.{GROUP}", "resourceVersion": "7"},
        "spec": {
            "group": GROUP,
            "names": {"kind": "HelmRelease", "plural": "helmreleases"},
            "versions": [
                {
                    "name": name,
                    "served": name not in unserved.split(),
                    "storage": name == stored_in,
                    "schema": {"openAPIV3Schema": {"type": "object", "description": name}},
                }
                for name in versions
            ],
        },
    }
    if stored is not None:
        found["status"] = {"storedVersions": stored}
    return found


def plan(version: str, *, storage: str | None = None, retired: tuple[str, ...] = ()) -> Plan:
    """Make a plan without a bridge."""
    return Plan(
        crd=f"helmreleases.{GROUP}",
        kind=Kind(GROUP, version, "HelmRelease"),
        storage=version if storage is None else storage,
        retired=retired,
    )


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        pytest.param(None, crd("v2"), id="a first installation"),
        pytest.param(crd("v2", stored=["v2"]), crd("v2"), id="no new version"),
        pytest.param(
            crd("v2beta2", stored=["v2beta2"]), crd("v2beta2", "v2"), id="an added version"
        ),
        pytest.param(
            crd("v2beta1", "v2beta2", "v2", stored=["v2"]),
            crd("v2"),
            id="versions go in which nothing is stored",
        ),
        pytest.param(crd("v2beta1"), crd("v2"), id="nothing was ever stored"),
    ],
)
def test_nothing_stands_in_the_way(live: dict[str, Any] | None, desired: dict[str, Any]) -> None:
    """The new CRD can be applied as it is."""
    assert plan_before(live, desired) is None


def test_objects_are_rewritten_to_a_version_that_stays() -> None:
    """Where the live CRD stores a version that the new one has too, no bridge is needed."""
    live = crd("v2beta1", "v2beta2", stored=["v2beta1", "v2beta2"])
    assert plan_before(live, crd("v2beta2", "v2")) == plan("v2beta2", retired=("v2beta1",))


def test_a_bridge_is_needed_where_the_stored_version_goes() -> None:
    """It is the new CRD and the old versions, which are served as before but not stored."""
    live = crd("v2beta1", "v2beta2", stored=["v2beta1", "v2beta2"], unserved="v2beta1")
    desired = crd("v2", "v3", storage="v2") | {"status": {"junk": True}}
    before = copy.deepcopy((live, desired))
    found = plan_before(live, desired)
    assert found is not None
    assert found == Plan(
        crd=f"helmreleases.{GROUP}",
        kind=Kind(GROUP, "v2", "HelmRelease"),
        storage="v2",
        retired=("v2beta1", "v2beta2"),
        bridge=found.bridge,
    )
    bridge = found.bridge
    assert bridge is not None
    assert [
        (item["name"], item["served"], item["storage"], item["schema"]["openAPIV3Schema"])
        for item in bridge["spec"]["versions"]
    ] == [
        ("v2", True, True, {"type": "object", "description": "v2"}),
        ("v3", True, False, {"type": "object", "description": "v3"}),
        ("v2beta1", False, False, {"type": "object", "description": "v2beta1"}),
        ("v2beta2", True, False, {"type": "object", "description": "v2beta2"}),
    ]
    assert "status" not in bridge
    assert {key: value for key, value in bridge.items() if key != "spec"} == {
        key: value for key, value in desired.items() if key not in {"spec", "status"}
    }
    assert (live, desired) == before


def test_only_versions_in_which_something_may_be_stored_are_bridged() -> None:
    """A version that goes and is not stored would only be in the way."""
    live = crd("v1", "v2beta1", "v2beta2", stored=["v2beta2"])
    found = plan_before(live, crd("v2"))
    assert found is not None
    assert found.bridge is not None
    assert [item["name"] for item in found.bridge["spec"]["versions"]] == ["v2", "v2beta2"]


def test_a_version_that_nobody_describes_cannot_be_bridged() -> None:
    """Objects in it could not be read, so nothing is tried."""
    live = crd("v2beta2", stored=["v1", "v2beta2"])
    with pytest.raises(MigrationError, match="may hold objects of version v1"):
        plan_before(live, crd("v2"))
    with pytest.raises(MigrationError, match="v9"):
        bridge_crd(live, crd("v2"), ["v9"])


def test_a_storage_version_that_is_not_served_is_written_through_another() -> None:
    """The API server stores what it should, whatever version it is asked in."""
    live = crd("v1", "v2", stored=["v1", "v2"], unserved="v2")
    assert plan_after(live) == plan("v1", storage="v2", retired=("v1",))
    nothing = crd("v1", "v2", stored=["v1", "v2"], unserved="v1 v2")
    assert plan_after(nothing) == plan("v2", retired=("v1",))


@pytest.mark.parametrize(
    ("live", "forced", "expected"),
    [
        pytest.param(crd("v1", "v2", stored=["v2"]), False, None, id="all is stored as it should"),
        pytest.param(crd("v1", "v2", stored=["v2"]), True, plan("v2"), id="forced"),
        pytest.param(
            crd("v1", "v2", stored=["v1", "v2"]),
            False,
            plan("v2", retired=("v1",)),
            id="something may be stored in an old version",
        ),
        pytest.param(
            crd("v1", "v2", stored=["v1"]),
            False,
            plan("v2", retired=("v1",)),
            id="nothing is stored in the new version yet",
        ),
        pytest.param(crd("v2"), False, plan("v2"), id="nothing is known"),
    ],
)
def test_what_has_to_follow_an_upgrade(
    live: dict[str, Any], forced: bool, expected: Plan | None
) -> None:
    """A rewrite, unless everything is known to be in the storage version."""
    assert plan_after(live, forced=forced) == expected


def test_a_plan_in_words() -> None:
    """For logs and messages."""
    assert str(plan("v2")) == f"helmreleases.{GROUP}: rewrite to v2"
    bridged = plan_before(crd("v2beta1", "v2beta2", stored=["v2beta1", "v2beta2"]), crd("v2"))
    assert str(bridged) == (
        f"helmreleases.{GROUP}: rewrite from v2beta1, v2beta2 to v2 over a bridge"
    )
    assert plan("v1", storage="v2").api_version == f"{GROUP}/v2"


def test_a_crd_without_storage_version_is_refused() -> None:
    """The API server would not accept one either."""
    with pytest.raises(MigrationError, match="no storage version"):
        storage_version(crd("v1", storage=""))


def test_trimming_holds_only_for_the_crd_that_was_read() -> None:
    """With another storage version the claim would be wrong."""
    assert trim_patch(crd("v1", "v2", stored=["v1", "v2"])) == {
        "metadata": {"resourceVersion": "7"},
        "status": {"storedVersions": ["v2"]},
    }


def record(manager: str, version: str, fields: str, **extra: Any) -> dict[str, Any]:
    """Make a record of ownership of one field."""
    return {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": f"{GROUP}/{version}",
        "fieldsV1": {f"f:{fields}": {}},
        **extra,
    }


def release(*records: dict[str, Any]) -> dict[str, Any]:
    """Make a HelmRelease with records of ownership."""
    return {"metadata": {"name": "r", "resourceVersion": "3", "managedFields": list(records)}}


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param({"metadata": {"name": "r"}}, id="no records"),
        pytest.param(release(record("a", "v2", "x")), id="records of the new version only"),
    ],
)
def test_an_empty_patch_stores_an_object_again(obj: dict[str, Any]) -> None:
    """Nothing has to change but its place in etcd."""
    assert rewrite_patch(obj, f"{GROUP}/v2") == {}


def test_all_records_are_moved_to_the_new_version() -> None:
    """Of every manager, those of subresources too; the patch holds for what was read."""
    obj = release(
        record("a", "v2beta1", "x"),
        record("b", "v2", "y"),
        record("a", "v2beta2", "z", subresource="status"),
    )
    before = copy.deepcopy(obj)
    patch = rewrite_patch(obj, f"{GROUP}/v2")
    assert isinstance(patch, list)
    assert patch[1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "3"}
    assert jsonpatch.apply_patch(obj, patch) == release(
        record("a", "v2", "x"),
        record("b", "v2", "y"),
        record("a", "v2", "z", subresource="status"),
    )
    assert obj == before


def test_records_that_become_the_same_are_united() -> None:
    """The API server would keep one of them, and the fields of the other would have no owner."""
    obj = release(
        record("a", "v2beta1", "x", time="2025-01-01T00:00:00Z"),
        record("b", "v2beta1", "q"),
        record("a", "v2", "y", time="2024-01-01T00:00:00Z"),
        record("b", "v2", "r"),
    )
    patch = rewrite_patch(obj, f"{GROUP}/v2")
    assert isinstance(patch, list)
    one = record("a", "v2", "x", time="2025-01-01T00:00:00Z")
    two = record("b", "v2", "q")
    one["fieldsV1"]["f:y"] = two["fieldsV1"]["f:r"] = {}
    assert patch[0]["value"] == [one, two]
