# SPDX-License-Identifier: Apache-2.0
"""The page about the fields of a FluxInstance, from its CRD."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fluxsm.api.crd import instance_crd
from fluxsm.machine.render import markdown

_LIMITS = {
    "enum": "one of {}",
    "pattern": "matches `{}`",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "minimum": "at least {}",
    "format": "{}",
}


def page() -> str:
    """The page."""
    (version,) = instance_crd()["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    parts = [_INTRO]
    for block in ("spec", "status"):
        parts += [
            f"## {block}\n",
            markdown.table(_HEADER, _fields(schema["properties"][block], f".{block}")),
        ]
    rules = [(f"`{path}`", text) for path, text in _rules(schema, "")]
    parts += ["## Rules\n", "Checked by the API server.\n", markdown.table(("At", "Rule"), rules)]
    return "\n".join(parts)


_INTRO = """# FluxInstance

`fluxcd.controlplane.io/v1`, namespaced. The only accepted name is `flux`.
"""
_HEADER = ("Field", "Type", "Default", "Limits", "Meaning")


def _fields(node: dict[str, Any], path: str) -> Iterator[tuple[str, str, str, str, str]]:
    required = set(node.get("required", []))
    for name, child in node.get("properties", {}).items():
        inner = f"{path}.{name}"
        default = f"`{json.dumps(child['default'])}`" if "default" in child else ""
        if name in required:
            default = "required"
        yield f"`{inner}`", _type(child), default, _limits(child), child.get("description", "")
        items = child.get("items")
        yield from _fields(items, f"{inner}[]") if items else _fields(child, inner)


def _type(node: dict[str, Any]) -> str:
    if node["type"] == "array":
        return f"list of {node['items']['type']}"
    if "additionalProperties" in node:
        return f"map of {node['additionalProperties']['type']}"
    return str(node["type"])


def _limits(node: dict[str, Any]) -> str:
    found = {**node.get("items", {}), **node} if node["type"] == "array" else node
    texts = []
    for key, words in _LIMITS.items():
        if key in found:
            value = found[key]
            shown = ", ".join(f"`{item}`" for item in value) if key == "enum" else str(value)
            texts.append(words.format(shown))
    return "; ".join(texts)


def _rules(node: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for rule in node.get("x-kubernetes-validations", []):
        yield path or ".", rule["message"]
    for name, child in node.get("properties", {}).items():
        yield from _rules(child, f"{path}.{name}")
