# SPDX-License-Identifier: Apache-2.0
"""Tables: whole and with tabs for programs, cut to the width of the terminal for people."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import click

LEAST: Final = 12
"""Characters that stay of a cell that must shrink; the table is wider than the terminal then."""

_GAP: Final = 2
_COLOR: Final = re.compile(r"\x1b\[[0-9;]*m")
_WORDS: Final = {
    "True": "green",
    "False": "red",
    "Unknown": "yellow",
    "Suspended": "magenta",
}


class Column(NamedTuple):
    """A column.

    Attributes:
        title: in capital letters.
        wide: whether it is only there with `-o wide`.
        shrinks: whether its cells may be cut to make the table fit.
        for_people: whether it is only there on a terminal; False: only elsewhere; None: always.
    """

    title: str
    wide: bool = False
    shrinks: bool = False
    for_people: bool | None = None


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is, None when it is none."""
    return shutil.get_terminal_size().columns if _is_terminal() else None


def _is_terminal() -> bool:
    try:
        return sys.stdout is not None and os.isatty(sys.stdout.fileno())
    except (OSError, ValueError):
        return False


class Table:
    """Rows under columns.

    For programs each cell is padded with blanks and followed by a tab, as in the tables of the
    reference, and nothing is cut. For people there are two blanks between columns, and the columns
    that may shrink are cut, the longest first, until a line fits.
    """

    def __init__(
        self, columns: Sequence[Column], *, wide: bool = False, width: int | None = None
    ) -> None:
        """Prepare.

        Args:
            columns: all columns; rows have a cell for each of them.
            wide: whether the wide columns are shown, and nothing is cut.
            width: of the terminal; None for programs.
        """
        people = width is not None
        self._shown = [
            place
            for place, column in enumerate(columns)
            if (wide or not column.wide) and column.for_people in {None, people}
        ]
        self._columns = columns
        self._width = None if wide else width
        self._people = people
        self._widths: list[int] = []

    def lines(self, rows: Iterable[Sequence[str]], *, header: bool = True) -> list[str]:
        """The lines of rows; a later call keeps the widths of the first, for a watch.

        Args:
            rows: cells, one for each column.
            header: whether the titles come first.
        """
        chosen = [[_flat(row[place]) for place in self._shown] for row in rows]
        titles = [self._columns[place].title for place in self._shown]
        if not self._widths:
            self._widths = self._fit([titles, *chosen])
        body = [self._line(row, titles=False) for row in chosen]
        return [self._line(titles, titles=True), *body] if header else body

    def _fit(self, rows: Sequence[Sequence[str]]) -> list[int]:
        """The widths of the columns; the longest that may shrink give way first."""
        widths = [max(map(measure, cells)) for cells in zip(*rows, strict=True)]
        if self._width is None:
            return widths
        excess = sum(widths) + _GAP * (len(widths) - 1) - self._width
        places = [at for at, place in enumerate(self._shown) if self._columns[place].shrinks]
        while excess > 0 and places:
            longest = max(places, key=lambda place: widths[place])
            if widths[longest] <= LEAST:
                break
            widths[longest] -= 1
            excess -= 1
        return widths

    def _line(self, cells: Sequence[str], *, titles: bool) -> str:
        fitted = [
            pad(cut(cell, width) if self._width is not None else cell, width)
            for cell, width in zip(cells, self._widths, strict=True)
        ]
        if titles:
            fitted = [click.style(cell, bold=True) for cell in fitted]
        else:
            fitted = [_paint(cell) for cell in fitted]
        if self._people:
            return (" " * _GAP).join(fitted).rstrip()
        return "\t".join(fitted) + (" " if titles else "\t")


def measure(text: str) -> int:
    """How many columns a text takes on a terminal; colours take none, some characters two."""
    plain = _COLOR.sub("", text)
    if plain.isascii():
        return len(plain)
    return sum(_columns_of(character) for character in plain)


def cut(text: str, width: int) -> str:
    """A text, or as much of it as fits, with an ellipsis for the rest."""
    if measure(text) <= width:
        return text
    found, used = "", 0
    for character in _COLOR.sub("", text):
        used += _columns_of(character)
        if used > width - 1:
            break
        found += character
    return f"{found.rstrip()}…"


def pad(text: str, width: int) -> str:
    """A text with blanks up to a width."""
    return text + " " * (width - measure(text))


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _flat(cell: str) -> str:
    """A cell on one line, without what a terminal would obey."""
    return "".join(map(_printable, " ".join(cell.split())))


def _printable(character: str) -> str:
    return character if character.isprintable() else "�"


def _paint(cell: str) -> str:
    color = _WORDS.get(cell.strip())
    return click.style(cell, fg=color) if color else cell
