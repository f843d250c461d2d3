# SPDX-License-Identifier: Apache-2.0
"""Who has applied an object: the labels of appliers, and the records that former ones left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fluxsm.api import names
from fluxsm.objects import manifest

MANAGERS: Final[Mapping[str, str]] = {
    "HelmRelease": "helm-controller",
    "Kustomization": "kustomize-controller",
    "ResourceSet": names.MANAGER,
    names.INSTANCE_KIND: names.MANAGER,
}
"""The field manager of each kind that applies objects."""

_STALE: Final = (
    ("kustomize-controller", "Apply"),
    ("helm-controller", "Apply"),
    ("helm-controller", "Update"),
    (names.MANAGER, "Apply"),
)
_UPDATES_ITSELF: Final = ("HelmRelease", ("helm-controller", "Update"))
"""Of this kind the controller writes fields of its own, such as finalizers."""

_PREFIXES: Final[Mapping[str, str]] = {
    "kustomize": "Kustomization",
    "helm": "HelmRelease",
    "resourceset": "ResourceSet",
}


def owner_of(obj: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Kind, namespace and name of the object of Flux that manages an object, by its labels.

    None where they say nothing, or not all of it.

    Raises:
        MalformedError: the labels are no mapping.
    """
    labels = manifest.labels_of(obj)
    if labels.get(names.MANAGED_BY_LABEL) == names.MANAGER and names.OWNER_NAME_LABEL in labels:
        namespace = labels.get(names.OWNER_NAMESPACE_LABEL, "")
        name = labels[names.OWNER_NAME_LABEL]
        return (names.INSTANCE_KIND, namespace, name) if name and namespace else None
    for prefix, kind in _PREFIXES.items():
        found = {
            key.rpartition("/")[2]: value
            for key, value in labels.items()
            if "fluxcd." in key and key.split(".")[0] == prefix
        }
        if found.get("name") and found.get("namespace"):
            return kind, found["namespace"], found["name"]
    return None


def stale_managers(obj: Mapping[str, Any], applier: str) -> list[str]:
    """The former appliers that still own fields of an object, each once.

    Args:
        obj: the object, at least its metadata.
        applier: the kind that applies it now.

    Raises:
        MalformedError: its records are not of their form.
    """
    records = manifest.managed_fields_of(obj)
    found = (manifest.text(item, "manager") for item in records if _is_stale(item, obj, applier))
    return list(dict.fromkeys(found))


def strip_patch(obj: Mapping[str, Any], applier: str) -> list[dict[str, Any]]:
    """The JSON patch that takes the records of former appliers off an object.

    It holds only for the version that was read. Where no record would remain an empty one is
    written, by which the API server understands that there is none.

    Args:
        obj: the object, at least its metadata.
        applier: the kind that applies it now.

    Raises:
        MalformedError: its records are not of their form.
    """
    records = manifest.managed_fields_of(obj)
    kept = [dict(item) for item in records if not _is_stale(item, obj, applier)]
    version = manifest.text(obj, "metadata", "resourceVersion")
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": kept or [{}]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _is_stale(record: Mapping[str, Any], obj: Mapping[str, Any], applier: str) -> bool:
    key = (manifest.text(record, "manager"), manifest.text(record, "operation"))
    if record.get("subresource") or (str(obj.get("kind")), key) == _UPDATES_ITSELF:
        return False
    return key in _STALE and key[0] != MANAGERS[applier]
