# SPDX-License-Identifier: Apache-2.0
"""Builds for tests: from the starter distribution, also under names of other versions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fluxsm.adapters.folder import Folder, open_folder, starter_folder
from fluxsm.api.instance import FluxInstance, parse_instance
from fluxsm.api.objects import Manifest
from fluxsm.build.distribution import Distribution
from fluxsm.build.pipeline import BuildResult, build

STARTER: Final = open_folder(starter_folder())
ALL: Final = [
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
    "image-reflector-controller",
    "image-automation-controller",
]
WATCHED: Final = [*ALL, "source-watcher"]
ONE: Final = {"kind": "Deployment", "name": "source-controller"}
# Of minors that the starter distribution does not have, what is alike enough for a rule.
_ALIKE: Final = {
    "v2.2.3": "v2.6.4",
    "v2.5.1": "v2.6.4",
    "v2.6.0": "v2.6.4",
    "v2.7.0": "v2.7.5",
    "v2.9.4": "v2.8.8",
}


@dataclass(frozen=True)
class Built:
    """A build, and questions about its objects."""

    result: BuildResult

    @property
    def objects(self) -> tuple[Manifest, ...]:
        """All objects."""
        return self.result.objects

    @property
    def names(self) -> list[str]:
        """Kind and name of all objects."""
        return [f"{item['kind']}/{item['metadata']['name']}" for item in self.objects]

    def get(self, name: str) -> Manifest:
        """The object of a kind and name, such as `Deployment/helm-controller`."""
        return self.objects[self.names.index(name)]

    def of_kind(self, kind: str) -> list[Manifest]:
        """The objects of a kind."""
        return [item for item in self.objects if item["kind"] == kind]

    def deployments(self) -> dict[str, Manifest]:
        """The Deployments by name."""
        return {item["metadata"]["name"]: item for item in self.of_kind("Deployment")}

    def pod(self, name: str) -> dict[str, Any]:
        """The pod spec of a Deployment."""
        found: dict[str, Any] = self.get(f"Deployment/{name}")["spec"]["template"]["spec"]
        return found

    def container(self, name: str) -> dict[str, Any]:
        """The first container of a Deployment."""
        found: dict[str, Any] = self.pod(name)["containers"][0]
        return found

    def args(self, name: str) -> list[str]:
        """The arguments of a Deployment."""
        found: list[str] = self.container(name)["args"]
        return found

    def tail(self, name: str) -> list[str]:
        """The arguments after those that every controller of the kind has."""
        start = {"notification-controller": 4, "source-controller": 7, "source-watcher": 7}
        component = next((key for key in WATCHED if name.startswith(key)), name)
        return self.args(name)[start.get(component, 5) :]


@cache
def distribution(version: str) -> Distribution:
    """A distribution that has a version, made of the most alike one where needed."""
    alike = _ALIKE.get(version)
    if alike is None:
        return STARTER
    folder = Folder(starter_folder())
    paths = [path for path in folder if f"/{alike}/" in path]
    files = {path.replace(alike, version): folder[path] for path in paths}
    return Distribution(files, source="made")


def instance(namespace: str = "flux-system", **spec: Any) -> FluxInstance:
    """An instance; fields of the distribution may be given as `registry` and `variant`."""
    place = {"version": "*", "registry": spec.pop("registry", "ghcr.io/fluxcd")}
    for key in ("variant", "imagePullSecret"):
        if key in spec:
            place[key] = spec.pop(key)
    metadata = {"name": "flux", "namespace": namespace}
    return parse_instance({"metadata": metadata, "spec": {"distribution": place, **spec}})


def built(
    version: str = "v2.8.8",
    namespace: str = "flux-system",
    *,
    of: Distribution | None = None,
    as_applied: bool = False,
    **spec: Any,
) -> Built:
    """Build an instance of a version."""
    wanted = instance(namespace, **spec)
    return Built(build(wanted, of or distribution(version), version, as_applied=as_applied))


def patched(*patches: tuple[str, dict[str, str] | None], **more: Any) -> Built:
    """Build with user patches, each a text and a target."""
    entries = [
        {"patch": text} | ({"target": target} if target is not None else {})
        for text, target in patches
    ]
    return built(kustomize={"patches": entries}, **more)
