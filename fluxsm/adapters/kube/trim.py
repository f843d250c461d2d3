# SPDX-License-Identifier: Apache-2.0
"""Keep of an object only what the rules look at, so that memory does not grow with the cluster."""

from __future__ import annotations

from typing import Any, Final

from fluxsm.api.objects import Manifest
from fluxsm.objects import immutable

METADATA_ONLY: Final = frozenset(
    {
        "ClusterRole",
        "ConfigMap",
        "Namespace",
        "NetworkPolicy",
        "ResourceQuota",
        "Role",
        "Secret",
        "ServiceAccount",
    }
)
"""Kinds whose health and drift can be read from their metadata."""

_SPEC_FIELDS: Final = frozenset(
    {
        "replicas",
        "selector",
        "progressDeadlineSeconds",
        "updateStrategy",
        "suspend",
        *(path[1] for paths in immutable.FIELDS.values() for path in paths if path[0] == "spec"),
        "resources",
    }
)
"""What health rules read, and what cannot be changed; `resources` is that of a claim."""


def trim(manifest: Manifest) -> Manifest:
    """A small copy of an object: metadata, status, and what rules read of the spec.

    Of `managedFields`, what concerns the status is left out: nobody asks who wrote that.
    """
    metadata = dict(manifest.get("metadata") or {})
    fields = metadata.get("managedFields")
    if fields:
        metadata["managedFields"] = [entry for entry in fields if not entry.get("subresource")]
    kept: Manifest = {key: manifest[key] for key in ("apiVersion", "kind") if key in manifest}
    kept["metadata"] = metadata
    if manifest.get("kind") in METADATA_ONLY:
        return kept
    kept |= {key: manifest[key] for key in ("roleRef", "status") if key in manifest}
    spec = manifest.get("spec")
    if isinstance(spec, dict):
        kept["spec"] = _trim_spec(str(manifest.get("kind")), spec)
    return kept


def _trim_spec(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    if kind != "CustomResourceDefinition":
        return {key: value for key, value in spec.items() if key in _SPEC_FIELDS}
    versions = [
        {key: version.get(key) for key in ("name", "served", "storage")}
        for version in spec.get("versions") or []
    ]
    return {key: spec.get(key) for key in ("group", "names", "scope")} | {"versions": versions}
