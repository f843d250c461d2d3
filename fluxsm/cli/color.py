# SPDX-License-Identifier: Apache-2.0
"""Whether there are colours: `--color`, NO_COLOR, and what the terminal can."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_CHOICES: Final[Mapping[str, bool | None]] = {"auto": None, "always": True, "never": False}


def option(command: F) -> F:
    """Give a command `--color`, which wins over NO_COLOR."""
    return click.option(
        "--color",
        type=click.Choice(list(_CHOICES)),
        default=None,
        expose_value=False,
        callback=_choose,
        help="Colours. [default: auto: on a terminal, unless NO_COLOR is set]",
    )(command)


def by_environment() -> bool | None:
    """False where the environment asks for no colours, else None: by what the output is."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def _choose(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.color = by_environment() if value == "auto" else _CHOICES[value]
