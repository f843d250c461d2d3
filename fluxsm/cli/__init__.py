# SPDX-License-Identifier: Apache-2.0
"""The command line: one file per command, loaded only when the command is called.

Data goes to standard output, everything else to standard error. An error is one line for each
finding and exit code 1; commands to which 1 means something else set `failure_code`.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, NoReturn

import click

from fluxsm import __version__
from fluxsm.cli.color import by_environment
from fluxsm.cli.commands import COMMANDS, SECTIONS
from fluxsm.cli.exit_codes import Exit
from fluxsm.cli.group import LazyGroup
from fluxsm.errors import FluxsmError, UsageError

# Searching all installed packages for plugins would take a good part of a short command's time.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

WIDTH: Final = 100
"""Columns of help, where the terminal has so many."""


class _ClosedPipeError(UsageError):
    """Nobody reads standard output any more."""


@contextmanager
def _closed_pipes() -> Iterator[None]:
    """Keep the library from ending the process without a word when a pipe is closed."""
    try:
        yield
    except BrokenPipeError as error:
        from fluxsm.cli.failure import explain

        raise _ClosedPipeError(explain(error)) from None


class _InterruptedError(UsageError):
    """Somebody pressed Ctrl-C. The library would write an empty line then."""


class Root(LazyGroup):
    """The program: turns errors into lines and exit codes."""

    _context: click.Context | None = None

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """The context; options that print something do it here."""
        with _closed_pipes():
            self._context = super().make_context(*args, **extra)
        return self._context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with _closed_pipes():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _InterruptedError from None

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command and end the process with its exit code."""
        extra["standalone_mode"] = False
        self._context = None
        try:
            code = super().main(*args, **extra)
            if sys.stdout is not None:
                sys.stdout.flush()
        except (click.ClickException, FluxsmError, KeyboardInterrupt, click.Abort, OSError) as end:
            with self._scope():
                self._end(end)
        sys.exit(code)

    def _scope(self) -> AbstractContextManager[Any]:
        """The context of the command, for its colours; none when there was a wrong flag."""
        return self._context.scope(cleanup=False) if self._context else nullcontext()

    def _end(self, error: BaseException) -> NoReturn:
        """Say what is wrong, in the colours that were asked for, and end the process."""
        from fluxsm.cli.failure import explain, fail, give_up

        meta = self._context.meta if self._context else {}
        code = meta.get("failure_code", Exit.FAILED)
        match error:
            case click.ClickException():
                fail(error.format_message(), code)
            case _ClosedPipeError():
                give_up(sys.stdout)
                fail(error, code)
            case _InterruptedError() | KeyboardInterrupt() | click.Abort():
                _leave_line()
                fail(f"interrupted{meta.get('interrupted', '')}", Exit.INTERRUPTED)
            case FluxsmError():
                fail(error, code)
            case OSError():
                give_up(sys.stdout)
                fail(explain(error), code)
        raise error


def _leave_line() -> None:
    """End the line in which a terminal has shown ^C."""
    if sys.stderr is not None and sys.stderr.isatty():
        click.echo(err=True)


@click.group(
    "fluxsm",
    cls=Root,
    entries=COMMANDS,
    sections=SECTIONS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
)
@click.version_option(__version__, "-v", "--version", prog_name="fluxsm")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Install and run Flux from one custom resource."""
    ctx.color = by_environment()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """The console script. Objects are not searched for cycles while modules are loaded."""
    gc.disable()
    root(prog_name=_name(sys.argv[0]))


def _name(path: str) -> str:
    """The program as people call it; kubectl calls a plugin by its file."""
    name = os.path.basename(path)  # noqa: PTH119 pathlib would be imported for this alone
    return f"kubectl {name.removeprefix('kubectl-')}" if name.startswith("kubectl-") else "fluxsm"
