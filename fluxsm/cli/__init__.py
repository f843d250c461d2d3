# SPDX-License-Identifier: Apache-2.0
"""The command line: one file per command, loaded only when the command is called.

Objects and tables go to standard output, everything else to standard error. An error is one line
for each finding and exit code 1; commands to which 1 means something else set `failure_code`.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, NoReturn

import click

from fluxsm import __version__
from fluxsm.errors import FluxsmError, UsageError

# Searching all installed packages for plugins would take a good part of a short command's time.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

_LASTING = {"install", "uninstall", "run", "simulate", "check-machine"}
"""Commands that may run long. The others leave no cycles worth a search, and end soon."""

# name: (module, what `fluxsm --help` says); the modules are heavy, the texts are not.
_COMMANDS = {
    "build": ("fluxsm.cli.build", "Print the objects of a FluxInstance, without a cluster."),
    "versions": ("fluxsm.cli.versions", "List the Flux versions of a distribution."),
    "diff": ("fluxsm.cli.diff", "Compare two FluxInstances or streams of objects."),
    "explain": (
        "fluxsm.cli.explain",
        "Say where the instance stands, why, and what comes next.",
    ),
    "history": ("fluxsm.cli.history", "List the transitions of the instance, and its revisions."),
    "push": ("fluxsm.cli.push", "Push a distribution folder to a registry as an artifact."),
    "install": ("fluxsm.cli.install", "Put the operator into a cluster."),
    "uninstall": ("fluxsm.cli.uninstall", "Take the operator, and Flux, out of a cluster."),
    "vendor": ("fluxsm.cli.vendor", "Fill a distribution folder with manifests of Flux."),
    "run": ("fluxsm.cli.run", "Run the operator."),
    "graph": ("fluxsm.cli.graph", "Draw the state machine."),
    "simulate": ("fluxsm.cli.simulate", "Play the life of an instance without a cluster."),
    "check-machine": ("fluxsm.cli.check_machine", "Check the laws of the machine in every case."),
}

_ALIASES = {"why": "explain"}
"""Other names of commands, which the help does not list."""


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


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and turns errors into lines.

    Attributes:
        failure_code: the exit code of errors, which a command may set.
    """

    failure_code = 1

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 as in the base class
        """All commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name."""
        cmd_name = _ALIASES.get(cmd_name, cmd_name)
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = importlib.import_module(_COMMANDS[cmd_name][0]).command
        if cmd_name in _LASTING:
            gc.enable()
        self.failure_code = getattr(found, "failure_code", 1)
        if cmd_name not in _LASTING and sys.stdout is None:
            raise UsageError("standard output is closed, and the result would go there")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called; of an unknown one, the nearest is named."""
        known = {**_COMMANDS, **_ALIASES}
        if args and args[0] not in known and not args[0].startswith("-"):
            close = get_close_matches(args[0].lower(), known, n=1)
            near = f"did you mean {close[0]}? " if close else ""
            ctx.fail(f"'{args[0]}' is not a command; {near}fluxsm --help lists them all")
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """The context; options that print something do it here."""
        with _closed_pipes():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _closed_pipes():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command and end the process with its exit code."""
        from fluxsm.cli.failure import explain, fail, give_up

        extra["standalone_mode"] = False
        self.failure_code = 1
        try:
            code = super().main(*args, **extra)
            if sys.stdout is not None:
                sys.stdout.flush()
        except click.ClickException as error:
            fail(error.format_message(), self.failure_code)
        except FluxsmError as error:
            if isinstance(error, _ClosedPipeError):
                give_up(sys.stdout)
            fail(error, self.failure_code)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(130)
        except OSError as error:
            give_up(sys.stdout)
            fail(explain(error), self.failure_code)
        sys.exit(code)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-v", "--version", prog_name="fluxsm")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Install and run Flux from one custom resource."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """The console script. Objects are not searched for cycles while modules are loaded."""
    gc.disable()
    root()
