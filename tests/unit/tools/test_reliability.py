# SPDX-License-Identifier: Apache-2.0
"""The reliability page says what came of a command, and keeps what was not run again."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tools import reliability


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page with two lines, of which the first is known."""
    path = tmp_path / "page.md"
    rows = (
        ("A fault", "somehow", "python -c 'print(1)'"),
        ("Another", "somehow else", "python -c 'raise SystemExit(\"broken\")'"),
    )
    monkeypatch.setattr(reliability, "PAGE", path)
    monkeypatch.setattr(reliability, "ROWS", rows)
    return path


def test_a_result_is_written_and_kept(page: Path) -> None:
    """A second run of the other line leaves the first as it was."""
    assert reliability.main(["print"]) == 0
    first = page.read_text()
    assert re.search(r"\| `python -c 'print\(1\)'` \| \d{4}-\d\d-\d\d: 1 \|", first)
    assert "Another" not in first
    assert reliability.main(["raise"]) == 1
    second = page.read_text()
    assert all(line in second for line in first.splitlines())
    assert ": ✗ no output |" in second


@pytest.mark.parametrize("row", reliability.ROWS, ids=lambda row: row[2])
def test_every_line_names_something_that_exists(row: tuple[str, str, str]) -> None:
    """A test file, a folder of them, or a command."""
    for word in shlex.split(row[2]):
        if word.startswith("tests/"):
            assert (reliability.ROOT / word).exists()
