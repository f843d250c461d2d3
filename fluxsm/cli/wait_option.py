# SPDX-License-Identifier: Apache-2.0
"""`--wait`: whether a command waits until what it asked for is done; also as `--wait=false`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_WORDS: Final = {"--wait=true": "--wait", "--wait=false": "--no-wait"}


class Waiting(click.Command):
    """A command that takes `--wait=false`, as programs written in Go do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        return super().parse_args(ctx, [_WORDS.get(word, word) for word in args])


def option(command: F) -> F:
    """Give a command `--wait`, which is on unless it is switched off."""
    return click.option(
        "--wait/--no-wait", default=True, show_default=True, help="Wait until it is done."
    )(command)
