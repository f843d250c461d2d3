# SPDX-License-Identifier: Apache-2.0
"""What commands say beside their data: lines with one set of marks, on standard error."""

from __future__ import annotations

from enum import Enum

import click

from fluxsm.objects.redaction import redact


class Mark(Enum):
    """What a line is about, as one character that every terminal font has."""

    TRIGGERED = "►"
    WAITING = "◎"
    DONE = "✔"
    FAILED = "✗"
    NOTE = "•"

    @property
    def colored(self) -> str:
        """The mark in its colour; where there are no colours, `click.echo` takes it off."""
        return click.style(self.value, fg=_COLORS[self])


_COLORS = {
    Mark.TRIGGERED: "blue",
    Mark.WAITING: "cyan",
    Mark.DONE: "green",
    Mark.FAILED: "red",
    Mark.NOTE: "yellow",
}


def triggered(text: str) -> None:
    """Say that something was asked for."""
    _line(Mark.TRIGGERED, text)


def waiting(text: str) -> None:
    """Say what is waited for."""
    _line(Mark.WAITING, text)


def done(text: str) -> None:
    """Say what is done."""
    _line(Mark.DONE, text)


def failed(text: str) -> None:
    """Say what went wrong, where the command goes on; else raise."""
    _line(Mark.FAILED, text)


def note(text: str) -> None:
    """Say that there is nothing to do, or what else one should know."""
    _line(Mark.NOTE, text)


def _line(mark: Mark, text: str) -> None:
    """Print one line, without a login."""
    from fluxsm.cli.failure import say

    say(f"{mark.colored} {' '.join(redact(text).split())}")
