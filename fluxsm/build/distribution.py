# SPDX-License-Identifier: Apache-2.0
"""The manifests of Flux, by version, as a folder or an artifact holds them.

```
flux/v2.8.8/source-controller.yaml      one file per component
flux/v2.8.8/rbac.yaml  policies.yaml
flux-images/v2.8.8/upstream-alpine.yaml image tags and digests, one file per variant
flux/STARTER                            only in the starter distribution: what it is not good for
```
Other files are of no concern. Each file is parsed once, when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from fluxsm.api.objects import Manifest
from fluxsm.build import version as versions
from fluxsm.build import yaml
from fluxsm.build.shape import check_shape
from fluxsm.errors import BuildError

STARTER_FILE: Final = "flux/STARTER"
"""The file that marks the starter distribution, wherever it was copied or pushed to."""

_MANIFESTS: Final = "flux"
_IMAGES: Final = "flux-images"
_RBAC: Final = "rbac"
_POLICIES: Final = "policies"


class Distribution:
    """Manifests and image lists of several versions. Answers are copies: change them freely."""

    def __init__(self, files: Mapping[str, bytes], *, source: str) -> None:
        """Describe a distribution; nothing is read yet.

        Args:
            files: content by path, such as `flux/v2.8.8/rbac.yaml`.
            source: where the files come from, for messages.
        """
        self._files = files
        self.source = source
        self._parsed: dict[str, list[Manifest]] = {}

    @property
    def is_starter(self) -> bool:
        """Whether this is the starter distribution, which is for evaluation only."""
        return STARTER_FILE in self._files

    def versions(self) -> tuple[str, ...]:
        """Names of the version folders, oldest first; what is not a version is left out.

        Raises:
            BuildError: there is no `flux` folder at all.
        """
        folders = {
            parts[1]
            for path in self._files
            if (parts := path.split("/"))[0] == _MANIFESTS and len(parts) > 2
        }
        if not folders:
            raise BuildError(
                f"storage path {self.source}/{_MANIFESTS} does not exist or has no versions in it"
            )
        found = ((versions.parse(name), name) for name in folders if versions.is_version(name))
        return tuple(name for _, name in sorted(found))

    def components(self, version: str) -> tuple[str, ...]:
        """Names of the component files of a version."""
        prefix = f"{_MANIFESTS}/{version}/"
        names = (path.removeprefix(prefix) for path in self._files if path.startswith(prefix))
        stems = {name.removesuffix(".yaml") for name in names if name.endswith(".yaml")}
        return tuple(sorted(stems - {_RBAC, _POLICIES}))

    def component(
        self, version: str, name: str, *, without: Collection[str] = ()
    ) -> list[Manifest]:
        """The objects of a component.

        Args:
            version: the version folder.
            name: the component.
            without: kinds to leave out.

        Raises:
            BuildError: there is no such file, or it cannot be read.
        """
        return self._objects(f"{_MANIFESTS}/{version}/{name}.yaml", without)

    def rbac(self, version: str) -> list[Manifest]:
        """Roles, bindings and the quota.

        Raises:
            BuildError: the file is missing or broken.
        """
        return self._objects(f"{_MANIFESTS}/{version}/{_RBAC}.yaml")

    def policies(self, version: str) -> list[Manifest]:
        """Network policies.

        Raises:
            BuildError: the file is missing or broken.
        """
        return self._objects(f"{_MANIFESTS}/{version}/{_POLICIES}.yaml")

    def has_images(self, version: str, variant: str) -> bool:
        """Whether there is an image file for a variant."""
        return f"{_IMAGES}/{version}/{variant}.yaml" in self._files

    def images(self, version: str, variant: str) -> list[dict[str, Any]]:
        """The entries of an image file, in file order.

        Raises:
            BuildError: the file is missing or not an image file.
        """
        path = f"{_IMAGES}/{version}/{variant}.yaml"
        documents = self._read(path, yaml.load_mappings)
        listed = documents[0].get("images") if documents else None
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise BuildError(f"{self.source}/{path} has no list of images")
        return [_copy(item) for item in listed]

    def _objects(self, path: str, without: Collection[str] = ()) -> list[Manifest]:
        found = self._read(path, _load_objects)
        return [_copy(item) for item in found if item["kind"] not in without]

    def _read(self, path: str, load: Callable[[bytes, str], list[Manifest]]) -> list[Manifest]:
        if path not in self._parsed:
            try:
                content = self._files[path]
            except KeyError:
                raise BuildError(f"{self.source}/{path} does not exist") from None
            self._parsed[path] = load(content, f"{self.source}/{path}")
        return self._parsed[path]


def describe_starter(source: str) -> str:
    """What people should know about the starter distribution.

    Args:
        source: where it is.
    """
    return (
        f"{source} is the starter distribution, for evaluation only: the schemas of its custom"
        " resources are open, so the API server checks no field of them; for anything else name"
        " the official manifests, with spec.distribution.artifact or with a folder that fluxsm"
        " vendor has filled"
    )


def _load_objects(content: bytes, where: str) -> list[Manifest]:
    documents = yaml.load_mappings(content, where)
    return [check_shape(item, where) for item in _flatten(documents, where)]


def _flatten(documents: list[Manifest], where: str) -> Iterator[Manifest]:
    """The documents; a list object stands for its items."""
    for document in documents:
        items = document.get("items")
        if not (str(document.get("kind", "")).endswith("List") and isinstance(items, list)):
            yield document
            continue
        for item in items:
            if not isinstance(item, dict):
                raise BuildError(f"{where} has a list object with an item that is no object")
            yield item


def _copy(value: Any) -> Any:
    """A copy of JSON-like data; several times faster than the general one."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
