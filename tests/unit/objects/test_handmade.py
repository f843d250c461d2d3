# SPDX-License-Identifier: Apache-2.0
"""What stays of that which people add by hand, and what is taken over and named."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.objects import handmade, ownership

PATCHED: dict[str, Any] = {
    "f:spec": {"f:template": {"f:metadata": {"f:labels": {"f:patched": {}}}}}
}
RESTARTED: dict[str, Any] = {
    "f:spec": {
        "f:template": {
            "f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}
        }
    }
}
SUSPENDED: dict[str, Any] = {"f:spec": {"f:suspend": {}}}
LABELLED: dict[str, Any] = {"f:metadata": {"f:labels": {"f:team": {}}}}


def live(kind: str, manager: str, fields: dict[str, Any], api_version: str = "apps/v1") -> Any:
    """An object of ours with a record of somebody else."""
    own = {"manager": "flux-operator", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}}}}
    other = {"manager": manager, "operation": "Update", "fieldsV1": fields}
    metadata = {"name": "one", "namespace": "apps", "managedFields": [own, other]}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


KUSTOMIZE = "kustomize.toolkit.fluxcd.io/v1"


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param(live("Deployment", "kubectl-rollout", RESTARTED), id="rollout restart"),
        pytest.param(live("Kustomization", "flux", SUSPENDED, KUSTOMIZE), id="flux suspend"),
        pytest.param(live("Namespace", "kubectl-label", LABELLED, "v1"), id="kubectl label ns"),
        pytest.param(
            live(
                "Deployment",
                "kubectl-annotate",
                {"f:metadata": {"f:annotations": {"f:fluxcd.controlplane.io/reconcile": {}}}},
            ),
            id="an opt-out",
        ),
    ],
)
def test_what_stays(obj: Any) -> None:
    """Nobody takes it over, so nothing is written and nothing named."""
    assert ownership.adoption_patch(obj) == []
    assert ownership.former_records(obj) == []


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (
            live("Deployment", "kubectl-patch", PATCHED),
            "spec.template.metadata.labels.patched added by kubectl-patch",
        ),
        (
            live("Kustomization", "kubectl-edit", LABELLED, KUSTOMIZE),
            "metadata.labels.team added by kubectl-edit",
        ),
        (
            live(
                "Deployment",
                "helm",
                {"f:spec": {"f:containers": {'k:{"name":"manager"}': {".": {}, "f:tty": {}}}}},
            ),
            "spec.containers[name=manager].tty added by helm",
        ),
    ],
)
def test_what_is_taken_over(obj: Any, said: str) -> None:
    """It is named with its manager."""
    found = handmade.added(obj, ownership.former_records(obj))
    assert [str(item) for item in found] == [said]


def test_a_record_is_divided() -> None:
    """What stays keeps its manager; the rest becomes ours."""
    obj = live("Deployment", "kubectl-edit", {"f:spec": {**PATCHED["f:spec"], "f:tty": {}}})
    both = ownership.unite(RESTARTED, {"f:spec": {"f:tty": {}}})
    obj["metadata"]["managedFields"][1]["fieldsV1"] = both
    (operation,) = ownership.adoption_patch(obj)
    kept, own = operation["value"]
    assert (kept["manager"], kept["fieldsV1"]) == ("kubectl-edit", RESTARTED)
    assert own["fieldsV1"] == {"f:spec": {"f:a": {}, "f:tty": {}}}


def test_our_own_patches_are_taken_over_and_not_named() -> None:
    """A field that the operator once patched must not outlive the reason."""
    obj = live("Deployment", "flux-operator", PATCHED)
    assert ownership.adoption_patch(obj) != []
    assert handmade.added(obj, ownership.former_records(obj)) == []
