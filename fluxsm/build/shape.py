# SPDX-License-Identifier: Apache-2.0
"""Objects have the form that the build relies on, or are refused with the place that is wrong.

Distributions come from artifacts that anybody can push, and user patches may write anything
anywhere. After this check the other parts of the build can read objects without looking twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fluxsm.api.objects import Manifest
from fluxsm.errors import BuildError, MalformedError
from fluxsm.objects.manifest import entries, mapping, read, text

_POD: Final = ("spec", "template", "spec")

# Paths below which there must be a mapping, or nothing.
_MAPPINGS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "CustomResourceDefinition": (("spec",),),
    "Deployment": (
        ("spec", "selector", "matchLabels"),
        ("spec", "template", "metadata", "labels"),
        ("spec", "template", "metadata", "annotations"),
        (*_POD, "nodeSelector"),
        (*_POD, "securityContext"),
    ),
    "Kustomization": (("spec",),),
    "Service": (("spec", "selector"),),
}

# Paths below which there must be a list of mappings, or nothing.
_LISTS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "ClusterRole": (("rules",),),
    "CustomResourceDefinition": (("spec", "versions"),),
    "Deployment": ((*_POD, "volumes"), (*_POD, "containers")),
}


def check_shape(manifest: Mapping[str, Any], where: str) -> Manifest:
    """Give back an object whose form can be relied on.

    Args:
        manifest: any data.
        where: what the object comes from, for messages.

    Raises:
        BuildError: naming the object and the field that has the wrong form.
    """
    try:
        for field in ("apiVersion", "kind"):
            _demand_text(manifest, field)
        _demand_text(manifest, "metadata", "name")
    except MalformedError as error:
        raise BuildError(f"{where} has an object that is none: {error}") from None
    try:
        for labels in ("labels", "annotations"):
            mapping(manifest, "metadata", labels)
        for path in _MAPPINGS.get(manifest["kind"], ()):
            mapping(manifest, *path)
        for place, container in enumerate(_containers(manifest)):
            _check_container(container, f"{'.'.join(_POD)}.containers[{place}]")
    except MalformedError as error:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        raise BuildError(f"{where}: {name}: {error}") from None
    return dict(manifest)


def _demand_text(manifest: Mapping[str, Any], *path: str) -> None:
    if not text(manifest, *path):
        raise MalformedError(f"{'.'.join(path)} is missing")


def _containers(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The containers of a Deployment; all lists of the object are checked on the way."""
    entries(manifest, "subjects")
    mapping(manifest, "roleRef")
    for path in _LISTS.get(manifest["kind"], ()):
        found = entries(manifest, *path)
        if path[-1] == "containers":
            yield from found
        elif path[-1] == "volumes":
            for volume in found:
                mapping(volume, "persistentVolumeClaim")


def _check_container(container: Mapping[str, Any], where: str) -> None:
    try:
        _demand_text(container, "name")
        text(container, "image")
        mapping(container, "securityContext")
        entries(container, "volumeMounts")
    except MalformedError as error:
        raise MalformedError(f"{where}.{error}") from None
    args = read(container, "args")
    if args is not None and not isinstance(args, list):
        raise MalformedError(f"{where}.args is not a list")
