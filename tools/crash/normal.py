# SPDX-License-Identifier: Apache-2.0
"""Objects without what differs from run to run: identities, times, durations, random numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fluxsm.api import names

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_SPAN = re.compile(r"\b\d+(\.\d+)?(h|m|s|ms|µs)(\d+(\.\d+)?(m|s))*\b")
_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_REPLICA_SET = re.compile(r'\bReplicaSet "[^"]+"')
"""Named by the Deployment controller, which leaves the name of an older one where a rollout ends
between two of its looks. The spec describes the Pods, and is compared."""
_VOLATILE = frozenset(
    {
        "resourceVersion", "clusterIP", "clusterIPs", "time", "totalReconciliations",
        "lastTransition", "f:lastTransition",
    }
)  # fmt: skip


def normal(manifest: Mapping[str, Any], *, with_owners: bool = True) -> dict[str, Any]:
    """An object as it is compared.

    Identities, times and addresses that the server chooses are dropped or replaced by a word.
    What stays: spec, generation, labels, finalizers, status, and who owns which field.

    Args:
        manifest: the object; not changed.
        with_owners: keep those `managedFields` that are the operator's, without times.
    """
    found: dict[str, Any] = {
        key: _clean(item, spans=key == "status") for key, item in manifest.items()
    }
    if found.get("kind") == "ResourceQuota":
        found.pop("status", None)  # counted by the cluster when it finds the time
    status = found.get("status")
    if isinstance(status, dict) and isinstance(status.get("conditions"), list):
        status["conditions"].sort(key=lambda item: str(item.get("type")))
        if found.get("kind") == "Deployment":
            for item in status["conditions"]:
                item.pop("message", None)  # kept by its controller while the reason is the same
    metadata = found.get("metadata")
    if isinstance(metadata, dict):
        entries = metadata.pop("managedFields", [])
        if with_owners:
            metadata["managedFields"] = [
                entry for entry in entries if entry.get("manager") == names.MANAGER
            ]
    return found


def _clean(value: Any, *, spans: bool) -> Any:
    """A value without volatile parts; durations are volatile in a status."""
    match value:
        case Mapping():
            return {
                _UUID.sub("<id>", key): _clean(item, spans=spans)
                for key, item in value.items()
                if key not in _VOLATILE
            }
        case list():
            return [_clean(item, spans=spans) for item in value]
        case str():
            text = _UUID.sub("<id>", _TIME.sub("<time>", value))
            return _REPLICA_SET.sub("ReplicaSet", _SPAN.sub("<span>", text)) if spans else text
        case _:
            return value


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where two JSON-like values differ, as paths with both values; at most a handful is useful."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line
            for key in sorted(expected.keys() | found.keys())
            for line in differences(expected.get(key), found.get(key), f"{path}.{key}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line
            for place, (one, other) in enumerate(zip(expected, found, strict=True))
            for line in differences(one, other, f"{path}[{place}]")
        ]
    if expected == found:
        return []
    return [f"{path.lstrip('.')}: expected {_short(expected)}, found {_short(found)}"]


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
