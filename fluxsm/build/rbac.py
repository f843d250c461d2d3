# SPDX-License-Identifier: Apache-2.0
"""Roles, bindings and the quota: named after the namespace, so that two instances do not meet."""

from __future__ import annotations

from typing import Any

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.build.distribution import Distribution
from fluxsm.build.options import Options
from fluxsm.build.resource import NamespacedName, Resource

_CONTROLLER_ROLE = "crd-controller"


def load_rbac(options: Options, distribution: Distribution) -> list[Resource]:
    """The RBAC objects of the version, adapted to the namespace and to workload identity."""
    return [_adapt(item, options) for item in distribution.rbac(options.version_name)]


def _adapt(manifest: Manifest, options: Options) -> Resource:
    if options.namespace != names.DEFAULT_NAMESPACE:
        manifest = _renamed(manifest, names.DEFAULT_NAMESPACE, options.namespace)
    resource = Resource.of(manifest)
    if manifest["kind"] == "ClusterRole" and resource.name == _CONTROLLER_ROLE:
        _drop_token_rule(manifest, options)
    if not resource.cluster_scoped:
        manifest["metadata"]["namespace"] = options.namespace
        resource.former.append(NamespacedName(name=resource.name, namespace=options.namespace))
    manifest["metadata"]["name"] = f"{resource.name}-{options.namespace}"
    return resource


def _renamed(value: Any, old: str, new: str) -> Any:
    """The same data with one text replaced wherever it occurs."""
    if isinstance(value, dict):
        return {key.replace(old, new): _renamed(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, old, new) for item in value]
    return value.replace(old, new) if isinstance(value, str) else value


def _drop_token_rule(role: Manifest, options: Options) -> None:
    """Without object-level identity nobody needs tokens of other accounts."""
    if not options.keeps_token_rule:
        rules = role.get("rules") or []
        role["rules"] = [rule for rule in rules if not _is_token_rule(rule)]


def _is_token_rule(rule: dict[str, Any]) -> bool:
    return (
        rule.get("apiGroups") == [""]
        and rule.get("resources") == ["serviceaccounts/token"]
        and rule.get("verbs") == ["create"]
    )


def allow_own_kinds(options: Options, resources: list[Resource]) -> None:
    """Let the controllers read the operator's own kinds, for alerts about them."""
    wanted = f"{_CONTROLLER_ROLE}-{options.namespace}"
    for item in resources:
        if item.kind == "ClusterRole" and item.name == wanted:
            rule = {"apiGroups": [names.GROUP], "resources": ["*"], "verbs": ["*"]}
            item.manifest["rules"] = [*(item.manifest.get("rules") or []), rule]
