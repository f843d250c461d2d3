# SPDX-License-Identifier: Apache-2.0
"""What `fluxsm simulate` prints is whole where it can be."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from fluxsm.cli import root, text

REFUSED = "downgrading from v2.8.8 to v2.7.5 is not supported; reinstalling Flux"


@pytest.fixture(scope="module")
def piped() -> Result:
    """The scenario with the longest lines, into a pipe."""
    return CliRunner().invoke(root, ["simulate", "upgrade"])


def test_nothing_is_cut_in_a_pipe(piped: Result) -> None:
    """Programs and files get whole lines."""
    assert piped.exit_code == 0
    assert "…" not in piped.output
    assert f"Fault: {REFUSED}" in piped.output


def test_the_last_lines_are_never_cut(monkeypatch: pytest.MonkeyPatch, piped: Result) -> None:
    """On a terminal a line of the story is cut, and what came of it is wrapped."""
    monkeypatch.setattr(text, "terminal_columns", lambda: 80)
    output = CliRunner().invoke(root, ["simulate", "upgrade"]).output
    story, end = output.split("\nThe instance is in ")
    assert "…" in story
    assert "…" not in end
    assert max(map(len, output.splitlines())) <= 80
    assert "".join(end.split()) == "".join(piped.output.split("\nThe instance is in ")[1].split())
