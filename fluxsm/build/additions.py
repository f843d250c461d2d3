# SPDX-License-Identifier: Apache-2.0
"""What components need to know of one another, and notification-controller of the operator."""

from __future__ import annotations

from typing import Any

from fluxsm.build.options import HELM, KUSTOMIZE, NOTIFIER, WATCHER, Options
from fluxsm.build.pod import append_args, child
from fluxsm.build.rbac import allow_own_kinds
from fluxsm.build.resource import Resource, deployments_of

_OWN_KINDS = ("FluxInstance", "ResourceSet", "ResourceSetInputProvider")
_ENUMS = {
    "alerts.notification.toolkit.fluxcd.io": "eventSources",
    "receivers.notification.toolkit.fluxcd.io": "resources",
}


def open_external_artifacts(options: Options, resources: list[Resource]) -> None:
    """Let the appliers use the artifacts of source-watcher."""
    if WATCHER in options.components:
        for item in deployments_of(resources, KUSTOMIZE, HELM):
            append_args(item.manifest, "--feature-gates=ExternalArtifact=true")


def extend_notifications(options: Options, resources: list[Resource]) -> None:
    """Let alerts and receivers name the operator's own kinds."""
    if NOTIFIER not in options.components:
        return
    for item in resources:
        field = _ENUMS.get(item.name) if item.kind == "CustomResourceDefinition" else None
        if field:
            for version in child(item.manifest, "spec").get("versions") or []:
                _extend_enum(version, field)
    allow_own_kinds(options, resources)


def _extend_enum(version: dict[str, Any], field: str) -> None:
    """Add the kinds to the enum of `spec.<field>[].kind`; a schema without one needs nothing."""
    path = ("schema", "openAPIV3Schema", "properties", "spec", "properties", field)
    node: Any = version
    for key in (*path, "items", "properties", "kind"):
        node = node.get(key) if isinstance(node, dict) else None
    if isinstance(node, dict) and isinstance(node.get("enum"), list):
        node["enum"] += [kind for kind in _OWN_KINDS if kind not in node["enum"]]
