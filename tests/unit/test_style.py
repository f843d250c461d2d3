# SPDX-License-Identifier: Apache-2.0
"""Rules of style that no linter knows."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("fluxsm", "states", "tests", "tools", "bench")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
LICENCE = "# SPDX-License-Identifier: Apache-2.0"


def test_there_is_something_to_look_at() -> None:
    """The folders are where they are looked for."""
    assert len(SOURCES) > 100


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_names_its_licence(folder: str) -> None:
    """In its first line, or in the second where the first says what runs it."""
    missing = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.is_relative_to(ROOT / folder)
        and LICENCE not in path.read_text(encoding="utf-8").splitlines()[:2]
    ]
    assert missing == []
