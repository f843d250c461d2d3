# SPDX-License-Identifier: Apache-2.0
"""Custom resources against the CRDs that are built with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from fluxsm.api.objects import Kind, Manifest
from fluxsm.build.validation.finding import Finding
from fluxsm.build.validation.structural import Schema, check

Schemas: TypeAlias = Mapping[Kind, Schema]
"""The schema of each kind at each version that is served."""

_GENERAL: Final = frozenset({"apiVersion", "kind", "metadata", "status"})


def schemas(manifests: Iterable[Manifest]) -> Schemas:
    """The schemas of the CRDs among some objects; a CRD without one says nothing."""
    found: dict[Kind, Schema] = {}
    for item in manifests:
        if item["kind"] != "CustomResourceDefinition":
            continue
        spec = item.get("spec") or {}
        group, kind = str(spec.get("group")), str((spec.get("names") or {}).get("kind"))
        for version in spec.get("versions") or ():
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            if isinstance(schema, dict) and version.get("served", True):
                found[Kind(group, str(version.get("name")), kind)] = schema
    return found


def check_custom(manifest: Manifest, known: Schemas) -> Iterator[Finding]:
    """What the API server would refuse in an object, by the schema of its kind."""
    schema = known.get(Kind.of(manifest))
    if schema is None:
        return
    own = {key: value for key, value in manifest.items() if key not in _GENERAL}
    yield from check(own, {**schema, "required": _required(schema)})


def _required(schema: Schema) -> list[str]:
    return [name for name in schema.get("required") or () if name not in _GENERAL]
