# SPDX-License-Identifier: Apache-2.0
"""Rules of style that no linter knows."""

from __future__ import annotations

import ast
import re
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


def test_docstrings_of_functions_are_in_one_mood() -> None:
    """An imperative says what is done, a noun what is returned; no linter accepts both."""
    third_person = re.compile(
        r"(Adds|Asks|Builds|Checks|Creates|Deletes|Gets|Keeps|Makes|Puts|Reads|Removes|Returns"
        r"|Saves|Says|Sends|Sets|Shows|Starts|Stops|Takes|Tells|Waits|Writes|Yields) "
    )
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if not path.is_relative_to(ROOT / "tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and third_person.match(ast.get_docstring(node) or "")
    ]
    assert found == []
