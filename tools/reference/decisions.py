# SPDX-License-Identifier: Apache-2.0
"""The list of decisions, by their own titles, and what holds of each of their files."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "adr"

COLUMNS: Final = 100
"""The longest line of a decision, and of this list."""

_HEAD = re.compile(
    r"# (?P<number>\d+)\. (?P<title>.+)\n\n"
    r"Status: (?P<status>accepted|superseded by \[(?P<later>\d{4})\]\((?P<file>[^)]+)\))\n\n"
    r"Date: (?P<date>\d{4}-\d{2}-\d{2})\n\n"
)

_INTRO = """# Decisions

One file per decision: status, date on which it was made, context, decision, consequences. One that
no longer holds stays, with the status `superseded by` and a link to the one that replaced it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The head of a decision.

    Attributes:
        path: its file, whose name begins with the number in four digits.
        number: its number.
        title: its title.
        later: the number of the decision that replaced it, None while it holds.
        replacement: the file of that decision.
    """

    path: Path
    number: int
    title: str
    later: int | None
    replacement: str | None


def parse(path: Path) -> Decision:
    """The head of a decision.

    Raises:
        ValueError: it has another form.
    """
    found = _HEAD.match(path.read_text())
    if found is None:
        raise ValueError(
            f"{path}: a decision begins with the lines '# 1. Title', 'Status: accepted' or"
            " 'Status: superseded by [0002](0002-name.md)', and 'Date: 2026-01-31',"
            " with an empty line after each"
        )
    return Decision(
        path=path,
        number=int(found["number"]),
        title=found["title"],
        later=int(found["later"]) if found["later"] else None,
        replacement=found["file"],
    )


def decisions() -> list[Decision]:
    """All decisions, by the names of their files."""
    return [parse(path) for path in sorted(FOLDER.glob("[0-9]*.md"))]


def page() -> str:
    """The page."""
    return "\n".join([_INTRO, *map(_line, decisions())]) + "\n"


def _line(decision: Decision) -> str:
    title = decision.title
    if decision.later is not None:
        title += f" (superseded by {decision.later:04})"
    return textwrap.fill(
        f"* [{decision.number:04}]({decision.path.name}): {title}",
        COLUMNS,
        subsequent_indent="  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
