# SPDX-License-Identifier: Apache-2.0
"""Namespaces, labels and annotations of the built objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.build.options import Options
from fluxsm.build.resource import Resource


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
        _merge(metadata, "annotations", annotations)
        _merge(metadata, "labels", labels)


def with_owner(options: Options, objects: list[Manifest]) -> list[Manifest]:
    """The objects with the user's metadata and the ownership labels.

    The ownership labels come last: an object that loses them would never be pruned again.
    """
    common = options.spec.common_metadata
    owner = {
        names.OWNER_NAME_LABEL: options.instance.metadata.name,
        names.OWNER_NAMESPACE_LABEL: options.namespace,
    }
    for item in objects:
        metadata = item["metadata"]
        if common is not None:
            _merge(metadata, "annotations", common.annotations or {})
            _merge(metadata, "labels", common.labels or {})
        _merge(metadata, "labels", owner)
    return objects


def _merge(metadata: dict[str, Any], key: str, wanted: Mapping[str, str]) -> None:
    if wanted:
        metadata[key] = {**(metadata.get(key) or {}), **wanted}
