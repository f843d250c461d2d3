# SPDX-License-Identifier: Apache-2.0
"""The schemas of the kinds that are built into Kubernetes, from `kubernetes.py`.

`python -m tools.kubernetes_schema` writes that from what an API server publishes. The limits of
numbers are not published; they are here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from fluxsm.api.objects import Kind
from fluxsm.build.validation.structural import Schema

_COUNT: Final = {"minimum": 0}
_PORT: Final = {"minimum": 1, "maximum": 65535}
# By schema and field, https://github.com/kubernetes/kubernetes pkg/apis/core/validation.
_LIMITS: Final[Mapping[str, Mapping[str, Mapping[str, int]]]] = {
    "ContainerPort": {"containerPort": _PORT, "hostPort": {"minimum": 0, "maximum": 65535}},
    "DeploymentSpec": dict.fromkeys(
        ("minReadySeconds", "progressDeadlineSeconds", "replicas", "revisionHistoryLimit"), _COUNT
    ),
    "GRPCAction": {"port": _PORT},
    "NetworkPolicyPort": {"endPort": _PORT},
    "PodSecurityContext": dict.fromkeys(("fsGroup", "runAsGroup", "runAsUser"), _COUNT),
    "PodSpec": {"activeDeadlineSeconds": {"minimum": 1}},
    "Probe": {
        **dict.fromkeys(
            ("failureThreshold", "initialDelaySeconds", "periodSeconds", "successThreshold",
             "timeoutSeconds"), _COUNT
        ),
        "terminationGracePeriodSeconds": {"minimum": 1},
    },
    "SecurityContext": dict.fromkeys(("runAsGroup", "runAsUser"), _COUNT),
    "ServicePort": {"nodePort": {"minimum": 0, "maximum": 65535}, "port": _PORT},
    "TopologySpreadConstraint": {"maxSkew": {"minimum": 1}, "minDomains": {"minimum": 1}},
}  # fmt: skip


def schema_of(kind: Kind) -> Schema | None:
    """The schema of a kind, None where it is not built in or no distribution has it."""
    found: Schema | None = _load()[0].get(f"{kind.group}/{kind.kind}")
    return found


def version() -> str:
    """The version of Kubernetes that the schemas are of, such as 1.36."""
    return _load()[1]


@cache
def _load() -> tuple[Mapping[str, Schema], str]:
    from fluxsm.build.validation.kubernetes import TEXT  # noqa: PLC0415 40 KiB of text

    data = json.loads(TEXT)
    shared: dict[str, Any] = data["shared"]
    for name, fields in _LIMITS.items():
        for field, limits in fields.items():
            shared[name]["properties"][field] |= limits
    for schema in shared.values():
        for field in (schema.get("properties") or {}).values():
            if "enum" in field:
                # The server puts its default in the place of an empty text.
                field["x-empty-is-unset"] = True
        _resolve(schema, shared)
    return {kind: shared[name] for kind, name in data["kinds"].items()}, str(data["version"])


def _resolve(schema: dict[str, Any], shared: Mapping[str, Any]) -> None:
    """Put shared schemas in the place of their names."""
    for holder in (schema, schema.get("properties") or {}):
        for key, value in holder.items():
            if key == "properties" or not isinstance(value, dict):
                continue
            if "$ref" in value:
                holder[key] = shared[value["$ref"]]
            else:
                _resolve(value, shared)
