# SPDX-License-Identifier: Apache-2.0
"""Labels of arrows in lines that are short enough to stand beside them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

LINE = 19
"""Characters of a line, unless a single word is longer."""


def lines(labels: Iterable[str]) -> list[str]:
    """The lines of all labels of an arrow."""
    return [line for label in labels for line in _lines(label)]


def _lines(label: str) -> list[str]:
    """The event, and its guard on a line of its own where both do not fit on one."""
    event, bracket, guard = label.partition(" [")
    if len(label) <= LINE or not bracket:
        return wrap(label)
    return [event, *wrap(f"[{guard}")]


def wrap(text: str) -> list[str]:
    """A text in lines."""
    return textwrap.wrap(text, LINE, break_long_words=False)
