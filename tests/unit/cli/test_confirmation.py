# SPDX-License-Identifier: Apache-2.0
"""A command that cannot be undone goes on only when somebody says so."""

from __future__ import annotations

import click
import pytest

from fluxsm.cli import confirmation
from fluxsm.errors import UsageError

LINES = ["• Namespace/a goes"]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at a terminal."""
    monkeypatch.setattr(confirmation, "_is_terminal", lambda _: True)


def answering(monkeypatch: pytest.MonkeyPatch, answer: bool | None) -> None:
    """Somebody answers, or interrupts the question (None)."""

    def confirm(_question: str, **options: bool) -> bool:
        assert options == {"default": False, "err": True}
        if answer is None:
            raise click.Abort
        return answer

    monkeypatch.setattr(click, "confirm", confirm)


def test_the_flag_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """What goes is listed all the same."""
    confirmation.confirm(LINES, "Remove it?", yes=True)
    assert capsys.readouterr() == ("", "• Namespace/a goes\n")


def test_nobody_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the question and the flag."""
    with pytest.raises(UsageError, match=r"nothing was changed.*--yes.*'Remove it\?'"):
        confirmation.confirm(LINES, "Remove it?", yes=False)
    assert capsys.readouterr().err == "• Namespace/a goes\n"


@pytest.mark.usefixtures("terminal")
def test_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Yes goes on; no and an interruption do not."""
    answering(monkeypatch, answer=True)
    confirmation.confirm(LINES, "Remove it?", yes=False)
    answering(monkeypatch, answer=False)
    with pytest.raises(UsageError, match="nothing was changed: the answer was no"):
        confirmation.confirm(LINES, "Remove it?", yes=False)
    answering(monkeypatch, answer=None)
    with pytest.raises(click.Abort):
        confirmation.confirm(LINES, "Remove it?", yes=False)
