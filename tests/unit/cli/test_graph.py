# SPDX-License-Identifier: Apache-2.0
"""`fluxsm graph` and the state that it highlights."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fluxsm.cli import root


@pytest.mark.parametrize("name", ["HealthChecking", "healthchecking"])
def test_a_state_is_highlighted(name: str) -> None:
    """Its name may be in upper or lower case."""
    done = CliRunner().invoke(root, ["graph", "--current", name])
    assert done.exit_code == 0
    assert "class HealthChecking current\n" in done.output


def test_an_unknown_state_is_answered_with_the_nearest() -> None:
    """And with all names."""
    done = CliRunner().invoke(root, ["graph", "--current", "Aplying"])
    assert done.exit_code == 1
    assert "there is no state 'Aplying'; did you mean Applying?" in done.output
    assert "Uninstalling" in done.output


def test_a_word_that_is_near_no_state_gets_no_guess() -> None:
    """Only the list."""
    done = CliRunner().invoke(root, ["graph", "--current", "xyz"])
    assert done.exit_code == 1
    assert "did you mean" not in done.output
    assert "there is no state 'xyz'. The states are Pending" in done.output


def test_a_format_that_cannot_highlight_says_which_can() -> None:
    """Instead of leaving the wish out."""
    done = CliRunner().invoke(root, ["graph", "--format", "scxml", "--current", "Ready"])
    assert done.exit_code == 1
    assert "use --format dot, mermaid, svg, json, markdown" in done.output
