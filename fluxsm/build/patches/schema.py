# SPDX-License-Identifier: Apache-2.0
"""Which lists of which kinds merge by element, and by which keys.

These are the merge keys of the Kubernetes API; all other lists are replaced as a whole, and so is
every list of a kind that is not built into Kubernetes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fluxsm.api.objects import Kind


@dataclass(frozen=True, slots=True)
class Keyed:
    """A list whose elements are identified by one or two keys.

    Attributes:
        keys: fields of the elements.
        item: schema of an element.
        default: what a missing second key stands for.
    """

    keys: tuple[str, ...]
    item: Schema = field(default_factory=dict)
    default: str = ""


@dataclass(frozen=True, slots=True)
class ScalarSet:
    """A list of scalars without order."""


Schema: TypeAlias = Mapping[str, "Schema | Keyed | ScalarSet"]

_METADATA: Final[Schema] = {"ownerReferences": Keyed(("uid",)), "finalizers": ScalarSet()}
_STATUS: Final[Schema] = {"conditions": Keyed(("type",))}
_CONTAINER: Final[Schema] = {
    "env": Keyed(("name",)),
    "volumeMounts": Keyed(("mountPath",)),
    "volumeDevices": Keyed(("devicePath",)),
    "ports": Keyed(("containerPort", "protocol"), default="TCP"),
}
_POD: Final[Schema] = {
    "containers": Keyed(("name",), _CONTAINER),
    "initContainers": Keyed(("name",), _CONTAINER),
    "ephemeralContainers": Keyed(("name",), _CONTAINER),
    "volumes": Keyed(("name",)),
    "imagePullSecrets": Keyed(("name",)),
    "hostAliases": Keyed(("ip",)),
    "topologySpreadConstraints": Keyed(("topologyKey", "whenUnsatisfiable")),
}
_TEMPLATE: Final[Schema] = {"metadata": _METADATA, "spec": _POD}
_COMMON: Final[Schema] = {"metadata": _METADATA, "status": _STATUS}
_WORKLOAD: Final[Schema] = {**_COMMON, "spec": {"template": _TEMPLATE}}
_KINDS: Final[Mapping[tuple[str, str], Schema]] = {
    ("", "Pod"): {**_COMMON, "spec": _POD},
    ("", "Service"): {
        **_COMMON,
        "spec": {"ports": Keyed(("port", "protocol"), default="TCP")},
    },
    ("", "ServiceAccount"): {**_COMMON, "secrets": Keyed(("name",))},
    ("batch", "CronJob"): {
        **_COMMON,
        "spec": {"jobTemplate": {"metadata": _METADATA, "spec": {"template": _TEMPLATE}}},
    },
    **dict.fromkeys(
        (
            ("apps", "Deployment"),
            ("apps", "DaemonSet"),
            ("apps", "ReplicaSet"),
            ("apps", "StatefulSet"),
            ("batch", "Job"),
        ),
        _WORKLOAD,
    ),
}
_BUILT_IN: Final = frozenset({"", "apps", "autoscaling", "batch", "policy"})


def schema_of(kind: Kind) -> Schema:
    """The mergeable lists of a kind."""
    known = _KINDS.get((kind.group, kind.kind))
    if known is not None:
        return known
    return _COMMON if kind.group in _BUILT_IN or kind.group.endswith(".k8s.io") else {}
