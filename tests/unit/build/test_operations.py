# SPDX-License-Identifier: Apache-2.0
"""JSON 6902 patches do what kustomize does with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fluxsm.errors import BuildError
from tests.unit.build.makers import ONE, built, patched
from tests.unit.build.patching import SHARDED, operate, patch, thing


@pytest.mark.parametrize(
    ("before", "operation", "after"),
    [
        ({"a": 1}, {"op": "add", "path": "/a", "value": 2}, {"a": 2}),
        ({"a": 1}, {"op": "add", "path": "/b"}, {"a": 1, "b": None}),
        ({}, {"op": "replace", "path": "/b", "value": 1}, {"b": 1}),
        ({"a": 1}, {"op": "replace", "path": "/a", "value": None}, {"a": None}),
        ({"a/b": 1, "m~n": 2}, {"op": "remove", "path": "/a~1b"}, {"m~n": 2}),
        ({"a~1b": 1}, {"op": "remove", "path": "/a~01b"}, {}),
        ([1, 2], {"op": "add", "path": "/-", "value": 3}, [1, 2, 3]),
        ([1, 2], {"op": "add", "path": "/2", "value": 3}, [1, 2, 3]),
        ([1, 2], {"op": "add", "path": "/-1", "value": 3}, [1, 2, 3]),
        ([1, 2], {"op": "add", "path": "/-2", "value": 3}, [1, 3, 2]),
        ([1, 2], {"op": "add", "path": "/-3", "value": 3}, [3, 1, 2]),
        ([1, 2], {"op": "add", "path": "/01", "value": 3}, [1, 3, 2]),
        ([1, 2], {"op": "remove", "path": "/-1"}, [1]),
        ([1, 2], {"op": "replace", "path": "/+1", "value": 3}, [1, 3]),
        ({"a": 1}, {"op": "move", "from": "/a", "path": "/b"}, {"b": 1}),
        ({"a": {"b": 1}}, {"op": "move", "from": "/a", "path": "/a"}, {"a": {"b": 1}}),
        ([1, 2, 3], {"op": "move", "from": "/0", "path": "/-"}, [2, 3, 1]),
        ([1, 2, 3], {"op": "move", "from": "/0", "path": "/2"}, [2, 3, 1]),
        ([1, 2, 3], {"op": "move", "from": "/-1", "path": "/-2"}, [1, 3, 2]),
        ({"a": [1]}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": [1], "b": [1]}),
        ({"a": 1}, {"op": "test", "path": "/a", "value": 1.0}, {"a": 1}),
        ({"a": 1}, {"op": "test", "path": "/b", "value": None}, {"a": 1}),
        ({"a": 1}, {"op": "test", "path": "/b"}, {"a": 1}),
        ({"a": {"b": [1]}}, {"op": "test", "path": "", "value": {"a": {"b": [1]}}}, None),
        ({"a": 1}, {"op": "add", "path": "/b", "value": 1, "more": 2}, {"a": 1, "b": 1}),
    ],
)
def test_operations(before: Any, operation: dict[str, Any], after: Any) -> None:
    """Also where kustomize is laxer than the standard."""
    paths = {key: f"/spec{operation[key]}" for key in ("path", "from") if key in operation}
    assert operate(before, operation | paths) == (before if after is None else after)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/l/9", "value": 1},
        {"op": "add", "path": "/l/-4", "value": 1},
        {"op": "add", "path": "/s/x", "value": 1},
        {"op": "add", "path": "/n/x", "value": 1},
        {"op": "add", "path": "/l/x", "value": 1},
        {"op": "add", "path": "/l/1_0", "value": 1},
        {"op": "replace", "path": "/l/2", "value": 1},
        {"op": "replace", "path": "/l/-", "value": 1},
        {"op": "replace", "path": "/x/y", "value": 1},
        {"op": "remove", "path": "/l/-"},
        {"op": "remove", "path": "/l/-3"},
        {"op": "remove", "path": "/x"},
        {"op": "move", "from": "/x", "path": "/y"},
        {"op": "move", "from": "/l", "path": "/l/0"},
        {"op": "move", "from": "/l/0", "path": "/l/2"},
        {"op": "copy", "from": "/x", "path": "/y"},
        {"op": "copy", "path": "/y"},
        {"op": "test", "path": "/l/7"},
        {"op": "test", "path": "/x/y"},
        {"op": "test", "path": "/s", "value": 1},
        {"op": "test", "path": "/t", "value": 1},
        {"op": "test", "path": "/l", "value": [1]},
        {"op": "remove", "path": "/l/" + "9" * 5000},
    ],
)
def test_operations_that_fail(operation: dict[str, Any]) -> None:
    """The first failure ends the build."""
    before = {"l": [1, 2], "s": "1", "n": None, "t": True}
    paths = {key: f"/spec{operation[key]}" for key in ("path", "from") if key in operation}
    with pytest.raises(BuildError, match=r"^\.spec\.kustomize\.patches\[0\]\.patch: "):
        operate(before, operation | paths)


def test_the_whole_object_can_be_replaced() -> None:
    """By an operation with an empty path."""
    other = thing(name="b")
    assert patch(thing(), [{"op": "replace", "path": "", "value": other}]) == other


@pytest.mark.parametrize("op", ["add", "remove", "move", "copy"])
def test_no_other_operation_has_an_empty_path(op: str) -> None:
    """The message says which may."""
    with pytest.raises(BuildError, match="only replace and test may have an empty path"):
        patch(thing(), [{"op": op, "path": "", "from": "/kind"}])


def test_annotations_can_be_added_where_there_are_none() -> None:
    """Labels cannot: the whole map must be added."""
    item = patch(thing(), [{"op": "add", "path": "/metadata/annotations/a", "value": 5}])
    assert item["metadata"]["annotations"] == {"a": "5"}
    with pytest.raises(BuildError, match="there is no /metadata/labels"):
        patch(thing(), [{"op": "add", "path": "/metadata/labels/a", "value": "b"}])
    whole = [{"op": "add", "path": "/metadata/labels", "value": {"a": True}}]
    assert patch(thing(), whole)["metadata"]["labels"] == {"a": "true"}


def test_an_empty_list_of_operations_does_nothing() -> None:
    """Not even leave an empty map of annotations."""
    assert patch(thing(), "[]") == thing()


def test_an_object_that_is_renamed_takes_its_references_along() -> None:
    """Later patches find it by both names."""
    found = patched(
        ('[{"op": "replace", "path": "/metadata/name", "value": "sa"}]',
         {"kind": "ServiceAccount", "name": "source-controller"}),
        ('[{"op": "replace", "path": "/metadata/name", "value": "pvc"}]',
         {"kind": "PersistentVolumeClaim", "name": "source-controller"}),
        ("kind: ServiceAccount\nmetadata: {name: x, labels: {by: old}}",
         {"name": "source-controller", "kind": "ServiceAccount"}),
        ("kind: ServiceAccount\nmetadata: {name: x, annotations: {by: new}}",
         {"name": "sa", "kind": "ServiceAccount"}),
        sharding=SHARDED, storage={"class": "c", "size": "1Gi"},
        sync={"kind": "Bucket", "url": "u", "ref": "r", "path": "p"},
    )  # fmt: skip
    account = found.get("ServiceAccount/sa")
    assert account["metadata"]["labels"]["by"] == "old"
    assert account["metadata"]["annotations"]["by"] == "new"
    for name in ("source-controller", "source-controller-a"):
        assert found.pod(name)["serviceAccountName"] == "sa"
    assert found.pod("source-controller")["volumes"][-1]["persistentVolumeClaim"] == {
        "claimName": "pvc"
    }
    for name in ("cluster-reconciler", "crd-controller"):
        binding = found.get(f"ClusterRoleBinding/{name}-flux-system")
        names = {item["name"] for item in binding["subjects"]}
        assert "source-controller" not in names
    assert "sa" in names


def test_a_role_that_a_patch_refers_to_gets_its_suffix() -> None:
    """By the name that it has in the manifests."""
    found = patched(
        ('[{"op": "replace", "path": "/roleRef/name", "value": "flux-view"}]',
         {"kind": "ClusterRoleBinding", "name": "cluster-reconciler"}),
        namespace="gitops",
    )  # fmt: skip
    binding = found.get("ClusterRoleBinding/cluster-reconciler-gitops")
    assert binding["roleRef"]["name"] == "flux-view-gitops"


def test_a_default_account_among_subjects_is_placed() -> None:
    """Others stay where they are."""
    subjects = [{"kind": "ServiceAccount", "name": "default"},
                {"kind": "User", "name": "default"},
                {"kind": "ServiceAccount", "name": "x", "namespace": "y"}]  # fmt: skip
    text = json.dumps([{"op": "replace", "path": "/subjects", "value": subjects}])
    found = patched((text, {"kind": "ClusterRoleBinding", "name": "crd-controller"}))
    subjects[0]["namespace"] = "flux-system"
    assert found.get("ClusterRoleBinding/crd-controller-flux-system")["subjects"] == subjects


def test_what_is_written_after_patches_wins() -> None:
    """Namespace, common labels and annotations, and the name of the Namespace."""
    text = json.dumps([
        {"op": "add", "path": "/metadata/namespace", "value": "elsewhere"},
        {"op": "add", "path": "/metadata/labels",
         "value": {"app.kubernetes.io/version": "x", "mine": "y"}},
        {"op": "add", "path": "/metadata/annotations/kustomize.toolkit.fluxcd.io~1ssa",
         "value": "Merge"},
    ])  # fmt: skip
    rename = '[{"op": "replace", "path": "/metadata/name", "value": "other"}]'
    found = patched((text, ONE), (rename, {"kind": "Namespace"}))
    metadata = found.get("Deployment/source-controller")["metadata"]
    assert metadata["namespace"] == "flux-system"
    assert metadata["labels"]["app.kubernetes.io/version"] == "v2.8.8"
    assert metadata["labels"]["mine"] == "y"
    assert metadata["annotations"]["kustomize.toolkit.fluxcd.io/ssa"] == "Ignore"
    assert "Namespace/flux-system" in found.names


def test_patches_see_what_earlier_ones_left() -> None:
    """And the profiles before them."""
    add = '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--x"}]'
    test = '[{"op": "test", "path": "/spec/template/spec/containers/0/args/-1", "value": "--x"}]'
    found = patched((add, ONE), (test, ONE))
    assert found.args("source-controller") == [*built().args("source-controller"), "--x"]


def test_a_field_that_a_profile_removed_cannot_be_removed_again() -> None:
    """As on OpenShift."""
    text = '[{"op": "remove", "path": "/spec/template/spec/securityContext"}]'
    with pytest.raises(BuildError, match="remove '/spec/template/spec/securityContext'"):
        patched((text, ONE), cluster={"type": "openshift"})
