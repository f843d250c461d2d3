# SPDX-License-Identifier: Apache-2.0
"""References between built objects follow when the object that they name is renamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fluxsm.build.pod import pod_spec
from fluxsm.build.resource import Resource, deployments

_Names = dict[tuple[str, str], str]


def repair_references(resources: list[Resource]) -> None:
    """Let roleRefs, service accounts, subjects and claims follow the current names."""
    renamed = _renamed(resources)
    for item in resources:
        role = item.manifest.get("roleRef")
        if isinstance(role, dict):
            _follow(role, "name", str(role.get("kind")), renamed)
        for subject in item.manifest.get("subjects") or []:
            if subject.get("kind") == "ServiceAccount":
                _follow(subject, "name", "ServiceAccount", renamed)
    for item in deployments(resources):
        spec = pod_spec(item.manifest)
        _follow(spec, "serviceAccountName", "ServiceAccount", renamed)
        for volume in spec.get("volumes") or []:
            claim = volume.get("persistentVolumeClaim")
            if isinstance(claim, dict):
                _follow(claim, "claimName", "PersistentVolumeClaim", renamed)


def _renamed(resources: list[Resource]) -> _Names:
    """New names by kind and former name; a name that some object still has is not former."""
    current = {(item.kind, item.name) for item in resources}
    found: _Names = {}
    for item in resources:
        for former in _former_names(item):
            key = (item.kind, former)
            if key not in current:
                found.setdefault(key, item.name)
    return found


def _former_names(item: Resource) -> Iterator[str]:
    """Names that an object had; the shards of a component share its original name."""
    found = [item.original.name, *(identity.name for identity in item.former)]
    yield from (name for name in found if not item.is_shard or name != item.original.name)


def _follow(holder: dict[str, Any], key: str, kind: str, renamed: _Names) -> None:
    name = renamed.get((kind, str(holder.get(key))))
    if name is not None:
        holder[key] = name
