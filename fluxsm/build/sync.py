# SPDX-License-Identifier: Apache-2.0
"""The source and the Kustomization that sync the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fluxsm.api import duration
from fluxsm.api.instance import Sync
from fluxsm.build.options import Options
from fluxsm.build.resource import Resource
from fluxsm.build.validation.custom import check_custom, schemas
from fluxsm.build.validation.finding import Finding, Path

_SOURCE_GROUP = "source.toolkit.fluxcd.io"

# Fields of the objects, and those of .spec.sync that they are written from.
_FIELDS: Final[dict[Path, str]] = {
    ("spec", "url"): "url",
    ("spec", "endpoint"): "url",
    ("spec", "ref", "name"): "ref",
    ("spec", "ref", "tag"): "ref",
    ("spec", "bucketName"): "ref",
    ("spec", "interval"): "interval",
    ("spec", "path"): "path",
    ("spec", "provider"): "provider",
    ("spec", "secretRef", "name"): "pullSecret",
}


def load_sync(options: Options) -> list[Resource]:
    """The Kustomization and its source, if a sync is wanted."""
    sync = options.spec.sync
    if sync is None:
        return []
    metadata = {"name": sync.name or options.namespace, "namespace": options.namespace}
    source = {
        "apiVersion": f"{_SOURCE_GROUP}/{_source_version(sync, options)}",
        "kind": sync.kind,
        "metadata": dict(metadata),
        "spec": _source_spec(sync),
    }
    kustomization = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": dict(metadata),
        "spec": {
            "interval": "10m0s",
            "path": sync.path,
            "prune": True,
            "sourceRef": {"kind": sync.kind, "name": metadata["name"]},
        },
    }
    return [Resource.of(source), Resource.of(kustomization)]


def _source_version(sync: Sync, options: Options) -> str:
    """OCIRepository and Bucket became v1 in Flux 2.6."""
    return "v1" if sync.kind == "GitRepository" or options.is_at_least("2.6.0") else "v1beta2"


def _source_spec(sync: Sync) -> dict[str, Any]:
    spec: dict[str, Any] = {"interval": duration.format(sync.interval_duration)}
    match sync.kind:
        case "GitRepository":
            spec |= {"url": sync.url, "ref": {"name": sync.ref}}
        case "OCIRepository":
            spec |= {"url": sync.url, "ref": {"tag": sync.ref}}
        case "Bucket":
            spec |= {"endpoint": sync.url, "bucketName": sync.ref}
    if sync.pull_secret:
        spec["secretRef"] = {"name": sync.pull_secret}
    if sync.provider:
        spec["provider"] = sync.provider
    return spec


def check_sync(options: Options, resources: list[Resource]) -> Iterator[str]:
    """What the CRDs that are built do not admit in the sync objects, one line for each finding."""
    if options.spec.sync is None:
        return
    known = schemas(item.manifest for item in resources)
    for item in resources:
        for finding in check_custom(item.manifest, known):
            yield _explain(finding, item, options)


def _explain(finding: Finding, item: Resource, options: Options) -> str:
    """The field of the sync where there is one, else the object."""
    field = _FIELDS.get(finding.path)
    if field is not None and finding.text.startswith("is not a field"):
        return f".spec.sync.{field} is not known to the {item.kind} of Flux {options.version}"
    if field is not None:
        return f".spec.sync.{field} {finding.text}"
    return f".spec.sync: {item.kind}/{item.name}: {finding}"
