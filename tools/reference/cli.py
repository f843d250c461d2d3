# SPDX-License-Identifier: Apache-2.0
"""The page about the command line: the help texts as the commands give them."""

from __future__ import annotations

import click

from fluxsm.cli import root

_WIDTH = 100


def page() -> str:
    """The page."""
    context = click.Context(
        root, info_name="fluxsm", max_content_width=_WIDTH, terminal_width=_WIDTH
    )
    parts = ["# Command line\n", _block(root.get_help(context))]
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        if command is None:
            raise LookupError(name)
        inner = click.Context(
            command,
            info_name=name,
            parent=context,
            max_content_width=_WIDTH,
            terminal_width=_WIDTH,
        )
        parts += [f"\n## fluxsm {name}\n", _block(command.get_help(inner))]
    return "\n".join(parts) + "\n"


def _block(text: str) -> str:
    return f"```text\n{text}\n```"
