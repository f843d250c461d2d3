# SPDX-License-Identifier: Apache-2.0
"""Label and field selectors, as far as the operator uses them."""

from __future__ import annotations

from collections.abc import Mapping

from fluxsm.api.objects import Manifest
from fluxsm.build.patches.selector import parse_selector


def selects(labels: str, fields: str, manifest: Manifest) -> bool:
    """Whether an object fits both selectors; an empty one fits everything."""
    metadata = manifest.get("metadata") or {}
    own = metadata.get("labels") or {}
    known = {f"metadata.{key}": metadata.get(key, "") for key in ("name", "namespace")}
    return _fits(labels, own) and _fits(fields, known)


def _fits(selector: str, values: Mapping[str, str]) -> bool:
    return all(requirement(values) for requirement in parse_selector(selector))
