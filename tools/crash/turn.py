# SPDX-License-Identifier: Apache-2.0
"""One request on its way through the proxy, and what a fault may do with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from tools.crash.journal import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came from the API server, or what is said in its place."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Ends(Protocol):
    """The two ends of a connection."""

    def ask(self, exchange: Exchange) -> Answer:
        """Send a request to the API server and read the whole answer."""

    def say(self, answer: Answer, *, length: int | None = None) -> None:
        """Answer the operator; with a length, only so many bytes of what was promised."""

    def hang_up(self) -> None:
        """Close the connection to the operator without an answer."""


class Owner(Protocol):
    """What a turn needs of the proxy."""

    def kill_operator(self) -> None:
        """Kill the operator."""

    def is_new(self, write: Exchange) -> bool:
        """Whether a write that was answered has changed something in this phase."""

    def remember(self, exchange: Exchange, answer: Answer) -> None:
        """Keep the first answer to a read, and the latest."""

    def recall(self, exchange: Exchange, *, latest: bool) -> Answer | None:
        """The first answer to the same read in this lifecycle, or the latest."""


class Turn:
    """One request that a fault passes on, answers, or does not answer."""

    def __init__(self, proxy: Owner, handler: Ends, exchange: Exchange) -> None:
        self._proxy = proxy
        self._handler = handler
        self.exchange = exchange

    def forward(self) -> Answer:
        """Let the API server do it."""
        answer = self._handler.ask(self.exchange)
        self.exchange.status = answer.status
        if self.exchange.number:
            self.exchange.answer = _decoded(answer.body)
        elif self.exchange.method == "GET" and self.exchange.succeeded:
            self._proxy.remember(self.exchange, answer)
        return answer

    @property
    def is_new(self) -> bool:
        """Whether the write that was forwarded has changed something in this phase."""
        return self._proxy.is_new(self.exchange)

    def recall(self, *, latest: bool = False) -> Answer:
        """The first answer to the same read in this lifecycle, or the latest before this one."""
        return self._proxy.recall(self.exchange, latest=latest) or self.forward()

    def reply(self, answer: Answer) -> None:
        """Answer the operator."""
        self._handler.say(answer)

    def reply_part(self, answer: Answer) -> None:
        """Answer half of what was promised, then close."""
        self.exchange.lost = True
        self._handler.say(answer, length=len(answer.body) // 2)
        self._handler.hang_up()

    def refuse(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        """Answer in place of the API server, in its manner."""
        self.exchange.status = status
        body = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": reason,
            "code": status,
            "message": f"injected: {reason}",
        }
        head = [("Content-Type", "application/json"), *(headers or {}).items()]
        self._handler.say(Answer(status=status, headers=head, body=json.dumps(body).encode()))

    def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.exchange.lost = True
        self._handler.hang_up()

    def kill(self) -> None:
        """Kill the operator."""
        self._proxy.kill_operator()


def _decoded(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
