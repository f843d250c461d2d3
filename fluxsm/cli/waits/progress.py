# SPDX-License-Identifier: Apache-2.0
"""What a person sees during a wait: a table that is drawn again, or lines where nothing can be."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import click

from fluxsm.cli import table, talk
from fluxsm.cli.failure import say
from fluxsm.cli.waits.row import Row
from fluxsm.objects.redaction import redact

REMINDER_SECONDS: Final = 30.0
"""After so long without a line, lines say that the wait goes on."""

_LEAST: Final = 40
"""Columns that a row needs; a narrower terminal wraps it."""

_UP: Final = "\x1b[{}A\r\x1b[J"
"""Goes to the first line of the table and clears what is below."""


class Progress(Protocol):
    """Shows a wait."""

    def show(self, rows: Mapping[str, Row], elapsed: str, seconds: float) -> None:
        """Show how things are.

        Args:
            rows: by name, in the order in which they are shown.
            elapsed: time and limit, such as `12s of 1m0s`.
            seconds: since the wait began.
        """

    def note(self, text: str) -> None:
        """Say something else."""

    def end(self) -> None:
        """Leave what is shown behind, for what is printed next."""


class Lines:
    """A line for each object that changes, and a reminder when none has for long."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, ...]] = {}
        self._spoken = 0.0

    def show(self, rows: Mapping[str, Row], elapsed: str, seconds: float) -> None:
        """Print what is new. What is done from the start is no news."""
        for row in rows.values():
            if self._said.get(row.name) == row.news:
                continue
            if row.name in self._said or not row.is_done:
                say(f"{row.mark.colored} {_line(row)} ({elapsed})")
                self._spoken = seconds
            self._said[row.name] = row.news
        if seconds - self._spoken >= REMINDER_SECONDS:
            waiting = next((row for row in rows.values() if row.main), None)
            talk.waiting(f"{_line(waiting) if waiting else 'still waiting'} ({elapsed})")
            self._spoken = seconds

    def note(self, text: str) -> None:
        """Print it."""
        talk.note(text)

    def end(self) -> None:
        """There is nothing to leave."""


class Live:
    """A table on standard error that is drawn over itself."""

    def __init__(
        self,
        size: Callable[[], tuple[int, int]],
        write: Callable[[str], None] = lambda text: click.echo(text, err=True, nl=False),
    ) -> None:
        """Prepare.

        Args:
            size: columns and lines of the terminal, asked for each time: it may change.
            write: prints.
        """
        self._size, self._write = size, write
        self._drawn = 0
        self._lines: list[str] = []
        self._note = ""

    def show(self, rows: Mapping[str, Row], elapsed: str, seconds: float) -> None:  # noqa: ARG002 as in the protocol
        """Draw the table."""
        columns, height = self._size()
        shown = sorted(rows.values(), key=lambda row: row.is_done)[: max(1, height - 3)]
        names = {row.name for row in shown}
        kept = [row for row in rows.values() if row.name in names]
        self._lines = [_cells(row, kept, columns) for row in kept]
        footer = f"{talk.Mark.WAITING.colored} {elapsed}{f', {self._note}' if self._note else ''}"
        self._draw([*self._lines, table.cut(footer, columns - 1)])

    def note(self, text: str) -> None:
        """Show it below the table, until something else is to be said."""
        self._note = " ".join(redact(text).split())

    def end(self) -> None:
        """Leave the table without its last line."""
        self._draw(self._lines)
        self._drawn = 0

    def _draw(self, lines: list[str]) -> None:
        begin = _UP.format(self._drawn) if self._drawn else ""
        self._write(begin + "".join(f"{line}\n" for line in lines))
        self._drawn = len(lines)


def start() -> Progress:
    """The form that fits standard error."""
    return Live(_size) if _is_terminal() else Lines()


def _is_terminal() -> bool:
    try:
        return (
            sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"
        )
    except ValueError:
        return False


def _size() -> tuple[int, int]:
    try:
        found = os.get_terminal_size(sys.stderr.fileno())
    except OSError:
        return 80, 24
    return found.columns or 80, found.lines or 24


def _line(row: Row) -> str:
    message = "" if row.main and row.is_done else f": {row.message}" if row.message else ""
    return " ".join(redact(f"{row.name} {row.status}{message}").split())


def _cells(row: Row, rows: list[Row], columns: int) -> str:
    """A row that fits on a line: name, status, and as much of the message as there is room for."""
    names = max(len(item.short) for item in rows)
    statuses = max(len(item.status) for item in rows)
    message = "".join(
        character if character.isprintable() else " "
        for character in " ".join(redact(row.message).split())
    )
    head = f"{table.pad(row.short, names)}  {table.pad(row.status, statuses)}"
    room = max(columns, _LEAST) - 3
    return f"{row.mark.colored} {table.cut(f'{head}  {message}'.rstrip(), room)}"
