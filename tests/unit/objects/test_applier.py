# SPDX-License-Identifier: Apache-2.0
"""Owners by labels, and the records of former appliers."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.objects.applier import owner_of, stale_managers, strip_patch

INSTANCE = {
    names.MANAGED_BY_LABEL: "flux-operator",
    names.OWNER_NAME_LABEL: "flux",
    names.OWNER_NAMESPACE_LABEL: "flux-system",
}


@pytest.mark.parametrize(
    ("labels", "owner"),
    [
        (INSTANCE, ("FluxInstance", "flux-system", "flux")),
        (
            {"kustomize.toolkit.fluxcd.io/name": "a", "kustomize.toolkit.fluxcd.io/namespace": "b"},
            ("Kustomization", "b", "a"),
        ),
        (
            {"helm.toolkit.fluxcd.io/name": "a", "helm.toolkit.fluxcd.io/namespace": "b"},
            ("HelmRelease", "b", "a"),
        ),
        (
            {
                names.MANAGED_BY_LABEL: "flux-operator",
                "resourceset.fluxcd.controlplane.io/name": "a",
                "resourceset.fluxcd.controlplane.io/namespace": "b",
            },
            ("ResourceSet", "b", "a"),
        ),
        ({"kustomize.toolkit.fluxcd.io/name": "a"}, None),
        ({"kustomize.example.com/name": "a", "kustomize.example.com/namespace": "b"}, None),
        ({}, None),
    ],
)
def test_the_owner_is_read_off_labels(labels: dict[str, str], owner: Any) -> None:
    """Name and namespace; one alone says nothing."""
    assert owner_of({"metadata": {"labels": labels}}) == owner


def record(manager: str, operation: str = "Apply", **more: str) -> dict[str, Any]:
    """A record of ownership."""
    return {"manager": manager, "operation": operation, **more}


def obj(*records: dict[str, Any], kind: str = "ConfigMap") -> dict[str, Any]:
    """An object with records."""
    return {"kind": kind, "metadata": {"managedFields": list(records), "resourceVersion": "7"}}


def test_records_of_others_are_stale() -> None:
    """Those of the applier, of subresources and of people stay."""
    records = [
        record("kustomize-controller"),
        record("helm-controller", "Update"),
        record("helm-controller", "Update", subresource="status"),
        record("flux-operator"),
        record("flux-operator", "Update"),
        record("kubectl"),
    ]
    assert stale_managers(obj(*records), "Kustomization") == ["helm-controller", "flux-operator"]
    kept, version = strip_patch(obj(*records), "Kustomization")
    assert kept["value"] == [records[0], records[2], records[4], records[5]]
    assert version["value"] == "7"


def test_a_release_is_written_by_its_own_controller() -> None:
    """Whoever has applied it."""
    update = record("helm-controller", "Update")
    assert stale_managers(obj(update, kind="HelmRelease"), "Kustomization") == []
    assert stale_managers(obj(update), "Kustomization") == ["helm-controller"]


def test_where_nothing_is_left_there_is_one_empty_record() -> None:
    """An empty list would leave the records as they are."""
    patch = strip_patch(obj(record("helm-controller")), "FluxInstance")
    assert patch[0]["value"] == [{}]
