# SPDX-License-Identifier: Apache-2.0
"""Links from flags to what completes them, which is loaded when somebody completes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def offer(what: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """What completes a value.

    Args:
        what: name of a function of `fluxsm.cli.completion.candidates`.
    """

    def complete(ctx: click.Context, param: click.Parameter, word: str) -> list[CompletionItem]:
        from fluxsm.cli.completion import candidates

        found: list[CompletionItem] = getattr(candidates, what)(ctx, param, word)
        return found

    return complete
