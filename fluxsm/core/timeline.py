# SPDX-License-Identifier: Apache-2.0
"""What an instance went through, read off its Kubernetes events and its status, oldest first.

An event of this operator says in an annotation which state the instance was in afterwards. One of
the reference operator does not, so the state is worked out from its reason and the definitions.
Events live for an hour on most clusters; `status.history` keeps the last configurations for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from fluxsm.api import duration, names
from fluxsm.api.objects import Manifest
from fluxsm.api.status import Snapshot
from fluxsm.core.failure import KEPT, PREFIXES
from fluxsm.core.instance import Instance
from fluxsm.errors import MalformedError
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Table
from fluxsm.objects import manifest
from fluxsm.objects.timestamp import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened.

    Attributes:
        at: when, the last time.
        state: the state that it led to; None when it led nowhere else.
        reason: in one word: a reason, or the event of the machine.
        message: for people.
        is_warning: whether it is worth a second look.
        count: how often it happened.
        lasted: how long the instance stayed in that state; None where there is none.
    """

    at: datetime
    state: State | None
    reason: str
    message: str
    is_warning: bool = False
    count: int = 1
    lasted: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What became of one configuration.

    Attributes:
        version: of Flux; empty where none was chosen.
        digest: its identity.
        result: reason of the Ready condition then.
        first: the first attempt; None when it cannot be read.
        last: the last one.
        took: how long that took; None when it cannot be read.
        runs: number of attempts.
    """

    version: str
    digest: str
    result: str
    first: datetime | None
    last: datetime | None
    took: timedelta | None
    runs: int


def timeline(
    instance: Manifest, events: Iterable[Mapping[str, Any]], table: Table, now: datetime
) -> list[Moment]:
    """Everything that is known to have happened, oldest first, each with how long it lasted.

    Args:
        instance: the FluxInstance, with its status.
        events: Kubernetes events about it, in any order.
        table: the machine.
        now: the current time; the last state has lasted until then.
    """
    found = [moment for item in events if (moment := _moment(item, table)) is not None]
    current = _current(Instance(instance))
    if current is not None and not _is_listed(current, found):
        found.append(current)
    found.sort(key=lambda moment: moment.at)
    return _with_spans(found, now)


def configurations(instance: Manifest) -> list[Configuration]:
    """The configurations of `status.history`, newest first."""
    history = Instance(instance).status.history or ()
    return [_configuration(item) for item in history]


def _moment(item: Mapping[str, Any], table: Table) -> Moment | None:
    """One Kubernetes event; None when it has no time."""
    at = _time(item)
    if at is None:
        return None
    reason, message = manifest.text(item, "reason"), manifest.text(item, "message")
    return Moment(
        at=at,
        state=_noted(item) or _led_to(reason, message, table),
        reason=reason,
        message=message,
        is_warning=item.get("type") == "Warning",
        count=max(manifest.number(item, "count", default=1), 1),
    )


def _noted(item: Mapping[str, Any]) -> State | None:
    try:
        return State(manifest.annotations_of(item).get(names.STATE_ANNOTATION, ""))
    except ValueError:
        return None


def _time(item: Mapping[str, Any]) -> datetime | None:
    """The last time of an event in either of the two forms that they have."""
    series = manifest.text(item, "series", "lastObservedTime")
    text = series or next(
        (found for key in ("lastTimestamp", "eventTime") if (found := manifest.text(item, key))), ""
    )
    try:
        return parse_time(text) if text else None
    except MalformedError:
        return None


def _led_to(reason: str, message: str, table: Table) -> State | None:
    """The state that an event of a reason is recorded on the way to."""
    definitions = table.states.values()
    if reason == names.RECONCILIATION_SUCCEEDED or message.endswith(KEPT):
        return next(item.state for item in definitions if item.succeeds)
    if reason == names.RECONCILIATION_DISABLED:
        return next(item.state for item in definitions if item.pauses)
    if reason in PREFIXES:
        return next(item.state for item in definitions if item.fails)
    if reason == names.DRIFT_DETECTED:
        return table.rows_for(table.goal, Event.DRIFTED)[0].dest
    if reason == names.PROGRESSING:
        stays = (row for row in table.rows if row.event is Event.RECORDED)
        return next(reversed([row.source for row in stays]))
    return None


def _current(instance: Instance) -> Moment | None:
    """The state of the status."""
    status = instance.status
    try:
        at, state = parse_time(status.state_since or ""), State(status.state or "")
    except (MalformedError, ValueError):
        return None
    came = status.last_transition
    reason = came.event if came else ""
    message = f"from {came.from_}" if came else ""
    return Moment(at=at, state=state, reason=reason, message=message)


def _is_listed(current: Moment, found: Iterable[Moment]) -> bool:
    """Whether an event already says that the state was entered, within the seconds of a save."""
    return any(
        item.state is current.state and abs(item.at - current.at) <= timedelta(seconds=2)
        for item in found
    )


def _with_spans(moments: list[Moment], now: datetime) -> list[Moment]:
    """The same with how long each state lasted: until the next moment that led to another."""
    spanned = list(_merged(moments))
    moving = [place for place, moment in enumerate(spanned) if moment.state is not None]
    for place, following in pairwise([*moving, -1]):
        until = spanned[following].at if following >= 0 else max(now, spanned[place].at)
        spanned[place] = replace(spanned[place], lasted=until - spanned[place].at)
    return spanned


def _merged(moments: Iterable[Moment]) -> Iterator[Moment]:
    """The same; an event that leads to the state in which the instance is leads nowhere."""
    state: State | None = None
    for moment in moments:
        same = moment.state is not None and moment.state is state
        state = moment.state or state
        yield replace(moment, state=None) if same else moment


def _configuration(item: Snapshot) -> Configuration:
    try:
        took = duration.parse(item.last_reconciled_duration)
    except ValueError:
        took = None
    return Configuration(
        version=(item.metadata or {}).get("flux", ""),
        digest=item.digest,
        result=item.last_reconciled_status,
        first=_parsed(item.first_reconciled),
        last=_parsed(item.last_reconciled),
        took=took,
        runs=item.total_reconciliations,
    )


def _parsed(text: str) -> datetime | None:
    try:
        return parse_time(text)
    except MalformedError:
        return None
