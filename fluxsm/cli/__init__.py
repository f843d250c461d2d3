# SPDX-License-Identifier: Apache-2.0
"""The command line: one file per command, loaded only when the command is called."""

from __future__ import annotations

import importlib
import sys

import click

from fluxsm import __version__
from fluxsm.errors import FluxsmError

# name: (module, what `fluxsm --help` says); the modules are heavy, the texts are not.
_COMMANDS = {
    "run": ("fluxsm.cli.run", "Run the operator."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and turns errors into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 as in the base class
        """All commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name."""
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = importlib.import_module(_COMMANDS[cmd_name][0]).command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup)
@click.version_option(__version__, "-v", "--version", prog_name="fluxsm")
def root() -> None:
    """Install and run Flux from one custom resource."""


def main() -> None:
    """The console script."""
    try:
        root(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        _fail(error.format_message())
    except FluxsmError as error:
        _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)


def _fail(message: str) -> None:
    click.echo(f"✗ {message}", err=True)
    sys.exit(1)
