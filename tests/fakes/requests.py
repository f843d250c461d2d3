# SPDX-License-Identifier: Apache-2.0
"""What the API server was asked, and what goes wrong with it.

Every request passes here twice: before it is sent and after it was committed. A fault raises at
one of the two, so a test can lose a request or only its answer, or end the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from fluxsm.api.objects import Kind, ObjectRef

READS: Final = frozenset({"get", "list", "watch", "version", "discover"})

When = Literal["before", "after"]


class Crash(BaseException):
    """The process ends here and now. No handler of errors may see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Attributes:
        verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `apply`, `delete`, ...
        kind: of the object or collection.
        ref: the object, None for a collection.
        subresource: such as `status`.
        dry_run: whether nothing is stored.
    """

    verb: str
    kind: Kind
    ref: ObjectRef | None = None
    subresource: str = ""
    dry_run: bool = False

    @property
    def mutates(self) -> bool:
        """Whether it may change what is stored."""
        return self.verb not in READS and not self.dry_run

    def __str__(self) -> str:
        """As in messages: `patch FluxInstance/flux-system/flux/status`."""
        tail = f"/{self.subresource}" if self.subresource else ""
        return f"{self.verb} {self.ref or self.kind}{tail}"


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong with some requests.

    Attributes:
        error: what is raised.
        matches: which requests.
        when: before they are sent, or after they were committed.
        skip: so many matching requests are let through first.
        times: so many then fail; None means all.
    """

    error: BaseException
    matches: Callable[[Request], bool] = lambda _: True
    when: When = "before"
    skip: int = 0
    times: int | None = 1

    def inject(self, request: Request, when: When) -> None:
        """Fail if it is this request's turn."""
        if when != self.when or self.times == 0 or not self.matches(request):
            return
        if self.skip:
            self.skip -= 1
            return
        if self.times is not None:
            self.times -= 1
        raise self.error


class Gate:
    """Counts requests, and injects faults."""

    def __init__(self) -> None:
        self.log: list[Request] = []
        self.faults: list[Fault] = []

    @contextmanager
    def passing(self, request: Request) -> Iterator[None]:
        """A request on its way."""
        self.log.append(request)
        self._inject(request, "before")
        yield
        self._inject(request, "after")

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.faults.clear()

    def mutations(self) -> list[Request]:
        """The requests that may have changed something."""
        return [request for request in self.log if request.mutates]

    def asked(self) -> list[Request]:
        """The requests of handlers: all but those that (re)open watches."""
        return [request for request in self.log if request.verb != "watch"]

    def _inject(self, request: Request, when: When) -> None:
        for fault in self.faults:
            fault.inject(request, when)
