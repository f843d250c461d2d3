# SPDX-License-Identifier: Apache-2.0
"""Which objects are ours, and how the fields of former owners become ours."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest

from fluxsm.objects.ownership import (
    adoption_patch,
    is_owned,
    is_prune_disabled,
    is_reconcile_disabled,
    owner_labels,
    takeover,
    unite,
)


def labelled(**labels: Any) -> dict[str, Any]:
    """Make an object with labels, given by the last part of their names."""
    prefixed = {f"fluxcd.controlplane.io/{key}": value for key, value in labels.items()}
    return {"metadata": {"labels": prefixed}}


@pytest.mark.parametrize(
    ("obj", "owned"),
    [
        pytest.param(labelled(name="flux", namespace="ns"), True, id="both labels"),
        pytest.param(labelled(name="flux"), False, id="no namespace"),
        pytest.param(labelled(namespace="ns"), False, id="no name"),
        pytest.param(labelled(name="flux", namespace="other"), False, id="another instance"),
        pytest.param({"metadata": {}}, False, id="no labels"),
    ],
)
def test_the_ownership_guard(obj: dict[str, Any], owned: bool) -> None:
    """Only an object that says it is ours is ours."""
    assert is_owned(obj, "flux", "ns") is owned


def test_owner_labels_make_an_object_ours() -> None:
    """What is written is what is looked for."""
    assert is_owned({"metadata": {"labels": owner_labels("flux", "ns")}}, "flux", "ns")


@pytest.mark.parametrize("kind", ["labels", "annotations"])
@pytest.mark.parametrize(
    ("value", "disabled"),
    [("disabled", True), ("Disabled", True), ("DISABLED", True), ("enabled", False), (True, False)],
)
def test_opting_out(kind: str, value: Any, disabled: bool) -> None:
    """By label or annotation, in upper or lower case."""
    prune = {"metadata": {kind: {"fluxcd.controlplane.io/prune": value}}}
    repair = {"metadata": {kind: {"fluxcd.controlplane.io/reconcile": value}}}
    assert is_prune_disabled(prune) is disabled
    assert not is_reconcile_disabled(prune)
    assert is_reconcile_disabled(repair) is disabled
    assert not is_prune_disabled(repair)


def entry(
    manager: str, operation: str, fields: dict[str, Any] | None = None, **extra: Any
) -> dict[str, Any]:
    """Make a record of ownership."""
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields or {},
        **extra,
    }


OWN = entry("flux-operator", "Apply", {"f:own": {}})


@pytest.mark.parametrize(
    ("manager", "operation"),
    [
        ("kustomize-controller", "Apply"),
        ("helm", "Update"),
        ("kubectl", "Update"),
        ("kubectl-client-side-apply", "Update"),
        ("kubectl-edit", "Update"),
        ("before-first-apply", "Update"),
        ("kubectl", "Apply"),
        ("kubectl-last-applied", "Apply"),
        ("flux", "Apply"),
        ("flux", "Update"),
        ("flux-operator", "Update"),
        ("my-tool", "Apply"),
        ("my-tool", "Update"),
    ],
)
def test_former_managers_are_taken_over(manager: str, operation: str) -> None:
    """Their entry goes, and their fields come to us."""
    taken = takeover([entry(manager, operation, {"f:theirs": {}}), OWN], ["my-tool"])
    assert taken == [{**OWN, "fieldsV1": {"f:own": {}, "f:theirs": {}}}]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(entry("kustomize-controller", "Update"), id="another operation"),
        pytest.param(entry("helm", "Apply"), id="Helm by server-side apply"),
        pytest.param(entry("helm-controller", "Update"), id="only the beginning is the same"),
        pytest.param(entry("flux-cli", "Apply"), id="a name that only begins with flux"),
        pytest.param(entry("before-first-apply", "Apply"), id="before-first-apply never applies"),
        pytest.param(entry("kube-controller-manager", "Update"), id="a controller"),
        pytest.param(entry("my-tool", "Apply"), id="a manager that nobody named"),
        pytest.param(entry("kubectl", "Update", subresource="status"), id="a subresource"),
        pytest.param(
            entry("flux-operator", "Apply", subresource="status"), id="our own subresource"
        ),
    ],
)
def test_other_managers_are_left_alone(other: dict[str, Any]) -> None:
    """Nobody to take over from means no patch."""
    assert takeover([other, OWN]) is None
    assert takeover([other]) is None


def test_our_entry_goes_to_the_end_and_the_others_keep_their_order() -> None:
    """The order of all other entries says when they last wrote."""
    first, last = entry("a", "Update"), entry("b", "Update")
    status = entry("kubectl", "Update", subresource="status")
    taken = takeover([first, OWN, entry("helm", "Update"), status, last])
    assert taken == [first, status, last, OWN]


def test_without_an_own_entry_the_first_match_becomes_ours() -> None:
    """It keeps its place in time, and gets the fields of all further matches."""
    flux = entry("flux", "Update", {"f:a": {}}, time="2026-01-01T00:00:00Z")
    helm = entry("helm", "Update", {"f:b": {}}, time="2027-01-01T00:00:00Z")
    assert takeover([flux, entry("x", "Update"), helm]) == [
        entry("x", "Update"),
        entry("flux-operator", "Apply", {"f:a": {}, "f:b": {}}, time="2026-01-01T00:00:00Z"),
    ]


def test_an_entry_without_fields_is_taken_over_too() -> None:
    """The API server writes some like that."""
    bare = {"manager": "helm", "operation": "Update"}
    assert takeover([bare]) == [{"manager": "flux-operator", "operation": "Apply", "fieldsV1": {}}]


def test_nothing_is_changed_in_place() -> None:
    """The live object stays what the API server said."""
    entries = [entry("helm", "Update", {"f:a": {"f:b": {}}}), copy.deepcopy(OWN)]
    before = copy.deepcopy(entries)
    takeover(entries)
    assert entries == before


def adopted(live: dict[str, Any], managers: list[str] | None = None) -> Any:
    """Apply the patch of an adoption to an object."""
    patch = adoption_patch(live, managers or [])
    return jsonpatch.apply_patch(live, patch)


def test_an_adoption_removes_every_trace_of_former_owners() -> None:
    """And nothing else."""
    live = {
        "kind": "Deployment",
        "metadata": {
            "resourceVersion": "7",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "meta.helm.sh/release-name": "flux2",
                "meta.helm.sh/release-namespace": "flux-system",
                "keep": "me",
            },
            "labels": {
                "kustomize.toolkit.fluxcd.io/name": "flux-system",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                "keep": "me",
            },
            "managedFields": [entry("my-tool", "Update", {"f:spec": {}})],
        },
    }
    before = copy.deepcopy(live)
    assert adopted(live, ["my-tool"]) == {
        "kind": "Deployment",
        "metadata": {
            "resourceVersion": "7",
            "annotations": {"keep": "me"},
            "labels": {"keep": "me"},
            "managedFields": [entry("flux-operator", "Apply", {"f:spec": {}})],
        },
    }
    assert live == before


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"annotations": {"meta.helm.sh/release-name": "x"}}, id="an annotation"),
        pytest.param({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}, id="a label"),
        pytest.param({"managedFields": [entry("helm", "Update")]}, id="a manager"),
    ],
)
def test_each_trace_alone_is_reason_enough(metadata: dict[str, Any]) -> None:
    """The patch holds for exactly the version that was read."""
    patch = adoption_patch({"metadata": {"resourceVersion": "7", **metadata}})
    assert len(patch) == 2
    assert patch[-1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_an_object_of_our_own_needs_no_adoption() -> None:
    """No traces, no patch, no request."""
    live = {"metadata": {"resourceVersion": "7", "labels": {"a": "b"}, "managedFields": [OWN]}}
    assert adoption_patch(live) == []


def test_keys_are_escaped_for_the_patch() -> None:
    """A slash in a key would be a step in the path."""
    live = {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}}
    assert [item["path"] for item in adoption_patch(live)] == [
        "/metadata/labels/kustomize.toolkit.fluxcd.io~1name"
    ]


LEAF: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("first", "second", "united"),
    [
        pytest.param({}, {}, {}, id="nothing"),
        pytest.param({"f:a": LEAF}, {}, {"f:a": LEAF}, id="one side"),
        pytest.param({"f:a": LEAF}, {"f:a": LEAF}, {"f:a": LEAF}, id="the same field"),
        pytest.param(
            {"f:a": LEAF}, {"f:b": LEAF}, {"f:a": LEAF, "f:b": LEAF}, id="different fields"
        ),
        pytest.param(
            {"f:a": {"f:x": LEAF}},
            {"f:a": {"f:y": LEAF}},
            {"f:a": {"f:x": LEAF, "f:y": LEAF}},
            id="sub-fields of one field",
        ),
        pytest.param(
            {"f:a": LEAF},
            {"f:a": {"f:x": LEAF}},
            {"f:a": {".": LEAF, "f:x": LEAF}},
            id="a field and one of its sub-fields",
        ),
        pytest.param(
            {"f:a": {".": LEAF, "f:x": LEAF}},
            {"f:a": LEAF},
            {"f:a": {".": LEAF, "f:x": LEAF}},
            id="a field that is there already",
        ),
        pytest.param(
            {'k:{"name":"a"}': {".": LEAF, "f:name": LEAF}},
            {'k:{"name":"b"}': LEAF, "v:1": LEAF},
            {'k:{"name":"a"}': {".": LEAF, "f:name": LEAF}, 'k:{"name":"b"}': LEAF, "v:1": LEAF},
            id="list items",
        ),
    ],
)
def test_sets_of_fields_are_united(
    first: dict[str, Any], second: dict[str, Any], united: dict[str, Any]
) -> None:
    """In either order."""
    assert unite(first, second) == united
    assert unite(second, first) == united
