# SPDX-License-Identifier: Apache-2.0
"""Patches on single objects, for tests."""

from __future__ import annotations

import json
from typing import Any, Final

from fluxsm.api.instance import Patch
from fluxsm.api.objects import Manifest
from fluxsm.build.patches import apply_user_patches
from fluxsm.build.resource import Resource

SHARDED: Final = {"shards": ["a"]}


def thing(kind: str = "Thing", api: str = "x.io/v1", name: str = "a", **more: Any) -> Manifest:
    """An object."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **more}


def patch(manifest: Manifest, *texts: str | list[Any], target: Any = ()) -> Manifest:
    """An object after patches, each with a target that selects it."""
    chosen = {} if target == () else target
    entries = [
        Patch.model_validate(
            {"patch": text if isinstance(text, str) else json.dumps(text)}
            | ({"target": chosen} if chosen is not None else {})
        )
        for text in texts
    ]
    (found,) = apply_user_patches([Resource.of(manifest)], entries).resources
    return found.manifest


def operate(value: Any, *operations: dict[str, Any]) -> Any:
    """The `spec` of an object after operations."""
    return patch(thing(spec=value), list(operations))["spec"]


def merge(value: Any, text: str, kind: str = "Deployment") -> Any:
    """The `spec` of a built-in object after a strategic merge."""
    item = thing(kind, "apps/v1" if kind == "Deployment" else "v1", spec=value)
    return patch(item, f"kind: {kind}\nmetadata: {{name: any}}\nspec: {text}").get("spec")


def pod(value: Any, text: str) -> Any:
    """The pod spec of a Deployment after a strategic merge."""
    whole = merge({"template": {"spec": value}}, f"{{template: {{spec: {text}}}}}")
    return whole["template"]["spec"]
