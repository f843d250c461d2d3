# SPDX-License-Identifier: Apache-2.0
"""Namespaces, labels and annotations of the built objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.build.options import Options
from fluxsm.build.resource import Resource
from fluxsm.errors import BuildError


def set_namespaces(options: Options, resources: list[Resource]) -> None:
    """Put every object that can be in a namespace into that of the instance."""
    for item in resources:
        metadata = item.manifest["metadata"]
        if item.kind == "Namespace":
            metadata["name"] = options.namespace
        if item.cluster_scoped:
            metadata.pop("namespace", None)
        else:
            metadata["namespace"] = options.namespace
        for subject in item.manifest.get("subjects") or []:
            if subject.get("kind") == "ServiceAccount" and subject.get("name") == "default":
                subject["namespace"] = options.namespace


def set_common_metadata(options: Options, resources: list[Resource]) -> None:
    """The marks that tell other tools whose objects these are."""
    annotations = {names.KUSTOMIZE_PRUNE: "Disabled", names.KUSTOMIZE_SSA: "Ignore"}
    labels = {
        names.MANAGED_BY_LABEL: names.MANAGER,
        names.INSTANCE_LABEL: options.namespace,
        names.VERSION_LABEL: options.version_name,
        names.PART_OF_LABEL: "flux",
    }
    for item in resources:
        metadata = item.manifest["metadata"]
        metadata["annotations"] = _texts(item, "annotations") | annotations
        metadata["labels"] = _texts(item, "labels") | labels


def _texts(item: Resource, key: str) -> dict[str, str]:
    """Labels or annotations as text, where a patch wrote numbers or booleans.

    Raises:
        BuildError: a value is neither.
    """
    found: dict[str, str] = {}
    for name, value in (item.manifest["metadata"].get(key) or {}).items():
        if isinstance(value, dict | list):
            raise BuildError(f"{item.kind}/{item.name}: metadata.{key}.{name} is not text")
        if value is not None:
            found[name] = value if isinstance(value, str) else json.dumps(value)
    return found


def with_owner(options: Options, objects: list[Manifest]) -> list[Manifest]:
    """The objects with the user's metadata and the ownership labels.

    The ownership labels come last: an object that loses them would never be pruned again.
    """
    common = options.spec.common_metadata
    owner = _owner_labels(options)
    for item in objects:
        metadata = item["metadata"]
        if common is not None:
            _merge(metadata, "annotations", common.annotations or {})
            _merge(metadata, "labels", common.labels or {})
        _merge(metadata, "labels", owner)
    return objects


def owner_warnings(options: Options) -> list[str]:
    """What of the user's metadata has no effect."""
    common = options.spec.common_metadata
    asked = (common.labels if common else None) or {}
    return [
        f".spec.commonMetadata.labels: {label} marks who owns an object and cannot be changed"
        for label, value in _owner_labels(options).items()
        if asked.get(label, value) != value
    ]


def _owner_labels(options: Options) -> dict[str, str]:
    return {
        names.OWNER_NAME_LABEL: options.instance.metadata.name,
        names.OWNER_NAMESPACE_LABEL: options.namespace,
    }


def _merge(metadata: dict[str, Any], key: str, wanted: Mapping[str, str]) -> None:
    if wanted:
        metadata[key] = {**(metadata.get(key) or {}), **wanted}
