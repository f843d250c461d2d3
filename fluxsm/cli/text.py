# SPDX-License-Identifier: Apache-2.0
"""Lines of text for people: wrapped to a width, moments with their distance, tables."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from fluxsm.api import duration
from fluxsm.objects.timestamp import format_time

WIDEST: Final = 100
"""Columns that a line of text has at most."""

_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)


def terminal_columns() -> int | None:
    """How wide the terminal is; None where standard output is none, so that nothing is cut."""
    return shutil.get_terminal_size((WIDEST, 24)).columns if sys.stdout.isatty() else None


def width() -> int:
    """How wide a paragraph may be: as the terminal, as far as it can be read well."""
    return min(terminal_columns() or WIDEST, WIDEST)


def wrapped(text: str, columns: int, *, first: str = "", rest: str = "") -> list[str]:
    """The lines of a text; its own line breaks stay, and no word is cut.

    Args:
        text: the text.
        columns: the width.
        first: what the first line begins with.
        rest: what the others begin with.
    """
    lines: list[str] = []
    for part in text.splitlines() or [""]:
        lines += textwrap.wrap(
            part,
            columns,
            initial_indent=rest if lines else first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [rest if lines else first]
    return [line.rstrip() for line in lines]


def labelled(label: str, text: str, columns: int, *, indent: int) -> list[str]:
    """A paragraph with its label before the first line."""
    return wrapped(text, columns, first=f"{label:<{indent}}", rest=" " * indent)


def span(value: timedelta) -> str:
    """How long something lasts, to the second: `45s`, `1m12s`, `3d4h`."""
    value = max(value, timedelta(0))
    if value >= 2 * _DAY:
        return f"{value.days}d{value.seconds // 3600}h"
    return duration.format(round(value / _SECOND) * _SECOND)


def ago(moment: datetime, now: datetime) -> str:
    """A moment and its distance from now: `2026-11-29T12:00:00Z (1m12s ago)`."""
    if moment > now:
        return f"{format_time(moment)} (in {span(moment - now)})"
    return f"{format_time(moment)} ({span(now - moment)} ago)"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns in the form of all tables: padded with blanks, then a tab; the last one is not."""
    cells = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    return [
        "\t".join(cell.ljust(size) for cell, size in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
