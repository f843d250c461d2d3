# SPDX-License-Identifier: Apache-2.0
"""`fluxsm completion`: the script by which a shell completes commands, names and files."""

from __future__ import annotations

from typing import Final

import click

SHELLS: Final = ("bash", "zsh", "fish")
_VARIABLE: Final = "_FLUXSM_COMPLETE"


@click.command("completion", short_help="Print a completion script for a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print a script that lets a shell complete commands, names in the cluster, and files.

    \b
    bash:  source <(fluxsm completion bash)
    zsh:   source <(fluxsm completion zsh)
    fish:  fluxsm completion fish | source

    kubectl fluxsm is completed by kubectl itself, with the program kubectl_complete-fluxsm.
    """  # noqa: D301 the mark by which click leaves lines as they are
    from click.shell_completion import ShellComplete, get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise AssertionError(shell)  # the choice has only those that click knows
    program = found(click.get_current_context().find_root().command, {}, "fluxsm", _VARIABLE)
    # Not that of the class: it looks for the shell, which need not be on this machine.
    click.echo(ShellComplete.source(program))
