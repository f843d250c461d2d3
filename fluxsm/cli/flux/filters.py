# SPDX-License-Identifier: Apache-2.0
"""The flags by which commands choose among the objects of Flux."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from fluxsm.api.flux_kinds import FluxKind
from fluxsm.cli.completion.offer import offer
from fluxsm.cli.flux.kinds import of_word

F = TypeVar("F", bound=Callable[..., Any])


def kinds(command: F) -> F:
    """Give a command `--kind`, which may be repeated or a list with commas."""
    return click.option(
        "--kind",
        "kinds",
        multiple=True,
        metavar="KIND",
        shell_complete=offer("kinds"),
        help="Kind or short name, such as ks; a list with commas, may be repeated.",
    )(command)


def all_namespaces(command: F) -> F:
    """Give a command `-A`."""
    return click.option("-A", "--all-namespaces", is_flag=True, help="In all namespaces.")(command)


def ready(command: F) -> F:
    """Give a command `--ready-status`, as `ready`."""
    return click.option(
        "--ready-status",
        "ready",
        type=click.Choice(["True", "False", "Unknown", "Suspended"], case_sensitive=False),
        help="Only those that are so.",
    )(command)


def chosen(words: Iterable[str]) -> list[FluxKind]:
    """The kinds of `--kind`, each once.

    Raises:
        UsageError: there is no such kind of Flux.
    """
    given = (word for part in words for word in part.split(",") if word)
    return list(dict.fromkeys(of_word(word) for word in given))
