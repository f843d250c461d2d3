# SPDX-License-Identifier: Apache-2.0
"""`kubectl_complete-fluxsm`: what kubectl calls to complete `kubectl fluxsm`.

It prints one candidate a line, with its help after a tab, and in the end a number: 4 keeps the
shell from completing files, 2 from adding a blank. It is the protocol of the library that kubectl
is made with.
"""

from __future__ import annotations

import sys
from typing import Final

import click

FILES: Final = 0
NO_SPACE: Final = 2
NO_FILES: Final = 4


def main() -> None:
    """Print the completions of the words that the process was called with."""
    from fluxsm.cli import root

    *words, incomplete = sys.argv[1:] or [""]
    for line in complete(root, words, incomplete):
        click.echo(line)


def complete(command: click.Command, words: list[str], incomplete: str) -> list[str]:
    """The lines that kubectl reads.

    Args:
        command: the program.
        words: before the one that is being completed.
        incomplete: that one, so far.
    """
    from click.shell_completion import ShellComplete

    shell = ShellComplete(command, {}, "kubectl fluxsm", "")
    found = shell.get_completions(words, incomplete)
    lines = [f"{item.value}\t{item.help or ''}".rstrip() for item in found if item.type == "plain"]
    files = FILES if any(item.type == "file" for item in found) else NO_FILES
    space = NO_SPACE if any(item.value.endswith("/") for item in found) else 0
    return [*lines, f":{files | space}"]
