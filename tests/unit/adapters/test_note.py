# SPDX-License-Identifier: Apache-2.0
"""A message of any length becomes a note that the API server takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsm.adapters.note import MOST_NOTES, NOTE_LIMIT, fit, split


@pytest.mark.parametrize("message", ["", "short", "x" * NOTE_LIMIT, "ä" * (NOTE_LIMIT // 2)])
def test_what_fits_is_left_alone(message: str) -> None:
    """Up to the last byte."""
    assert fit(message) == message


@pytest.mark.parametrize(
    ("message", "note"),
    [
        pytest.param("x" * (NOTE_LIMIT + 1), "x" * 1021 + "...", id="one byte too long"),
        pytest.param("ä" * 600, "ä" * 510 + "...", id="not in the middle of a character"),
        pytest.param("😀" * 300, "😀" * 255 + "...", id="nor of a long one"),
        pytest.param("😀" * 256 + "x", "😀" * 255 + "...", id="bytes count, not characters"),
    ],
)
def test_what_does_not_fit_is_cut(message: str, note: str) -> None:
    """So that people see that there was more."""
    assert fit(message) == note
    assert len(fit(message).encode()) <= NOTE_LIMIT


def test_of_many_lines_whole_ones_are_kept() -> None:
    """The list of a large change names objects that exist."""
    lines = [f"Deployment/flux-system/controller-{number} configured" for number in range(100)]
    *kept, end = fit("\n".join(["Flux v2.8.8 updated", *lines])).split("\n")
    assert end == "..."
    assert kept[1:] == lines[: len(kept) - 1]
    assert len(kept) > 15


@given(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    st.integers(NOTE_LIMIT // 80, NOTE_LIMIT),
)
def test_any_text_becomes_a_note(begin: str, piece: str, times: int) -> None:
    """It fits, and is the text or a beginning of it."""
    message = begin + piece * times
    note = fit(message)
    assert len(note.encode()) <= NOTE_LIMIT
    assert note == message or message.startswith(note.removesuffix("..."))


def test_a_list_that_is_too_long_becomes_several_notes() -> None:
    """Every line is whole, in its order, and there once."""
    lines = [f"ClusterRole/number-{number}: may not be deleted" for number in range(90)]
    notes = split("\n".join(lines))
    assert 1 < len(notes) < MOST_NOTES
    assert "\n".join(notes).splitlines() == lines
    assert all(len(note.encode()) <= NOTE_LIMIT for note in notes)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=400), max_size=60))
def test_any_list_becomes_notes(lines: list[str]) -> None:
    """As many as are allowed at most, each of which fits; a short message stays one note."""
    notes = split("\n".join(lines))
    assert 1 <= len(notes) <= MOST_NOTES
    assert all(len(note.encode()) <= NOTE_LIMIT for note in notes)


def test_what_is_endless_is_cut() -> None:
    """Nobody reads more than the log has anyway."""
    notes = split("\n".join(f"line {number} {'x' * 50}" for number in range(1000)))
    assert len(notes) == MOST_NOTES
    assert notes[-1].endswith("...")
