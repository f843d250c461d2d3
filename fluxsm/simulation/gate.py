# SPDX-License-Identifier: Apache-2.0
"""The gate through which every request of a client passes.

It passes twice: before it is sent and after it was committed. A fault raises at one of the two, so
that a request can be lost, or only its answer, or the process can end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fluxsm.simulation.faults import Fault, When
from fluxsm.simulation.requests import Request


class Gate:
    """Keeps the requests of one client, and injects faults.

    Attributes:
        log: the requests so far.
        faults: what goes wrong.
        on_request: called with each request, before it fails or not.
    """

    def __init__(self) -> None:
        self.log: list[Request] = []
        self.faults: list[Fault] = []
        self.on_request: Callable[[Request], None] = lambda _: None

    @contextmanager
    def passing(self, request: Request) -> Iterator[None]:
        """A request on its way."""
        self.log.append(request)
        self.on_request(request)
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
