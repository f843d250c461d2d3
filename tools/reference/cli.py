# SPDX-License-Identifier: Apache-2.0
"""The page about the command line: the help texts as the commands give them."""

from __future__ import annotations

import click

from fluxsm.cli import WIDTH, exit_codes, root
from fluxsm.cli.group import LazyGroup


def page() -> str:
    """The page."""
    context = click.Context(root, info_name="fluxsm", terminal_width=WIDTH)
    parts = ["# Command line\n", _block(root.get_help(context))]
    parts += _commands(root, context)
    return "\n".join([*parts, _exit_codes()]) + "\n"


def _commands(group: LazyGroup, context: click.Context) -> list[str]:
    """The help of each command of a group, and of those behind its verbs."""
    parts: list[str] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(name)
        inner = click.Context(command, info_name=name, parent=context, terminal_width=WIDTH)
        if isinstance(command, LazyGroup):
            parts += _commands(command, inner)
        else:
            parts += [f"\n## {inner.command_path}\n", _block(command.get_help(inner))]
    return parts


def _exit_codes() -> str:
    rows = [f"| {code} | {commands} | {meaning} |" for code, commands, meaning in exit_codes.TABLE]
    head = ["\n## Exit codes\n", "| Code | Commands | Meaning |", "|---|---|---|"]
    return "\n".join([*head, *rows])


def _block(text: str) -> str:
    return f"```text\n{text}\n```"
