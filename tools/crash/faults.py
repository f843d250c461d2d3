# SPDX-License-Identifier: Apache-2.0
"""The faults that can be injected into one request, or into one line of a watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tools.crash.turn import Turn

LATE_SECONDS: Final = 16.0
"""Longer than the operator waits for an answer."""
DELAY_SECONDS: Final = 3.0


class Unit(StrEnum):
    """What is counted."""

    WRITE = "write"
    READ = "read"
    AGAIN = "repeated read"
    LINE = "watch line"
    CALL = "call"


class Scope(StrEnum):
    """Which things a fault is injected into, from its number on."""

    ONCE = "once"
    EVERY = "from then on"


def before(turn: Turn) -> None:
    """The process dies before the request is sent."""
    turn.kill()
    turn.hang_up()


def committed(turn: Turn) -> None:
    """The process dies after the API server has done it, before it gets the answer."""
    turn.forward()
    turn.kill()
    turn.hang_up()


def answered(turn: Turn) -> None:
    """The process dies right after it got the answer."""
    turn.reply(turn.forward())
    turn.kill()


def progress(turn: Turn) -> None:
    """The process dies after each write that changed something, one process after the other."""
    answer = turn.forward()
    if turn.is_new:
        turn.kill()
        turn.hang_up()
    else:
        turn.reply(answer)


def stale(turn: Turn) -> None:
    """A process that has just started is answered as the first one was."""
    turn.reply(turn.recall())


def outdated(turn: Turn) -> None:
    """A process at work is answered as it was the time before, by a cache that lags behind."""
    turn.reply(turn.recall(latest=True))


def unsent(turn: Turn) -> None:
    """The connection breaks before the request arrives."""
    turn.hang_up()


def lost(turn: Turn) -> None:
    """The API server does it, and the connection breaks before the answer."""
    turn.forward()
    turn.hang_up()


def truncated(turn: Turn) -> None:
    """The API server does it, and half of the answer arrives."""
    turn.reply_part(turn.forward())


def late(turn: Turn) -> None:
    """The API server does it, and answers after the time limit."""
    answer = turn.forward()
    turn.exchange.lost = True
    time.sleep(LATE_SECONDS)
    turn.reply(answer)


def refused(status: int, reason: str) -> Callable[[Turn], None]:
    """The API server refuses it, and would not the next time."""

    def refuse(turn: Turn) -> None:
        headers = {"Retry-After": "1"} if status in {429, 503} else None
        turn.refuse(status, reason, headers)

    return refuse


Piece = bytes | None
"""A line to pass on; None cuts the connection."""


def doubled(line: bytes) -> Iterator[Piece]:
    """The line comes twice."""
    yield line
    yield line


def dropped(_line: bytes) -> Iterator[Piece]:
    """The line is lost with the connection."""
    yield None


def swallowed(_line: bytes) -> Iterator[Piece]:
    """The line is lost and the connection stays open, so nothing shows the loss."""
    yield from ()


def delayed(line: bytes) -> Iterator[Piece]:
    """The line comes late, and all after it, while other watches are up to date."""
    time.sleep(DELAY_SECONDS)
    yield line


def halved(line: bytes) -> Iterator[Piece]:
    """The connection breaks in the middle of the line."""
    yield line[: len(line) // 2]
    yield None


def expired(_line: bytes) -> Iterator[Piece]:
    """The resourceVersion of the watch has expired, so the API server ends it."""
    yield (
        b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure",'
        b'"reason":"Expired","code":410,"message":"injected: too old resource version"}}\n'
    )
    yield None


KILLS: Final[Mapping[str, Callable[[Turn], None]]] = {
    "before": before,
    "committed": committed,
    "answered": answered,
}
RELENTLESS: Final = "progress"
ANSWERS: Final[Mapping[str, Callable[[Turn], None]]] = {
    "409": refused(409, "Conflict"),
    "422": refused(422, "Invalid"),
    "429": refused(429, "TooManyRequests"),
    "500": refused(500, "InternalError"),
    "503": refused(503, "ServiceUnavailable"),
    "unsent": unsent,
    "lost": lost,
    "truncated": truncated,
    "late": late,
}
STALE: Final = "stale"
OUTDATED: Final = "outdated"
READS: Final[Mapping[str, Callable[[Turn], None]]] = {
    **ANSWERS,
    STALE: stale,
    OUTDATED: outdated,
}
REFUSED: Final = "refused for good"
SWALLOWED: Final = "swallowed"
LINES: Final[Mapping[str, Callable[[bytes], Iterator[Piece]]]] = {
    "doubled": doubled,
    "dropped": dropped,
    SWALLOWED: swallowed,
    "delayed": delayed,
    "halved": halved,
    "expired": expired,
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault of one kind for the request or line with one number.

    Attributes:
        kind: a key of KILLS, READS or LINES, RELENTLESS or REFUSED.
        number: of the request or line, from 1 on within a phase.
        unit: what is counted.
        scope: whether later ones are affected too.
        call: what is refused for good, see `Exchange.call`.
        fired: how often it was injected.
    """

    kind: str
    number: int
    unit: Unit = Unit.WRITE
    scope: Scope = Scope.ONCE
    call: str = ""
    fired: int = 0

    @property
    def kills(self) -> bool:
        """Whether the process dies."""
        return self.kind in KILLS or self.kind == RELENTLESS

    @property
    def restarts(self) -> bool:
        """Whether the process is started again before, since only then it reads again."""
        return self.kind == STALE

    @property
    def blinds(self) -> bool:
        """Whether the operator cannot notice that a line is missing."""
        return self.kind == SWALLOWED

    def hits(self, unit: Unit, number: int) -> bool:
        """Whether the fault is for a request or line."""
        if unit is not self.unit:
            return False
        return number >= self.number if self.scope is Scope.EVERY else number == self.number

    def refuses(self, call: str) -> bool:
        """Whether a call is refused for good."""
        return self.unit is Unit.CALL and self.call == call

    def inject(self, turn: Turn) -> None:
        """Inject it into a request."""
        (KILLS | READS | {RELENTLESS: progress})[self.kind](turn)  # type: ignore[operator]

    def garble(self, line: bytes) -> Iterator[Piece]:
        """Inject it into a line."""
        return LINES[self.kind](line)

    def __str__(self) -> str:
        """For the report."""
        if self.kind == RELENTLESS:
            return "each write in turn"
        if self.kind == REFUSED:
            return f"no {self.call}"
        return f"{self.unit} {self.number} {self.kind}"
