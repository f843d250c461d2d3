# SPDX-License-Identifier: Apache-2.0
"""A message of any length becomes a note that the API server takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsm.adapters.note import NOTE_LIMIT, fit


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
