# SPDX-License-Identifier: Apache-2.0
"""The reliability page says what came of a command, and keeps what was not run again."""

from __future__ import annotations

import re
import shlex
import subprocess
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
    command = r"`python -c 'print\(1\)'`"
    assert re.search(rf"\| {command} \| \d{{4}}-\d\d-\d\d, `[0-9a-f]{{7,}}\+?`: 1 \|", first)
    assert "Another" not in first
    assert reliability.main(["raise"]) == 1
    second = page.read_text()
    assert all(line in second for line in first.splitlines())
    assert ": ✗ no output |" in second


def test_the_commit_is_marked_when_files_differ_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page itself does not count: it is what a run writes."""

    def git(*args: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *args]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    monkeypatch.setattr(reliability, "ROOT", tmp_path)
    monkeypatch.setattr(reliability, "PAGE", tmp_path / "page.md")
    for name in ("page.md", "code.py"):
        (tmp_path / name).write_text("old")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "Begin")
    head = git("rev-parse", "--short", "HEAD")
    (tmp_path / "page.md").write_text("new")
    assert reliability.commit() == head
    (tmp_path / "code.py").write_text("new")
    assert reliability.commit() == f"{head}+"


@pytest.mark.parametrize("row", reliability.ROWS, ids=lambda row: row[2])
def test_every_line_names_something_that_exists(row: tuple[str, str, str]) -> None:
    """A test file, a folder of them, or a command."""
    for word in shlex.split(row[2]):
        if word.startswith("tests/"):
            assert (reliability.ROOT / word).exists()
