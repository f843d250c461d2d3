# SPDX-License-Identifier: Apache-2.0
"""The CRDs, made from the models, so that the two cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.instance import Cluster, Spec, Sync
from fluxsm.api.objects import Manifest
from fluxsm.api.report import ReportSpec, ReportStatus
from fluxsm.api.status import Status

_READY: Final = '.status.conditions[?(@.type=="Ready")]'

# Rules that a schema cannot say, by the model that they are about.
_RULES: Final[Mapping[str, list[dict[str, str]]]] = {
    Spec.__name__: [
        {
            "rule": "!has(self.sharding) || !has(self.sharding.storage)"
            " || self.sharding.storage != 'persistent' || has(self.storage)",
            "message": ".spec.storage must be set when .spec.sharding.storage is 'persistent'",
        }
    ],
    Cluster.__name__: [
        {
            "rule": "!has(self.multitenantWorkloadIdentity) || !self.multitenantWorkloadIdentity"
            " || (has(self.objectLevelWorkloadIdentity) && self.objectLevelWorkloadIdentity)",
            "message": ".objectLevelWorkloadIdentity must be true when"
            " .multitenantWorkloadIdentity is true",
        }
    ],
    Sync.__name__: [
        {
            "rule": "!has(self.provider) || self.provider != 'gcp'"
            " || self.kind in ['OCIRepository', 'Bucket']",
            "message": "sync.provider 'gcp' is only supported for OCIRepository and Bucket",
        },
        {
            "rule": "!has(self.provider) || self.provider != 'github'"
            " || self.kind == 'GitRepository'",
            "message": "sync.provider 'github' is only supported for GitRepository",
        },
    ],
}
_FIELD_RULES: Final[Mapping[tuple[str, str], list[dict[str, str]]]] = {
    (Sync.__name__, "name"): [{"rule": "self == oldSelf", "message": "sync.name is immutable"}],
}
# Fields of the status that are lists of items with a key.
_LIST_KEYS: Final = {"conditions": ["type"]}


def instance_crd() -> Manifest:
    """The CRD of FluxInstance."""
    columns = [
        _column("Age", "date", ".metadata.creationTimestamp"),
        _column("Ready", "string", f"{_READY}.status"),
        _column("Status", "string", f"{_READY}.message"),
        _column("Revision", "string", ".status.lastAttemptedRevision"),
        _column("State", "string", ".status.state", priority=1),
    ]
    schema = {
        "description": "The one Flux installation of a cluster: what is wanted and what was found.",
        "properties": {"spec": _object(Spec), "status": _object(Status)},
    }
    return _crd(
        names.INSTANCE_KIND, names.INSTANCE_PLURAL, ["fluxcd", "fluxcd-appliers"], columns, schema
    )


def report_crd() -> Manifest:
    """The CRD of FluxReport."""
    columns = [
        _column("Entitlement", "string", ".spec.distribution.entitlement", priority=10),
        _column("Age", "date", ".metadata.creationTimestamp"),
        _column("Ready", "string", f"{_READY}.status"),
        _column("Status", "string", f"{_READY}.message"),
        _column("LastUpdated", "string", f"{_READY}.lastTransitionTime"),
    ]
    schema = {
        "description": "What the operator observes of Flux in the cluster.",
        "properties": {"spec": _object(ReportSpec), "status": _object(ReportStatus)},
    }
    return _crd(names.REPORT_KIND, names.REPORT_PLURAL, ["fluxcd"], columns, schema)


def _crd(
    kind: str,
    plural: str,
    categories: list[str],
    columns: list[dict[str, Any]],
    schema: dict[str, Any],
) -> Manifest:
    root = {
        "type": "object",
        **schema,
        "x-kubernetes-validations": [
            {
                "rule": f"self.metadata.name == '{names.SINGLETON}'",
                "message": f"the only accepted name for a {kind} is '{names.SINGLETON}'",
            }
        ],
    }
    root["properties"] = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        **schema["properties"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{names.GROUP}",
            "labels": {"app.kubernetes.io/name": names.MANAGER},
        },
        "spec": {
            "group": names.GROUP,
            "names": {
                "categories": categories,
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                    "schema": {"openAPIV3Schema": root},
                }
            ],
        },
    }


def _column(name: str, type_: str, path: str, *, priority: int = 0) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": type_, "jsonPath": path}
    return column | ({"priority": priority} if priority else {})


def _object(model: Any) -> dict[str, Any]:
    """The structural schema of a model."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    return _structural(schema, definitions, model.__name__)


def _structural(node: Any, definitions: Mapping[str, Any], model: str = "") -> dict[str, Any]:
    """A JSON schema as Kubernetes wants it: no references, no unions with null, no titles."""
    node, model = _resolved(dict(node), definitions, model)
    kept = {
        key: node[key]
        for key in (
            "type", "description", "enum", "pattern", "format", "default",
            "minLength", "maxLength", "minItems", "minimum",
        )
        if key in node and not (key == "default" and node[key] in (None, {}, []))
    }  # fmt: skip
    if "properties" in node:
        kept["properties"] = {
            name: _with_rules(_structural(child, definitions), model, name)
            for name, child in sorted(node["properties"].items())
        }
        if node.get("required"):
            kept["required"] = sorted(node["required"])
    elif isinstance(node.get("additionalProperties"), dict):
        kept["additionalProperties"] = _structural(node["additionalProperties"], definitions)
    if "items" in node:
        kept["items"] = _structural(node["items"], definitions)
    if model in _RULES:
        kept["x-kubernetes-validations"] = _RULES[model]
    return kept


def _resolved(
    node: dict[str, Any], definitions: Mapping[str, Any], model: str
) -> tuple[dict[str, Any], str]:
    """Follow references and drop the null alternative; what stands beside them wins."""
    if "anyOf" in node:
        (choice,) = [item for item in node.pop("anyOf") if item.get("type") != "null"]
        node = {**choice, **node}
    if "$ref" in node:
        model = node.pop("$ref").rpartition("/")[2]
        target = dict(definitions[model])
        described = node.get("description") or target.get("description")
        node = {**target, **node, "description": described}
        return _resolved(node, definitions, model)
    if "const" in node:
        node["enum"] = [node.pop("const")]
    return node, model


def _with_rules(schema: dict[str, Any], model: str, name: str) -> dict[str, Any]:
    if (model, name) in _FIELD_RULES:
        schema["x-kubernetes-validations"] = _FIELD_RULES[model, name]
    if name in _LIST_KEYS and schema.get("type") == "array":
        schema["x-kubernetes-list-type"] = "map"
        schema["x-kubernetes-list-map-keys"] = _LIST_KEYS[name]
    return schema
