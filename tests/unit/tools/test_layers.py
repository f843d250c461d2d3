# SPDX-License-Identifier: Apache-2.0
"""The layers of the architecture page are those of the import contracts."""

from __future__ import annotations

import pytest

from tools import layers

CONTRACTS = """
[importlinter:contract:layers]
name = Layers
type = layers
layers =
    fluxsm.core
    fluxsm.objects | states

[importlinter:contract:one]
name = Only one knows it
type = forbidden
"""
PAGE = f"before\n{layers.BEGIN}old\n{layers.END}after\n"


def test_the_block_follows_the_contracts() -> None:
    """Order, neighbours, what each is, and the name of every other contract."""
    line, _, rest = layers.block(CONTRACTS).partition("\n```\n")
    assert line == "```\ncore → objects | states"
    assert "| `states` | What the operator does." in rest
    assert rest.endswith("\n* Only one knows it.\n")


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    """However often."""
    once = layers.place(PAGE, "new\n")
    assert once == f"before\n{layers.BEGIN}\nnew\n\n{layers.END}after\n"
    assert layers.place(once, "new\n") == once


@pytest.mark.parametrize("mark", [layers.BEGIN, layers.END], ids=["begin", "end"])
def test_a_mark_that_is_missing_is_named(mark: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"docs/architecture\.md lacks the mark"):
        layers.place(PAGE.replace(mark, ""), "new\n")
