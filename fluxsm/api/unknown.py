# SPDX-License-Identifier: Apache-2.0
"""Fields of a spec that this version does not know, as another CRD may let them through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from fluxsm.api.instance import Spec


def unknown_fields(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for each field of the spec that has no effect, sorted.

    Args:
        manifest: a FluxInstance as the API server has it.
    """
    return tuple(
        sorted(
            f"{path} is not a field that this version knows, so it has no effect"
            for path in _unknown(manifest.get("spec"), Spec, ".spec")
        )
    )


def _unknown(value: Any, kind: Any, path: str) -> Iterator[str]:
    model = _model(kind)
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _unknown(item, kind, f"{path}[{place}]")
    if model is None or not isinstance(value, Mapping):
        return
    known = {field.alias or name: field for name, field in model.model_fields.items()}
    for key, item in value.items():
        if key in known:
            yield from _unknown(item, known[key].annotation, f"{path}.{key}")
        else:
            yield f"{path}.{key}"


def _model(kind: Any) -> type[BaseModel] | None:
    """The model in an annotation such as `list[Patch] | None`."""
    if isinstance(kind, type) and get_origin(kind) is None:
        return kind if issubclass(kind, BaseModel) else None
    return next((found for part in get_args(kind) if (found := _model(part))), None)
