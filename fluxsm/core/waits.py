# SPDX-License-Identifier: Apache-2.0
"""What the message of a wait names: the objects, and what is missing of each.

The inverse of the texts that handlers write (`fluxsm.objects.health`, Applying, Uninstalling), so
that a client can show a wait object by object. What has another form names no object, and the
message stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_NAME: Final = r"[A-Z][A-Za-z0-9]*/[A-Za-z0-9.:_-]+(?:/[A-Za-z0-9.:_-]+)?"
_HEALTH: Final = re.compile(rf"(?:Waiting for |, )({_NAME}) \(")
_MORE: Final = re.compile(r", (\d+ more)$")
_STAGE: Final = re.compile(rf"({_NAME}) status: '([A-Za-z]+)'")
_REMOVAL: Final = re.compile(rf"(?:^Waiting: |; )({_NAME})(?:: | is )")
_END: Final = re.compile(rf"^Waiting for ({_NAME}(?:, {_NAME})*)(?: and \d+ more)? to end$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One object that is waited for.

    Attributes:
        name: as in messages, such as `Deployment/flux-system/source-controller`; `3 more` for
            what the message does not name.
        why: what is missing; may be empty.
    """

    name: str
    why: str


def parse_waits(message: str) -> tuple[Wait, ...]:
    """The objects that a message of a wait names, in order; none where it names none."""
    if message.startswith("Waiting for ["):
        return tuple(Wait(name=name, why=why) for name, why in _STAGE.findall(message))
    ending = _END.match(message)
    if ending:
        return tuple(Wait(name=name, why="has to end") for name in ending[1].split(", "))
    if message.startswith("Waiting: "):
        return tuple(_removals(message))
    if message.startswith("Waiting for "):
        return tuple(_unhealthy(message))
    return ()


def _unhealthy(message: str) -> Iterator[Wait]:
    """`Waiting for A (why), B (why), 3 more`; a reason may hold commas and brackets itself."""
    more = _MORE.search(message)
    text = message[: more.start()] if more else message
    found = list(_HEALTH.finditer(text))
    for place, match in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        yield Wait(name=match[1], why=text[match.end() : end].removesuffix(")"))
    if found and more:
        yield Wait(name=more[1], why="")


def _removals(message: str) -> Iterator[Wait]:
    """`Waiting: A: refused because; B is still being deleted; and 3 more`."""
    found = list(_REMOVAL.finditer(message))
    for place, match in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(message)
        yield Wait(name=match[1], why=message[match.end() : end])
