# SPDX-License-Identifier: Apache-2.0
"""Label and field selectors, as far as the operator uses them."""

from __future__ import annotations

from fluxsm.api.objects import Manifest


def selects(labels: str, fields: str, manifest: Manifest) -> bool:
    """Whether an object fits both selectors; an empty one fits everything."""
    metadata = manifest.get("metadata") or {}
    own = metadata.get("labels") or {}
    known = {f"metadata.{key}": metadata.get(key, "") for key in ("name", "namespace")}
    return all(_holds(term, own) for term in _terms(labels)) and all(
        _holds(term, known) for term in _terms(fields)
    )


def _terms(selector: str) -> list[str]:
    return [term.strip() for term in selector.split(",") if term.strip()]


def _holds(term: str, values: dict[str, str]) -> bool:
    if "!=" in term:
        key, _, value = term.partition("!=")
        return values.get(key) != value
    if "=" in term:
        key, _, value = term.replace("==", "=").partition("=")
        return values.get(key) == value
    if term.startswith("!"):
        return term[1:] not in values
    return term in values
