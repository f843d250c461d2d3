# SPDX-License-Identifier: Apache-2.0
"""The command line: one file per command, loaded only when the command is called.

Objects and tables go to standard output, everything else to standard error. An error is one line
and exit code 1; commands to which 1 means something else set `failure_code`.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import Any, NoReturn

import click

from fluxsm import __version__
from fluxsm.errors import FluxsmError

# Searching all installed packages for plugins would take a good part of a short command's time.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

_LASTING = {"install", "uninstall", "run", "simulate", "check-machine"}
"""Commands that may run long. The others leave no cycles worth a search, and end soon."""

# name: (module, what `fluxsm --help` says); the modules are heavy, the texts are not.
_COMMANDS = {
    "build": ("fluxsm.cli.build", "Print the objects of a FluxInstance, without a cluster."),
    "versions": ("fluxsm.cli.versions", "List the Flux versions of a distribution."),
    "diff": ("fluxsm.cli.diff", "Compare two FluxInstances or streams of objects."),
    "push": ("fluxsm.cli.push", "Push a distribution folder to a registry as an artifact."),
    "install": ("fluxsm.cli.install", "Put the operator into a cluster."),
    "uninstall": ("fluxsm.cli.uninstall", "Take the operator, and Flux, out of a cluster."),
    "vendor": ("fluxsm.cli.vendor", "Fill a distribution folder with manifests of Flux."),
    "run": ("fluxsm.cli.run", "Run the operator."),
    "graph": ("fluxsm.cli.graph", "Draw the state machine."),
    "simulate": ("fluxsm.cli.simulate", "Play the life of an instance without a cluster."),
    "check-machine": ("fluxsm.cli.check_machine", "Check the laws of the machine in every case."),
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
        if cmd_name in _LASTING:
            gc.enable()
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command and end the process with its exit code."""
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            _fail(error.format_message(), getattr(context and context.command, "failure_code", 1))
        except FluxsmError as error:
            _fail(str(error))
        except (KeyboardInterrupt, click.Abort):
            sys.exit(130)
        sys.exit(code)


@click.group(cls=LazyGroup, invoke_without_command=True)
@click.version_option(__version__, "-v", "--version", prog_name="fluxsm")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Install and run Flux from one custom resource."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """The console script. Objects are not searched for cycles while modules are loaded."""
    gc.disable()
    root()


def _fail(message: str, code: int = 1) -> NoReturn:
    click.echo(f"✗ {' '.join(message.split())}", err=True)
    sys.exit(code)
