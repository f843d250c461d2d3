# SPDX-License-Identifier: Apache-2.0
"""The CRDs say what the API promises, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api.crd import instance_crd, report_crd

INSTANCE = instance_crd()
REPORT = report_crd()


def version(crd: dict[str, Any]) -> dict[str, Any]:
    """The only version of a CRD."""
    (only,) = crd["spec"]["versions"]
    found: dict[str, Any] = only
    return found


def at(crd: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema of a field; `[]` steps into the items of a list, the empty path is the root."""
    node: dict[str, Any] = version(crd)["schema"]["openAPIV3Schema"]
    for name in path.split(".") if path else []:
        node = node["properties"][name.removesuffix("[]")]
        if name.endswith("[]"):
            node = node["items"]
    return node


def fields(node: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """The type of every field below a schema, by path."""
    found: dict[str, str] = {}
    for name, child in node.get("properties", {}).items():
        path = f"{prefix}{name}"
        found[path] = child["type"]
        if child["type"] == "array":
            found[f"{path}[]"] = child["items"]["type"]
            found |= fields(child["items"], f"{path}[].")
        elif "additionalProperties" in child:
            found[path] = f"map of {child['additionalProperties']['type']}"
        else:
            found |= fields(child, f"{path}.")
    return found


SPEC = {
    "distribution": "object",
    "distribution.version": "string",
    "distribution.registry": "string",
    "distribution.variant": "string",
    "distribution.imagePullSecret": "string",
    "distribution.artifact": "string",
    "distribution.artifactPullSecret": "string",
    "components": "array",
    "components[]": "string",
    "commonMetadata": "object",
    "commonMetadata.annotations": "map of string",
    "commonMetadata.labels": "map of string",
    "cluster": "object",
    "cluster.type": "string",
    "cluster.size": "string",
    "cluster.domain": "string",
    "cluster.multitenant": "boolean",
    "cluster.multitenantWorkloadIdentity": "boolean",
    "cluster.objectLevelWorkloadIdentity": "boolean",
    "cluster.tenantDefaultServiceAccount": "string",
    "cluster.tenantDefaultDecryptionServiceAccount": "string",
    "cluster.tenantDefaultKubeConfigServiceAccount": "string",
    "cluster.networkPolicy": "boolean",
    "sharding": "object",
    "sharding.key": "string",
    "sharding.shards": "array",
    "sharding.shards[]": "string",
    "sharding.storage": "string",
    "storage": "object",
    "storage.class": "string",
    "storage.size": "string",
    "kustomize": "object",
    "kustomize.patches": "array",
    "kustomize.patches[]": "object",
    "kustomize.patches[].patch": "string",
    "kustomize.patches[].target": "object",
    "kustomize.patches[].target.group": "string",
    "kustomize.patches[].target.version": "string",
    "kustomize.patches[].target.kind": "string",
    "kustomize.patches[].target.name": "string",
    "kustomize.patches[].target.namespace": "string",
    "kustomize.patches[].target.labelSelector": "string",
    "kustomize.patches[].target.annotationSelector": "string",
    "wait": "boolean",
    "migrateResources": "boolean",
    "sync": "object",
    "sync.name": "string",
    "sync.interval": "string",
    "sync.kind": "string",
    "sync.url": "string",
    "sync.ref": "string",
    "sync.path": "string",
    "sync.pullSecret": "string",
    "sync.provider": "string",
}
STATUS = {
    "conditions": "array",
    "conditions[]": "object",
    "conditions[].type": "string",
    "conditions[].status": "string",
    "conditions[].reason": "string",
    "conditions[].message": "string",
    "conditions[].lastTransitionTime": "string",
    "conditions[].observedGeneration": "integer",
    "state": "string",
    "stateSince": "string",
    "lastTransition": "object",
    "lastTransition.from": "string",
    "lastTransition.event": "string",
    "lastTransition.guard": "string",
    "nextTransition": "object",
    "nextTransition.event": "string",
    "nextTransition.at": "string",
    "nextTransition.every": "string",
    "lastAttemptedRevision": "string",
    "lastAppliedRevision": "string",
    "lastArtifactRevision": "string",
    "lastHandledReconcileAt": "string",
    "lastHandledForceAt": "string",
    "components": "array",
    "components[]": "object",
    "components[].name": "string",
    "components[].repository": "string",
    "components[].tag": "string",
    "components[].digest": "string",
    "inventory": "object",
    "inventory.entries": "array",
    "inventory.entries[]": "object",
    "inventory.entries[].id": "string",
    "inventory.entries[].v": "string",
    "history": "array",
    "history[]": "object",
    "history[].digest": "string",
    "history[].firstReconciled": "string",
    "history[].lastReconciled": "string",
    "history[].lastReconciledDuration": "string",
    "history[].lastReconciledStatus": "string",
    "history[].totalReconciliations": "integer",
    "history[].metadata": "map of string",
}
REPORT_SPEC = {
    "distribution": "object",
    "distribution.entitlement": "string",
    "distribution.status": "string",
    "distribution.version": "string",
    "distribution.managedBy": "string",
    "cluster": "object",
    "cluster.serverVersion": "string",
    "cluster.platform": "string",
    "cluster.nodes": "integer",
    "operator": "object",
    "operator.apiVersion": "string",
    "operator.version": "string",
    "operator.platform": "string",
    "components": "array",
    "components[]": "object",
    "components[].name": "string",
    "components[].ready": "boolean",
    "components[].status": "string",
    "components[].image": "string",
    "reconcilers": "array",
    "reconcilers[]": "object",
    "reconcilers[].apiVersion": "string",
    "reconcilers[].kind": "string",
    "reconcilers[].stats": "object",
    "reconcilers[].stats.running": "integer",
    "reconcilers[].stats.failing": "integer",
    "reconcilers[].stats.suspended": "integer",
    "reconcilers[].stats.totalSize": "string",
    "sync": "object",
    "sync.id": "string",
    "sync.ready": "boolean",
    "sync.status": "string",
    "sync.path": "string",
    "sync.source": "string",
}
REQUIRED = {
    "": [],
    "spec": ["distribution"],
    "spec.distribution": ["registry", "version"],
    "spec.sharding": ["shards"],
    "spec.storage": ["class", "size"],
    "spec.kustomize.patches[]": ["patch"],
    "spec.kustomize.patches[].target": [],
    "spec.sync": ["kind", "path", "ref", "url"],
    "spec.cluster": [],
    "status": [],
    "status.conditions[]": ["lastTransitionTime", "message", "reason", "status", "type"],
    "status.lastTransition": ["event", "from"],
    "status.nextTransition": ["event"],
    "status.components[]": ["name", "repository", "tag"],
    "status.inventory": ["entries"],
    "status.inventory.entries[]": ["id", "v"],
    "status.history[]": [
        "digest",
        "firstReconciled",
        "lastReconciled",
        "lastReconciledDuration",
        "lastReconciledStatus",
        "totalReconciliations",
    ],
}
DEFAULTS = {
    "spec.cluster.type": "kubernetes",
    "spec.cluster.domain": "cluster.local",
    "spec.cluster.multitenant": False,
    "spec.cluster.multitenantWorkloadIdentity": False,
    "spec.cluster.networkPolicy": True,
    "spec.sharding.key": "sharding.fluxcd.io/key",
    "spec.wait": True,
    "spec.migrateResources": True,
    "spec.sync.interval": "1m",
}
VARIANTS = ["upstream-alpine", "enterprise-alpine"]
VARIANTS += ["enterprise-distroless", "enterprise-distroless-fips"]
ENUMS = {
    "spec.distribution.variant": VARIANTS,
    "spec.components[]": [
        "source-controller",
        "kustomize-controller",
        "helm-controller",
        "notification-controller",
        "image-reflector-controller",
        "image-automation-controller",
        "source-watcher",
    ],
    "spec.cluster.type": ["kubernetes", "openshift", "aws", "azure", "gcp"],
    "spec.cluster.size": ["small", "medium", "large"],
    "spec.sharding.storage": ["ephemeral", "persistent"],
    "spec.sync.kind": ["OCIRepository", "GitRepository", "Bucket"],
    "spec.sync.provider": ["generic", "aws", "azure", "gcp", "github"],
    "status.conditions[].status": ["True", "False", "Unknown"],
}
LIMITS = {
    "spec.distribution.artifact": {"pattern": "^oci://.*$"},
    "spec.sharding.shards": {"minItems": 1},
    "spec.sync.name": {"maxLength": 63},
    "spec.sync.interval": {"pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"},
    "status.conditions[].type": {
        "maxLength": 316,
        "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
        r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
    },
    "status.conditions[].reason": {
        "minLength": 1,
        "maxLength": 1024,
        "pattern": r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
    },
    "status.conditions[].message": {"maxLength": 32768},
    "status.conditions[].lastTransitionTime": {"format": "date-time"},
    "status.conditions[].observedGeneration": {"format": "int64", "minimum": 0},
    "status.history[].firstReconciled": {"format": "date-time"},
    "status.history[].lastReconciled": {"format": "date-time"},
    "status.history[].totalReconciliations": {"format": "int64"},
    "status.stateSince": {"format": "date-time"},
    "status.nextTransition.at": {"format": "date-time"},
}
LIMIT_KEYS = {"pattern", "format", "minLength", "maxLength", "minItems", "maxItems", "minimum"}
READY = '.status.conditions[?(@.type=="Ready")]'


def every_schema(node: dict[str, Any], path: str = "") -> dict[str, dict[str, Any]]:
    """All schemas below one, by path as in `at`."""
    found = {path: node}
    for name, child in node.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        found |= every_schema(child, inner)
        if "items" in child:
            found |= every_schema(child["items"], f"{inner}[]")
    return found


SCHEMAS = every_schema(at(INSTANCE, ""))
SCHEMAS = {
    path: node for path, node in SCHEMAS.items() if path.split(".")[0] in {"", "spec", "status"}
}


@pytest.mark.parametrize(
    ("crd", "path", "wanted"),
    [
        pytest.param(INSTANCE, "spec", SPEC, id="FluxInstance spec"),
        pytest.param(INSTANCE, "status", STATUS, id="FluxInstance status"),
        pytest.param(REPORT, "spec", REPORT_SPEC, id="FluxReport spec"),
    ],
)
def test_every_field_is_there_with_its_type(
    crd: dict[str, Any], path: str, wanted: dict[str, str]
) -> None:
    """No field is missing, none is too many."""
    assert fields(at(crd, path)) == wanted


@pytest.mark.parametrize("path", REQUIRED, ids=lambda path: path or "root")
def test_required_fields(path: str) -> None:
    """What must be given, and nothing else, is required."""
    assert at(INSTANCE, path).get("required", []) == REQUIRED[path]


def test_defaults_are_these_and_no_others() -> None:
    """A default that the reference does not have would show up in every stored object."""
    found = {path: node["default"] for path, node in SCHEMAS.items() if "default" in node}
    assert found == DEFAULTS


def test_enums_are_these_and_no_others() -> None:
    """Every closed set of values is that of the API."""
    assert {path: node["enum"] for path, node in SCHEMAS.items() if "enum" in node} == ENUMS


def test_limits_are_these_and_no_others() -> None:
    """A stricter schema would refuse objects that the reference has stored."""
    found = {
        path: {key: node[key] for key in node.keys() & LIMIT_KEYS}
        for path, node in SCHEMAS.items()
        if node.keys() & LIMIT_KEYS
    }
    assert found == LIMITS


@pytest.mark.parametrize("crd", [INSTANCE, REPORT], ids=["FluxInstance", "FluxReport"])
def test_every_field_is_described(crd: dict[str, Any]) -> None:
    """`kubectl explain` has something to say about each field."""
    bare = [
        path
        for path, node in every_schema(at(crd, "")).items()
        if path.split(".")[0] in {"spec", "status"}
        and not path.endswith("[]")
        and not node.get("description")
    ]
    assert bare == []


def test_the_instance_is_named_as_in_the_reference() -> None:
    """Group, version, names, categories and scope are the contract."""
    spec = INSTANCE["spec"]
    assert INSTANCE["metadata"]["name"] == "fluxinstances.fluxcd.controlplane.io"
    assert spec["group"] == "fluxcd.controlplane.io"
    assert spec["scope"] == "Namespaced"
    assert spec["names"] == {
        "kind": "FluxInstance",
        "listKind": "FluxInstanceList",
        "plural": "fluxinstances",
        "singular": "fluxinstance",
        "categories": ["fluxcd", "fluxcd-appliers"],
    }
    only = version(INSTANCE)
    assert (only["name"], only["served"], only["storage"]) == ("v1", True, True)
    assert only["subresources"] == {"status": {}}


def test_the_report_is_named_as_in_the_reference() -> None:
    """The same for the FluxReport."""
    spec = REPORT["spec"]
    assert REPORT["metadata"]["name"] == "fluxreports.fluxcd.controlplane.io"
    assert spec["names"] == {
        "kind": "FluxReport",
        "listKind": "FluxReportList",
        "plural": "fluxreports",
        "singular": "fluxreport",
        "categories": ["fluxcd"],
    }
    assert version(REPORT)["subresources"] == {"status": {}}


def test_the_instance_columns_are_those_of_the_reference_and_the_state_when_wide() -> None:
    """`kubectl get fluxinstance` shows AGE READY STATUS REVISION."""
    columns = version(INSTANCE)["additionalPrinterColumns"]
    shown = [
        (item["name"], item["type"], item["jsonPath"], item.get("priority", 0)) for item in columns
    ]
    assert shown == [
        ("Age", "date", ".metadata.creationTimestamp", 0),
        ("Ready", "string", f"{READY}.status", 0),
        ("Status", "string", f"{READY}.message", 0),
        ("Revision", "string", ".status.lastAttemptedRevision", 0),
        ("State", "string", ".status.state", 1),
    ]


def test_the_report_columns_are_those_of_the_reference() -> None:
    """Entitlement shows only when wide."""
    columns = version(REPORT)["additionalPrinterColumns"]
    shown = [
        (item["name"], item["type"], item["jsonPath"], item.get("priority", 0)) for item in columns
    ]
    assert shown == [
        ("Entitlement", "string", ".spec.distribution.entitlement", 10),
        ("Age", "date", ".metadata.creationTimestamp", 0),
        ("Ready", "string", f"{READY}.status", 0),
        ("Status", "string", f"{READY}.message", 0),
        ("LastUpdated", "string", f"{READY}.lastTransitionTime", 0),
    ]


def test_rules_stand_where_they_belong() -> None:
    """C1 at the root, C2 at the spec, C3 at the cluster, C4 and C5 at the sync, C6 at its name."""
    key = "x-kubernetes-validations"
    assert {path: len(node[key]) for path, node in SCHEMAS.items() if key in node} == {
        "": 1,
        "spec": 1,
        "spec.cluster": 1,
        "spec.sync": 2,
        "spec.sync.name": 1,
    }


def test_conditions_merge_by_type() -> None:
    """Two programs that apply conditions do not drop each other's."""
    node = at(INSTANCE, "status.conditions")
    assert node["x-kubernetes-list-type"] == "map"
    assert node["x-kubernetes-list-map-keys"] == ["type"]
