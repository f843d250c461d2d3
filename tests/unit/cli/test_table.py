# SPDX-License-Identifier: Apache-2.0
"""Tables for people and for programs."""

from __future__ import annotations

import click
import pytest

from fluxsm.cli.table import Column, Table, cut, measure

COLUMNS = (
    Column("NAME"),
    Column("STATE", wide=True),
    Column("MESSAGE", shrinks=True),
    Column("AT", for_people=False),
    Column("AGE", for_people=True),
)
ROWS = [
    ("flux", "Ready", "Reconciliation finished in 2s", "2026-11-29", "3m"),
    ("other", "Failed", "no", "2026-11-30", "1d"),
]


def plain(lines: list[str]) -> list[str]:
    """Lines without colours."""
    return [click.unstyle(line) for line in lines]


def test_for_programs_cells_end_with_a_tab_and_are_whole() -> None:
    """As in the tables of the reference: the last title is followed by a blank."""
    assert plain(Table(COLUMNS).lines(ROWS)) == [
        "NAME \tMESSAGE                      \tAT         ",
        "flux \tReconciliation finished in 2s\t2026-11-29\t",
        "other\tno                           \t2026-11-30\t",
    ]


def test_without_rows_there_are_titles() -> None:
    """So that a program sees which columns there are."""
    assert plain(Table(COLUMNS).lines([])) == ["NAME\tMESSAGE\tAT "]


def test_for_people_what_may_shrink_is_cut_to_the_terminal() -> None:
    """No line is longer than the terminal is wide."""
    lines = plain(Table(COLUMNS, width=30).lines(ROWS))
    assert lines == [
        "NAME   MESSAGE             AGE",
        "flux   Reconciliation fi…  3m",
        "other  no                  1d",
    ]
    assert max(map(len, lines)) <= 30


def test_a_wide_table_has_more_columns_and_is_not_cut() -> None:
    """Also on a narrow terminal."""
    (_, first, _) = plain(Table(COLUMNS, wide=True, width=20).lines(ROWS))
    assert first == "flux   Ready   Reconciliation finished in 2s  3m"


def test_what_may_shrink_keeps_something() -> None:
    """On a terminal that is far too narrow a cell still says something."""
    (_, first, _) = plain(Table(COLUMNS, width=5).lines(ROWS))
    assert first == "flux   Reconciliat…  3m"


def test_later_rows_have_the_widths_of_the_first() -> None:
    """A watch adds rows to a table that is on the screen."""
    table = Table(COLUMNS, width=80)
    table.lines(ROWS)
    (line,) = plain(table.lines([("x", "Ready", "word " * 20, "", "2m")], header=False))
    assert line == "x      word word word word word wor…  2m"


def test_words_of_readiness_have_colours() -> None:
    """Green, red and yellow, which `click.echo` takes off where there are none."""
    (line,) = Table([Column("READY")], width=80).lines([["False"]], header=False)
    assert line == click.style("False", fg="red")


def test_a_cell_cannot_control_the_terminal() -> None:
    """Messages come from the cluster, so their control characters are shown as one sign."""
    (line,) = Table([Column("M")]).lines([["a\x1b[2Jb\nc"]], header=False)
    assert line == "a�[2Jb c\t"


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), (click.style("x", fg="red"), 1)]
)
def test_the_columns_of_a_text(text: str, columns: int) -> None:
    """Not its characters: some take two columns, some none."""
    assert measure(text) == columns


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("ab cdef", 4, "ab…"),
        ("日本語", 5, "日本…"),
    ],
)
def test_a_cut_text_ends_with_an_ellipsis(text: str, width: int, expected: str) -> None:
    """And fits."""
    assert cut(text, width) == expected
    assert measure(cut(text, width)) <= width
