# SPDX-License-Identifier: Apache-2.0
"""The scenarios that come with the package: their files, and what each shows.

Whoever only lists them loads no world: that takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fluxsm.build import yaml

_FOLDER: Final = Path(__file__).with_name("scenarios")


def texts() -> Mapping[str, str]:
    """The text of each, by name, in the order of names."""
    return {path.stem: path.read_text("utf-8") for path in sorted(_FOLDER.glob("*.yaml"))}


def titles() -> Mapping[str, str]:
    """What each shows, in one line, by name."""
    return {name: _title(text, name) for name, text in texts().items()}


def _title(text: str, name: str) -> str:
    about = yaml.load_mappings(text, name)[0].get("about", "")
    return str(about).strip().partition("\n")[0]
