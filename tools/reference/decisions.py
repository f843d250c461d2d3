# SPDX-License-Identifier: Apache-2.0
"""The list of decisions, by their own titles."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "adr"

_INTRO = """# Decisions

One file per decision: context, decision, consequences. One that no longer holds is marked and
stays.
"""


def page() -> str:
    """The page."""
    lines = [_INTRO]
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        title = next(line for line in path.read_text().splitlines() if line.startswith("# "))
        lines.append(f"* [{path.stem[:4]}]({path.name}): {title.split(' ', 2)[-1]}")
    return "\n".join(lines) + "\n"
