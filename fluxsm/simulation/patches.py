# SPDX-License-Identifier: Apache-2.0
"""JSON patches and merge patches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer

from fluxsm.api.objects import Manifest
from fluxsm.core.ports import PatchType
from fluxsm.errors import InvalidError
from fluxsm.simulation.copies import copy


def patched(live: Manifest, patch: Any, type_: PatchType, what: str) -> Manifest:
    """An object after a patch.

    Raises:
        InvalidError: the patch does not fit the object.
    """
    if type_ is PatchType.MERGE:
        merged: Manifest = merge_patch(live, patch)
        return merged
    try:
        patched: Manifest = jsonpatch.apply_patch(live, patch)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        raise InvalidError(f"{what} (Invalid): {error}") from None
    return patched


def merge_patch(target: Any, patch: Any) -> Any:
    """A value after a merge patch, see RFC 7386."""
    if not isinstance(patch, Mapping):
        return copy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
