# SPDX-License-Identifier: Apache-2.0
"""How a command ends when something is wrong: one line for each finding, and the exit code."""

from __future__ import annotations

import os
import sys
from typing import IO, Any, NoReturn

import click

from fluxsm.cli import next_step
from fluxsm.cli.talk import Mark
from fluxsm.objects.redaction import redact


def fail(error: Exception | str, code: int = 1) -> NoReturn:
    """Print what is wrong and end the process.

    Args:
        error: with `lines` where it has several findings.
        code: the exit code.
    """
    step = next_step.of(error) if isinstance(error, Exception) else ""
    for line in getattr(error, "lines", None) or (str(error),):
        advice = f"; {step}" if step else ""
        say(f"{Mark.FAILED.colored} {' '.join(redact(line).split())}{advice}")
    sys.exit(code)


def say(line: str) -> None:
    """Print a line to standard error, without a login; one that is closed does not matter."""
    try:
        click.echo(redact(line), err=True)
    except OSError:
        give_up(sys.stderr)


def give_up(stream: IO[Any] | None) -> None:
    """Let what a broken stream still holds go nowhere, so that the end of the process is quiet."""
    try:
        descriptor = stream.fileno() if stream is not None else None
    except (OSError, ValueError):
        return
    if descriptor is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def explain(error: OSError) -> str:
    """Why the system refused something: a file, or else standard output."""
    reason = (error.strerror or str(error)).lower()
    if error.filename is not None:
        return f"{error.filename}: {reason}"
    if isinstance(error, BrokenPipeError):
        return "standard output was closed before everything was written"
    return f"standard output cannot be written: {reason}"
