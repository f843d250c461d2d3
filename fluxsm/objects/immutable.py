# SPDX-License-Identifier: Apache-2.0
"""Fields that the API server does not let anybody change, compared before anything is applied.

An apply that changes one is refused when half of a revision may be in the cluster. What is known
of the live objects says so earlier, without a request.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.objects import manifest
from fluxsm.objects.handmade import FLUX_GROUPS

Path: TypeAlias = tuple[str, ...]

FIELDS: Final[Mapping[tuple[str, str], tuple[Path, ...]]] = {
    ("", "PersistentVolumeClaim"): tuple(
        ("spec", name)
        for name in ("accessModes", "storageClassName", "volumeMode", "volumeName", "selector")
    ),
    ("", "Service"): (("spec", "clusterIP"),),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (("spec", "scope"),),
    ("apps", "DaemonSet"): (("spec", "selector"),),
    ("apps", "Deployment"): (("spec", "selector"),),
    ("apps", "StatefulSet"): (
        ("spec", "selector"),
        ("spec", "serviceName"),
        ("spec", "podManagementPolicy"),
    ),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (("roleRef",),),
    ("rbac.authorization.k8s.io", "RoleBinding"): (("roleRef",),),
}
"""By group and kind. The API server replaces each of these as a whole, so they are compared so."""

MUTABLE: Final = frozenset(
    {
        ("", "LimitRange"),
        ("", "Namespace"),
        ("", "ResourceQuota"),
        ("", "ServiceAccount"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("policy", "PodDisruptionBudget"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "Role"),
    }
)
"""Kinds of which every field may be changed."""

STORAGE: Final[Path] = ("spec", "resources", "requests", "storage")
"""What a claim asks for may grow, and never shrink."""

_CLAIM: Final = ("", "PersistentVolumeClaim")
_SPEC_OF_CLAIM: Final = {
    ("spec", "storageClassName"): ".spec.storage.class",
    STORAGE: ".spec.storage.size",
}
_SHOWN: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Immutable:
    """One field that would have to change, and cannot.

    Attributes:
        ref: the object.
        path: the field.
        old: its value in the cluster.
        new: the value that is wanted.
        rule: why it cannot change, as the rest of a sentence about the field.
    """

    ref: ObjectRef
    path: Path
    old: Any
    new: Any
    rule: str = "is immutable"

    def __str__(self) -> str:
        """Return what is wrong and what to do about it."""
        field = _SPEC_OF_CLAIM.get(self.path) if _key(self.ref.kind) == _CLAIM else None
        where = f" ({field})" if field else ""
        return (
            f"{self.ref}: {'.'.join(self.path)}{where} {self.rule}: it is {_show(self.old)}"
            f" and should become {_show(self.new)}; change it back, or {self._remedy()}"
        )

    def _remedy(self) -> str:
        """How the object gets the wanted value all the same."""
        kind = self.ref.kind
        if kind.kind == "CustomResourceDefinition":
            return "delete the definition, which deletes all its objects"
        name = kind.kind.lower()
        where = f" -n {self.ref.namespace}" if self.ref.namespace else ""
        command = f"kubectl delete {name} {self.ref.name}{where}"
        if _key(kind) != _CLAIM:
            return f"delete the object and the next try creates it again: `{command}`"
        pods = f"kubectl delete pod{where} -l app={self.ref.name}"
        return (
            "delete the claim and the pods that use it, which loses nothing but a cache:"
            f" `{command} --wait=false && {pods}`"
        )


def is_known(kind: Kind) -> bool:
    """Whether `differences` finds everything of a kind that cannot be changed.

    No definition of Flux has a rule over former values.
    """
    return _key(kind) in FIELDS or _key(kind) in MUTABLE or kind.group.endswith(FLUX_GROUPS)


def differences(wanted: Manifest, live: Manifest) -> Iterator[Immutable]:
    """The fields of an object that would have to change, and cannot.

    Args:
        wanted: the object as it is going to be applied.
        live: the same object in the cluster, at least the fields of `FIELDS`.

    Raises:
        MalformedError: the live object does not have the shape that its kind promises.
    """
    ref = ObjectRef.of(wanted)
    for path in FIELDS.get(_key(ref.kind), ()):
        old, new = manifest.read(live, *path), manifest.read(wanted, *path)
        if old is not None and new is not None and old != new:
            yield Immutable(ref=ref, path=path, old=old, new=new)
    if _key(ref.kind) == _CLAIM:
        yield from _shrunk(ref, wanted, live)


def _shrunk(ref: ObjectRef, wanted: Manifest, live: Manifest) -> Iterator[Immutable]:
    old, new = manifest.read(live, *STORAGE), manifest.read(wanted, *STORAGE)
    if old is not None and new is not None and amount(str(new)) < amount(str(old)):
        yield Immutable(ref=ref, path=STORAGE, old=old, new=new, rule="cannot shrink")


_UNITS: Final = ("k", "M", "G", "T", "P", "E")
_FACTORS: Final[Mapping[str, Decimal]] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate(_UNITS, start=1)},
    **{f"{unit.upper()}i": Decimal(1024) ** power for power, unit in enumerate(_UNITS, start=1)},
}


def amount(quantity: str) -> Decimal:
    """The number that a quantity such as `10Gi`, `1.5G` or `1e9` stands for.

    Args:
        quantity: as https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity
            defines it; the build has checked it, and the API server that of the live object.
    """
    for suffix in sorted(_FACTORS, key=len, reverse=True):
        if quantity.endswith(suffix):
            return Decimal(quantity.removesuffix(suffix)) * _FACTORS[suffix]
    return Decimal(quantity)


def _key(kind: Kind) -> tuple[str, str]:
    return kind.group, kind.kind


def _show(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    return f"{shown!r}" if isinstance(value, str) else shown
