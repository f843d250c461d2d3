# SPDX-License-Identifier: Apache-2.0
"""An explanation as text for people, and as data for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from fluxsm.api import duration, names
from fluxsm.cli.text import ago, labelled, span, wrapped
from fluxsm.core.explanation import Arrival, Deadline, Explanation, NextTimer, Verdict, Way
from fluxsm.machine.events import Event
from fluxsm.objects.timestamp import format_time

INDENT: Final = 12
"""Columns of the labels."""

GRACE: Final = timedelta(seconds=30)
"""How late an operator may be that is alive: two clocks differ, and a status is written later."""

_ASKED: Final = frozenset({Event.DELETED, Event.SUSPENDED, Event.CHANGED})
"""What people may do at any time, listed after what the state itself waits for."""

_END: Final = "its end"


def lines(name: str, found: Explanation, now: datetime, columns: int) -> Iterator[str]:
    """The text.

    Args:
        name: the instance, as in messages.
        found: what there is to say about it.
        now: the current time.
        columns: the width of a line.
    """
    yield from _heading(name, found, now, columns)
    yield ""
    if found.arrival:
        yield from labelled("Because", _because(found.arrival), columns, indent=INDENT)
    yield from _waiting(found, now, columns)
    yield from _coming(found, now, columns)
    said: set[str] = set()
    for verdict in found.verdicts:
        yield ""
        yield from _verdict(verdict, now, columns, repeats=verdict.condition.message in said)
        said.add(verdict.condition.message)
    if found.definition:
        yield ""
        yield from labelled("What to do", found.definition.advice, columns, indent=INDENT)
    for text in _doubts(found, now):
        yield ""
        yield from wrapped(text, columns, first="✗ ", rest="  ")


def _heading(name: str, found: Explanation, now: datetime, columns: int) -> Iterator[str]:
    since = f" since {ago(found.since, now)}" if found.since else ""
    if found.definition is None:
        yield from wrapped(f"{name} is being reconciled{since}", columns)
    else:
        yield from wrapped(f"{name} is {found.definition.state.value}{since}", columns)
        yield from wrapped(found.definition.meaning, columns)
    if found.is_inferred:
        text = (
            "The status has only the fields of the reference operator, so the state is worked out"
            " from conditions, and what led to it is not known."
        )
        yield from wrapped(text, columns, first="• ", rest="  ")


def _because(arrival: Arrival) -> str:
    words = f": {arrival.words}" if arrival.words else ""
    guard = f", and {arrival.guard}" if arrival.guard else ""
    return f"{arrival.event} in {arrival.source}{words}{guard}"


def _waiting(found: Explanation, now: datetime, columns: int) -> Iterator[str]:
    """What is waited for, object by object; else what is done."""
    label = "Waits for"
    for wait in found.waits:
        text = f"{wait.name}: {wait.why}" if wait.why else wait.name
        yield from labelled(label, f"◎ {text}", columns, indent=INDENT)
        label = ""
    if found.doing and not found.waits:
        yield from labelled("Doing", found.doing, columns, indent=INDENT)
    if found.deadline:
        text = _limit(found.deadline, now)
        yield from labelled("Limit", text, columns, indent=INDENT)


def _limit(deadline: Deadline, now: datetime) -> str:
    elapsed = span(now - deadline.since)
    return (
        f"{elapsed} of {span(deadline.length)}; at {format_time(deadline.at)}"
        f" {Event.EXPIRED.value} ({deadline.reason})"
    )


def _coming(found: Explanation, now: datetime, columns: int) -> Iterator[str]:
    """The next timer, and what would bring the instance on."""
    if found.timer:
        yield from labelled("Next", _timer(found.timer, now), columns, indent=INDENT)
    elif found.definition and found.definition.rests:
        text = "nothing happens by itself; only what is listed here brings it on"
        if found.definition.timer is not None:
            text = "no timer is shown: an upgrade is blocked and tried again, or it is switched off"
        yield from labelled("Next", text, columns, indent=INDENT)
    label = "Moves on"
    size = max((len(_target(way)) for way in found.ways), default=0)
    for way in sorted(found.ways, key=lambda way: way.event in _ASKED):
        head = f"{label:<{INDENT}}{_target(way):<{size}}  "
        yield from wrapped(_words(way), columns, first=head, rest=" " * len(head))
        label = ""


def _timer(timer: NextTimer, now: datetime) -> str:
    if timer.at is not None:
        return f"{timer.event} at {ago(timer.at, now)}"
    every = f" about every {duration.format(timer.every)}" if timer.every else ""
    return f"{timer.event}{every}"


def _target(way: Way) -> str:
    return f"{way.event.value} → {way.dest.value if way.dest else _END}"


def _words(way: Way) -> str:
    return f"{way.event.words}{f', and {way.guard}' if way.guard else ''}"


def _verdict(verdict: Verdict, now: datetime, columns: int, *, repeats: bool) -> Iterator[str]:
    """A condition, its message, and the runbook entry of its reason; no message twice."""
    item = verdict.condition
    glyph = "✔" if item.status == "True" and item.type == names.READY else "•"
    glyph = "✗" if item.type == names.READY and item.status == "False" else glyph
    at = f" {_moment(verdict, now)}" if item.last_transition_time else ""
    head = f"{item.type}={item.status} {item.reason}{at}"
    yield from wrapped(head, columns, first=f"{glyph} ", rest="  ")
    if repeats:
        return
    yield from wrapped(item.message, columns, first="  ", rest="  ")
    if verdict.meaning:
        yield from labelled("  Means", verdict.meaning, columns, indent=INDENT)
    if verdict.remedy:
        yield from labelled("  Remedy", verdict.remedy, columns, indent=INDENT)


def _moment(verdict: Verdict, now: datetime) -> str:
    from fluxsm.errors import MalformedError
    from fluxsm.objects.timestamp import parse_time

    text = verdict.condition.last_transition_time
    try:
        return f"since {ago(parse_time(text), now)}"
    except MalformedError:
        return f"since {text}"


def _doubts(found: Explanation, now: datetime) -> Iterator[str]:
    """What makes one think that no operator is at work."""
    for text in found.unseen:
        yield f"The status does not show yet {text}."
    if found.is_overdue(now, GRACE):
        yield (
            "What was due has not happened: the operator is not running, or cannot write to the"
            " API server. Look with `fluxsm doctor`."
        )


def data(name: str, found: Explanation, now: datetime) -> dict[str, Any]:
    """The same for programs; what is not known is null."""
    definition, arrival, deadline, timer = (
        found.definition, found.arrival, found.deadline, found.timer,
    )  # fmt: skip
    return {
        "instance": name,
        "state": definition.state.value if definition else None,
        "stateIsInferred": found.is_inferred,
        "meaning": definition.meaning if definition else None,
        "advice": definition.advice if definition else None,
        "since": format_time(found.since) if found.since else None,
        "because": arrival
        and {
            "from": arrival.source,
            "event": arrival.event,
            "words": arrival.words,
            "guard": arrival.guard or None,
        },
        "doing": found.doing or None,
        "waits": [{"object": wait.name, "why": wait.why} for wait in found.waits],
        "limit": deadline
        and {
            "since": format_time(deadline.since),
            "at": format_time(deadline.at),
            "length": duration.format(deadline.length),
            "reason": deadline.reason,
        },
        "next": timer
        and {
            "event": timer.event,
            "at": format_time(timer.at) if timer.at else None,
            "every": duration.format(timer.every) if timer.every else None,
        },
        "ways": [
            {
                "event": way.event.value,
                "words": way.event.words,
                "guard": way.guard or None,
                "to": way.dest.value if way.dest else None,
            }
            for way in found.ways
        ],
        "conditions": [
            {
                "type": item.condition.type,
                "status": item.condition.status,
                "reason": item.condition.reason,
                "message": item.condition.message,
                "since": item.condition.last_transition_time,
                "meaning": item.meaning or None,
                "remedy": item.remedy or None,
            }
            for item in found.verdicts
        ],
        "unseen": list(found.unseen),
        "overdue": found.is_overdue(now, GRACE),
    }
