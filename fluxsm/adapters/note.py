# SPDX-License-Identifier: Apache-2.0
"""How the text of a Kubernetes event is made to fit."""

from __future__ import annotations

from typing import Final

NOTE_LIMIT: Final = 1024
"""Most bytes in the note of an event, as `events.k8s.io` has it: the API server counts bytes."""

CUT: Final = "..."


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
