# SPDX-License-Identifier: Apache-2.0
"""How the text of a Kubernetes event is made to fit."""

from __future__ import annotations

from typing import Final

NOTE_LIMIT: Final = 1024
"""Most bytes in the note of an event, as `events.k8s.io` has it: the API server counts bytes."""

CUT: Final = "..."

MOST_NOTES: Final = 10
"""Events that one message may become; the log has all of it."""


def fit(message: str) -> str:
    """Return a message as the note of an event, with its end cut off where it is too long.

    A character is kept whole or not at all. Where only some of several lines fit, the last one
    that does is kept whole too: half a name of an object would be the name of another one.
    """
    encoded = message.encode()
    if len(encoded) <= NOTE_LIMIT:
        return message
    room = NOTE_LIMIT - len(CUT)
    kept = encoded[:room].decode(errors="ignore")
    whole, line, _ = kept.rpartition("\n")
    return f"{whole}{line}{CUT}" if whole else f"{kept}{CUT}"


def split(message: str) -> list[str]:
    """Return a message as the notes of as many events as it takes, with whole lines in each.

    For what nobody can look up any more once the instance is gone. A line that is too long is
    cut; so is the end of what takes more than MOST_NOTES.
    """
    notes: list[str] = []
    lines = message.splitlines() or [""]
    while lines:
        if len(notes) == MOST_NOTES - 1:
            return [*notes, fit("\n".join(lines))]
        count = 1
        while count < len(lines) and _fits(lines[: count + 1]):
            count += 1
        notes.append(fit("\n".join(lines[:count])))
        lines = lines[count:]
    return notes


def _fits(lines: list[str]) -> bool:
    return len("\n".join(lines).encode()) <= NOTE_LIMIT
