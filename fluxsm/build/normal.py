# SPDX-License-Identifier: Apache-2.0
"""Bring objects into the form in which the API server keeps them.

What a manifest leaves out and the server fills in, or writes and the server drops, would look
like a difference between what is wanted and what is there each time the two are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fluxsm.api.objects import Kind, Manifest

_ROLES: Final = frozenset({"Role", "ClusterRole"})
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")


def normalise(manifest: Manifest) -> None:
    """Name the protocol of ports; drop a status and a creation time that nobody has set.

    Roles stay as they are, and so does the status of a CRD.

    Args:
        manifest: an object of the right shape; it is changed.
    """
    if manifest["kind"] in _ROLES:
        return
    if manifest["kind"] != "CustomResourceDefinition":
        manifest.pop("status", None)
    _drop_creation_time(manifest["metadata"])
    match Kind.of(manifest):
        case Kind(group="", kind="Service"):
            _name_protocols(manifest.get("spec"))
        case Kind(group="apps", kind="Deployment"):
            template = manifest["spec"].get("template") or {}
            _drop_creation_time(template.get("metadata") or {})
            for container in _containers(template.get("spec") or {}):
                _name_protocols(container)
        case _:
            pass


def _drop_creation_time(metadata: dict[str, Any]) -> None:
    if metadata.get("creationTimestamp", "") is None:
        del metadata["creationTimestamp"]


def _containers(pod: dict[str, Any]) -> Iterator[Any]:
    for key in _CONTAINERS:
        found = pod.get(key)
        yield from found if isinstance(found, list) else ()


def _name_protocols(holder: Any) -> None:
    ports = holder.get("ports") if isinstance(holder, dict) else None
    for port in ports if isinstance(ports, list) else ():
        if isinstance(port, dict) and not port.get("protocol"):
            port["protocol"] = "TCP"
