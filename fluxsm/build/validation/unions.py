# SPDX-License-Identifier: Apache-2.0
"""Maps of which the API server takes one member only, such as the source of a volume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fluxsm.build.validation.finding import Named, Path

_HANDLERS: Final = ("exec", "grpc", "httpGet", "sleep", "tcpSocket")
_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS: Final = ("postStart", "preStop")
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_VALUES: Final = ("value", "valueFrom")
_REFERENCES: Final = (
    "configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef",
)  # fmt: skip
_SOURCES: Final = ("configMapRef", "secretRef")
_PROJECTED: Final = (
    "clusterTrustBundle", "configMap", "downwardAPI", "podCertificate", "secret",
    "serviceAccountToken",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """A map of which one member is allowed.

    Attributes:
        path: where it is.
        members: those that are set, sorted.
    """

    path: Path
    members: tuple[str, ...]


def unions(manifest: Mapping[str, Any]) -> Iterator[Union]:
    """The unions of a workload that have a member."""
    spec = _map(manifest.get("spec"))
    strategy = _map(spec.get("strategy"))
    if strategy.get("type") == "Recreate" and strategy.get("rollingUpdate") is not None:
        yield Union(path=("spec", "strategy"), members=("rollingUpdate", "type: Recreate"))
    pod = _map(_map(spec.get("template")).get("spec"))
    path: Path = ("spec", "template", "spec")
    for field in _CONTAINERS:
        for step, container in _named(pod.get(field)):
            yield from _container(container, (*path, field, step))
    for step, volume in _named(pod.get("volumes")):
        yield from _volume(volume, (*path, "volumes", step))


def _volume(volume: Mapping[str, Any], path: Path) -> Iterator[Union]:
    yield from _of(volume, tuple(sorted(set(volume) - {"name"})), path)
    for step, source in _placed(_map(volume.get("projected")).get("sources")):
        yield from _of(source, _PROJECTED, (*path, "projected", "sources", step))


def _container(container: Mapping[str, Any], path: Path) -> Iterator[Union]:
    for step, variable in _named(container.get("env")):
        where = (*path, "env", step)
        yield from _of(variable, _VALUES, where)
        yield from _of(_map(variable.get("valueFrom")), _REFERENCES, (*where, "valueFrom"))
    for step, source in _placed(container.get("envFrom")):
        yield from _of(source, _SOURCES, (*path, "envFrom", step))
    for probe in _PROBES:
        yield from _of(_map(container.get(probe)), _HANDLERS, (*path, probe))
    hooks = _map(container.get("lifecycle"))
    for hook in _HOOKS:
        yield from _of(_map(hooks.get(hook)), _HANDLERS, (*path, "lifecycle", hook))


def _of(holder: Mapping[str, Any], members: tuple[str, ...], path: Path) -> Iterator[Union]:
    """The server takes an empty text for not set."""
    found = tuple(name for name in members if holder.get(name) not in (None, ""))
    if found:
        yield Union(path=path, members=found)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _named(items: Any) -> Iterator[tuple[str | int, Mapping[str, Any]]]:
    """The maps of a list, each with its name or place."""
    for place, item in _placed(items):
        name = item.get("name")
        yield (Named(name) if isinstance(name, str) else place), item


def _placed(items: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for place, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, Mapping):
            yield place, item
