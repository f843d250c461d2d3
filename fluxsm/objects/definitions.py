# SPDX-License-Identifier: Apache-2.0
"""What another definition of a kind changes: its versions, and the fields that it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fluxsm.api.objects import Kind, Manifest
from fluxsm.objects import manifest

_OPEN: Final = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED: Final = "x-kubernetes-embedded-resource"
_OBJECT_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionChange:
    """How the versions of a kind change.

    Attributes:
        name: of the definition.
        added: versions that come.
        removed: versions that go.
        unserved: versions that stay and are served no more.
        old_storage: the version in which objects are stored now, empty for a new definition.
        new_storage: the version in which they are stored then, empty for one that goes.
        schema: whether a version that stays has another schema.
    """

    name: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()
    old_storage: str = ""
    new_storage: str = ""
    schema: bool = False

    def __bool__(self) -> bool:
        """Whether anything changes."""
        stored = self.old_storage != self.new_storage
        return bool(self.added or self.removed or self.unserved or stored or self.schema)


def change(name: str, old: Manifest | None, new: Manifest | None) -> DefinitionChange:
    """How a definition changes.

    Args:
        name: of the definition.
        old: as it is, None when it does not exist.
        new: as it will be, None when it goes.
    """
    before, after = versions_of(old or {}), versions_of(new or {})
    stay = [version for version in before if version in after]
    return DefinitionChange(
        name=name,
        added=tuple(version for version in after if version not in before),
        removed=tuple(version for version in before if version not in after),
        unserved=tuple(
            version
            for version in stay
            if before[version].get("served") and not after[version].get("served")
        ),
        old_storage=_storage(before),
        new_storage=_storage(after),
        schema=any(before[item].get("schema") != after[item].get("schema") for item in stay),
    )


def versions_of(definition: Manifest) -> dict[str, Mapping[str, Any]]:
    """The versions of a definition by name."""
    found = manifest.entries(definition, "spec", "versions")
    return {manifest.text(version, "name"): version for version in found}


def served_kind(definition: Manifest) -> Kind | None:
    """The kind at the version that is stored, else at one that is served; None where none is."""
    found = versions_of(definition)
    served = [name for name, version in found.items() if version.get("served")]
    if not served:
        return None
    stored = _storage(found)
    group = manifest.text(definition, "spec", "group")
    kind = manifest.text(definition, "spec", "names", "kind")
    return Kind(group, stored if stored in served else served[-1], kind)


def stored_schema(definition: Manifest) -> Mapping[str, Any]:
    """The schema of the version in which objects are stored, empty where there is none."""
    found = versions_of(definition)
    return manifest.mapping(found.get(_storage(found), {}), "schema", "openAPIV3Schema")


def dropped_fields(item: Manifest, schema: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a custom resource that a schema does not know, so that a write drops them.

    The API server prunes what neither the schema nor one of its open parts describes; the type, the
    name and other metadata always stay.

    Args:
        item: the custom resource.
        schema: the `openAPIV3Schema` of the version in which it will be stored.

    Returns:
        Paths such as `.spec.secretRef.key`; elements of lists are `[]`.
    """
    below = {key: value for key, value in item.items() if key not in _OBJECT_FIELDS}
    yield from _dropped(below, schema, "")


def _dropped(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, list):
        items = schema.get("items") or {}
        for item in value:
            yield from _dropped(item, items, f"{path}[]")
    elif isinstance(value, dict):
        properties = schema.get("properties") or {}
        others = schema.get("additionalProperties")
        for key, item in value.items():
            if schema.get(_EMBEDDED) and key in _OBJECT_FIELDS:
                continue
            if key in properties:
                yield from _dropped(item, properties[key], f"{path}.{key}")
            elif isinstance(others, Mapping):
                yield from _dropped(item, others, f"{path}.{key}")
            elif not (others or schema.get(_OPEN)):
                yield f"{path}.{key}"


def _storage(versions: Mapping[str, Mapping[str, Any]]) -> str:
    return next((name for name, version in versions.items() if version.get("storage")), "")
