# SPDX-License-Identifier: Apache-2.0
"""Files that come with the package."""

from __future__ import annotations

from pathlib import Path

import fluxsm


def manifests_folder() -> Path:
    """The manifests of the installed package, else those of the working copy."""
    package = Path(fluxsm.__file__).parent
    inside = package / "manifests"
    return inside if inside.is_dir() else package.parent / "manifests"
