# SPDX-License-Identifier: Apache-2.0
"""The decisions in docs/adr: their numbers, heads and lines.

Numbers from `PROVISIONAL` on are for branches: two branches would otherwise take the same next
number. Such a decision is renumbered when its branch is merged, to the lowest number that is free.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tools.reference.decisions import COLUMNS, FOLDER, Decision, decisions, page, parse

PROVISIONAL = 30
FILES = sorted(FOLDER.glob("*.md"))
HEAD = "# 1. A title\n\nStatus: {status}\n\nDate: 2026-01-31\n\n## Context\n"


def test_numbers_have_no_hole() -> None:
    """From 1 on, each once; provisional ones may be any, each once as well."""
    numbers = [decision.number for decision in decisions()]
    assert len(numbers) == len(set(numbers))
    kept = [number for number in numbers if number < PROVISIONAL]
    assert kept == list(range(1, len(kept) + 1))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_lines_are_short(path: Path) -> None:
    """Also those of the list."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        assert len(line) <= COLUMNS, f"{path.name}:{number}"


@pytest.mark.parametrize("decision", decisions(), ids=lambda decision: decision.path.stem)
def test_heads(decision: Decision) -> None:
    """The number is that of the file, there is one date, and what replaced it is a later one."""
    assert decision.path.name.startswith(f"{decision.number:04}-")
    dates = [line for line in decision.path.read_text().splitlines() if line.startswith("Date: ")]
    assert len(dates) == 1
    date.fromisoformat(dates[0].removeprefix("Date: "))
    if decision.replacement is not None and decision.later is not None:
        assert decision.later > decision.number
        assert decision.replacement.startswith(f"{decision.later:04}-")
        assert (FOLDER / decision.replacement).is_file()


def test_a_decision_that_was_replaced_is_marked_in_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays there."""
    first = HEAD.format(status="superseded by [0002](0002-b.md)")
    (tmp_path / "0001-a.md").write_text(first)
    (tmp_path / "0002-b.md").write_text(HEAD.replace("# 1.", "# 2.").format(status="accepted"))
    monkeypatch.setattr("tools.reference.decisions.FOLDER", tmp_path)
    assert "* [0001](0001-a.md): A title (superseded by 0002)\n" in page()
    assert "* [0002](0002-b.md): A title\n" in page()


@pytest.mark.parametrize(
    "text",
    [
        HEAD.format(status="replaced"),
        HEAD.format(status="accepted").replace("Date: 2026-01-31\n\n", ""),
        HEAD.format(status="accepted").replace("# 1.", "#"),
    ],
    ids=["another status", "no date", "no number"],
)
def test_a_head_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    """The message says which form is wanted."""
    path = tmp_path / "0001-a.md"
    path.write_text(text)
    with pytest.raises(ValueError, match="Status: accepted"):
        parse(path)
