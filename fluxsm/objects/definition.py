# SPDX-License-Identifier: Apache-2.0
"""What a CustomResourceDefinition says about its custom resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fluxsm.api.objects import Manifest
from fluxsm.objects import manifest

_OPEN: Final = "x-kubernetes-preserve-unknown-fields"


def describes_spec(definition: Manifest) -> bool:
    """Whether the schema of a version says which fields a spec has, so that no other is kept.

    An open schema keeps whatever it is given: it is marked at its root or at the spec. A mark
    further down, as for the values of a HelmRelease, opens one field only.
    """
    return any(map(_describes, manifest.entries(definition, "spec", "versions")))


def _describes(version: Mapping[str, Any]) -> bool:
    root = manifest.mapping(version, "schema", "openAPIV3Schema")
    spec = manifest.mapping(root, "properties", "spec")
    return bool(spec.get("properties")) and not (root.get(_OPEN) or spec.get(_OPEN))
