# SPDX-License-Identifier: Apache-2.0
"""The question before a command changes what cannot be brought back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from fluxsm.cli.failure import say
from fluxsm.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def option(command: F) -> F:
    """Give a command `--yes`."""
    return click.option(
        "-y", "--yes", is_flag=True, help="Do not ask; needed where nobody can be asked."
    )(command)


def confirm(lines: Iterable[str], question: str, *, yes: bool) -> None:
    """Say what will be done, and go on only when somebody wants it.

    All of it goes to standard error. A question that is not answered with yes counts as no.

    Args:
        lines: what will be done, one thing a line.
        question: ends with a question mark.
        yes: whether the flag has answered it.

    Raises:
        UsageError: the answer is no, or there is no terminal to ask on.
        click.Abort: the question was interrupted.
    """
    for line in lines:
        say(line)
    if yes:
        return
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stderr)):
        raise UsageError(
            "nothing was changed: this is no terminal to ask on; --yes answers the question"
            f" {question!r}"
        )
    if not click.confirm(question, default=False, err=True):
        raise UsageError("nothing was changed: the answer was no")


def _is_terminal(stream: Any) -> bool:
    """Whether a stream is open, and somebody sits at its other end."""
    try:
        return bool(stream is not None and stream.isatty())
    except ValueError:
        return False
