# SPDX-License-Identifier: Apache-2.0
"""What went through the proxy: every request that may change something, numbered as it came."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

from fluxsm.api import names
from tools.crash.normal import normal

MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
UNCOUNTED = ("/events", "/leases")
"""Collections that come and go by themselves and say nothing about an installation."""

_CALLS: Final = {
    "GET": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}

_REVISION = "deployment.kubernetes.io/revision"
"""Set by the controller of the cluster, some time after the answer to an apply."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer.

    Attributes:
        method: HTTP method.
        path: without the query.
        query: of the URL, still encoded.
        body: as sent.
        number: place among the counted writes, 0 for everything else.
        status: of the answer, 0 while there is none.
        answer: decoded body of the answer, None while there is none.
        lost: whether the operator did not get the answer, or too late.
        at: when it came, in monotonic seconds.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    number: int = 0
    status: int = 0
    answer: dict[str, Any] | None = None
    lost: bool = False
    at: float = field(default_factory=time.monotonic)

    @property
    def is_write(self) -> bool:
        """Whether it counts as a write of the installation."""
        return self.method in MUTATING and not any(part in self.path for part in UNCOUNTED)

    @property
    def succeeded(self) -> bool:
        """Whether the API server did it."""
        return 200 <= self.status < 300

    @property
    def target(self) -> str:
        """Method and path; all writes of an instance's status are one target."""
        return f"{self.method} {self.path}"

    @property
    def read(self) -> str:
        """What a read asks for."""
        return f"{self.path}?{self.query}"

    @property
    def call(self) -> str:
        """Verb and resource as rights have them, such as `delete deployments`.

        A path that names no resource, such as that of discovery, stands for itself.
        """
        parts = self.path.strip("/").split("/")
        resource = parts[2 if parts[0] == "api" else 3 :]
        if resource[:1] == ["namespaces"] and len(resource) > 2:
            resource = resource[2:]
        verb = _CALLS.get(self.method, self.method.lower())
        if not resource:
            return f"{verb} {self.path}"
        if verb == "get" and len(resource) == 1:
            verb = "watch" if parse_qs(self.query).get("watch") == ["true"] else "list"
        return f"{verb} {'/'.join(resource[:1] + resource[2:])}"

    def __str__(self) -> str:
        """For the report."""
        return f"{self.target} → {self.status or 'no answer'}"


class Journal:
    """The exchanges of a phase. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._writes = 0
        self.last_write = time.monotonic()

    def clear(self) -> None:
        """Start the numbers from 1 again."""
        with self._lock:
            self._exchanges = []
            self._writes = 0

    def enter(self, exchange: Exchange) -> None:
        """Note a request, and number it if it is a write."""
        with self._lock:
            self._exchanges.append(exchange)
            if exchange.is_write:
                self._writes += 1
                exchange.number = self._writes
                self.last_write = time.monotonic()

    def exchanges(self) -> list[Exchange]:
        """Everything so far."""
        with self._lock:
            return list(self._exchanges)

    def writes(self) -> list[Exchange]:
        """The counted writes so far, in the order of their numbers."""
        return [item for item in self.exchanges() if item.number]


def asked(writes: Iterable[Exchange]) -> Counter[str]:
    """How often each target was written, whatever came of it."""
    return Counter(write.target for write in writes)


def effects(writes: Iterable[Exchange], known: dict[str, str]) -> Counter[str]:
    """How often a write changed what its target holds.

    A write that is answered with the same content as the one before it has changed nothing: an
    apply that was done again, say. Deletions count once: the first takes effect.

    Args:
        writes: in their order.
        known: what each path was last known to hold; brought up to date.
    """
    return Counter(write.target for write in writes if is_effect(write, known))


def is_effect(write: Exchange, known: dict[str, str]) -> bool:
    """Whether a write changed what its target holds.

    Args:
        write: with its answer.
        known: what each path was last known to hold; brought up to date.
    """
    if not write.succeeded or _is_status_of_instance(write):
        return False
    seen = "gone" if write.method == "DELETE" else _content(write)
    before = known.get(write.path)
    known[write.path] = seen
    return before != seen


def _is_status_of_instance(write: Exchange) -> bool:
    """A new process writes its progress again, so this alone is no mistake."""
    return write.path.endswith(f"/{names.INSTANCE_PLURAL}/{names.SINGLETON}/status")


def _content(write: Exchange) -> str:
    """What the answer says about the part that the request may change."""
    answer = dict(write.answer or {})
    if not write.path.endswith("/status"):
        answer.pop("status", None)
    (answer.get("metadata", {}).get("annotations") or {}).pop(_REVISION, None)
    return json.dumps(normal(answer, with_owners=False), sort_keys=True)
