# SPDX-License-Identifier: Apache-2.0
"""How much an operator asks and says, by hour of virtual time, so that it can be bounded."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from fluxsm.core.ports import Clock, KubernetesEvent
from fluxsm.simulation.requests import Request

LOGGER: Final = "fluxsm"
"""Above all loggers of the operator."""

_HOUR: Final = 3600


@dataclass(slots=True)
class Hour:
    """What happened in one hour.

    Attributes:
        requests: to the API server, by verb and name of the kind; `status` is a verb, see
            `Request.call`. Watches are counted whenever they are listened to, which is more often
            than the operator opens a connection.
        events: Kubernetes events, by type and reason.
        lines: of the log, by name of the level, INFO and above.
    """

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)

    @property
    def asked(self) -> int:
        """Requests without watches."""
        return sum(count for (verb, _), count in self.requests.items() if verb != "watch")


class Activity:
    """Counts, by hour since the world began.

    Attributes:
        hours: by number; an hour in which nothing happened is not there.
    """

    def __init__(self, clock: Clock) -> None:
        self.hours: dict[int, Hour] = {}
        self._clock = clock

    def hour(self) -> Hour:
        """The hour that it is."""
        return self.hours.setdefault(int(self._clock.monotonic() // _HOUR), Hour())

    def add_request(self, request: Request) -> None:
        """Count a request."""
        self.hour().requests[request.call, request.kind.kind] += 1

    def add_event(self, event: KubernetesEvent) -> None:
        """Count a Kubernetes event."""
        self.hour().events[event.type, event.reason] += 1

    def add_line(self, record: logging.LogRecord) -> None:
        """Count a line of the log."""
        self.hour().lines[record.levelname] += 1

    @contextmanager
    def counting_lines(self) -> Iterator[None]:
        """Count the lines that are logged inside; the log shows what it would show without.

        Lines below the level of the log are made, counted, and shown to nobody.
        """
        log = logging.getLogger(LOGGER)
        level, handlers, propagates = log.level, log.handlers, log.propagate
        targets = _Targets(
            level=log.getEffectiveLevel(),
            handlers=tuple(handlers),
            parent=logging.getLogger() if propagates else None,
        )
        log.handlers, log.propagate = [_Lines(self, targets)], False
        log.setLevel(min(targets.level, logging.INFO))
        try:
            yield
        finally:
            log.handlers, log.propagate = handlers, propagates
            log.setLevel(level)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Targets:
    """Where the lines of a log would go."""

    level: int
    handlers: tuple[logging.Handler, ...]
    parent: logging.Logger | None

    def show(self, record: logging.LogRecord) -> None:
        if record.levelno < self.level:
            return
        for handler in self.handlers:
            if record.levelno >= handler.level:
                handler.handle(record)
        if self.parent is not None:
            self.parent.callHandlers(record)


class _Lines(logging.Handler):
    """Counts lines, and passes them on."""

    def __init__(self, activity: Activity, targets: _Targets) -> None:
        super().__init__(logging.INFO)
        self._activity = activity
        self._targets = targets

    def emit(self, record: logging.LogRecord) -> None:
        """Count a line."""
        self._activity.add_line(record)
        self._targets.show(record)
