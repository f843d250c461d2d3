# SPDX-License-Identifier: Apache-2.0
"""What the API says about the past: runs, configurations, events; and why there is no answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitAnswer:
    """A stay in a state.

    Attributes:
        state: the state.
        event: what led there; empty at the beginning, and where that is not known.
        began: when.
        seconds: how long it was; null while it lasts.
        message: what was said when it ended.
    """

    state: str
    event: str
    began: datetime
    seconds: float | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAnswer:
    """A run.

    Attributes:
        trigger: what began it; empty where that is not known.
        began: when.
        seconds: how long it took; null while it goes on.
        result: `succeeded`, `failed`, `blocked`, `suspended`, `gone`; empty while it goes on.
        missed: states at its beginning that are not kept.
        visits: the states in turn.
    """

    trigger: str
    began: datetime
    seconds: float | None
    result: str
    missed: int
    visits: tuple[VisitAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What became of a configuration, from the status.

    Attributes:
        digest: its identity.
        version: of Flux; empty where it is not known.
        status: reason of the Ready condition at the end of the last attempt.
        attempts: how many there were.
        first: the first one.
        last: the last one.
        took: how long the last one took, a Go duration.
    """

    digest: str
    version: str
    status: str
    attempts: int
    first: str
    last: str
    took: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryAnswer:
    """What was.

    Attributes:
        runs: the runs that this process saw, newest first.
        configurations: the configurations of the past, newest first.
    """

    runs: tuple[RunAnswer, ...]
    configurations: tuple[Configuration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAnswer:
    """A Kubernetes event about the instance.

    Attributes:
        type: `Normal` or `Warning`.
        reason: in one word.
        meaning: what the reason means; empty for one that is not ours.
        message: for people.
        count: how often it happened.
        last: when it last happened.
        source: who wrote it.
    """

    type: str
    reason: str
    meaning: str
    message: str
    count: int
    last: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsAnswer:
    """The events.

    Attributes:
        problem: why they are not known; empty where they are.
        events: newest first.
    """

    problem: str
    events: tuple[EventAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """Why there is no answer.

    Attributes:
        error: in words.
    """

    error: str
