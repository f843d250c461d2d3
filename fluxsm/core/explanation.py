# SPDX-License-Identifier: Apache-2.0
"""Where an instance stands, why, and what would bring it on: read off the instance alone.

Pure: the words are those of the table and the glossary, the facts those of the saved status. So
it works beside an operator that is stopped. Where the status has only the fields that the
reference operator writes too, the state is worked out from conditions and metadata, as far as
those decide it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fluxsm.api import duration, glossary, names
from fluxsm.api.objects import Manifest
from fluxsm.api.status import Condition
from fluxsm.core.instance import Instance
from fluxsm.core.observed import Observed
from fluxsm.core.runs import start
from fluxsm.core.settings import Settings
from fluxsm.core.waits import Wait, parse_waits
from fluxsm.errors import MalformedError
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Span, StateDef, Table, guard_words
from fluxsm.objects.timestamp import parse_time

_QUIET = frozenset({Event.GONE, Event.UNSAVED})
"""Events that nobody can bring about who asks what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How the state was reached.

    Attributes:
        source: the state that was left.
        event: the name of what happened there.
        words: the same for people; empty when this version does not know the event.
        guard: what had to hold as well; empty when nothing had to.
    """

    source: str
    event: str
    words: str
    guard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way out of the state.

    Attributes:
        event: what has to happen.
        dest: the state that it leads to; None for the end of the instance.
        guard: what has to hold as well; empty when nothing has to.
    """

    event: Event
    dest: State | None
    guard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The limit of the state.

    Attributes:
        since: when it began to count.
        length: how long the state may take.
        reason: the Ready reason that passing it has.
    """

    since: datetime
    length: timedelta
    reason: str

    @property
    def at(self) -> datetime:
        """When it passes."""
        return self.since + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class NextTimer:
    """What happens by itself while the instance rests.

    Attributes:
        event: the name of what happens.
        at: when; None for what comes again in a rhythm.
        every: how often; None for what happens once.
    """

    event: str
    at: datetime | None
    every: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One condition with what its reason means.

    Attributes:
        condition: as it was saved.
        meaning: of the reason; empty when it is not one of ours.
        remedy: what to do about the reason; empty when nothing has to be done.
    """

    condition: Condition
    meaning: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where an instance stands.

    Attributes:
        definition: of its state; None when that is not known.
        is_inferred: whether the state is worked out from fields that the reference writes too.
        since: when the state was entered; None when that is not known.
        arrival: how it was reached; None when that is not known.
        doing: what the operator says that it is doing; empty at rest.
        waits: what is waited for, object by object.
        deadline: the limit of the state; None where it has none, or its beginning is not known.
        timer: what happens next by itself; None when only a change brings the instance on.
        ways: what would bring it on.
        verdicts: the conditions, Ready first.
        unseen: what was asked for and does not show in the status yet, a sentence each.
    """

    definition: StateDef | None
    is_inferred: bool
    since: datetime | None
    arrival: Arrival | None
    doing: str
    waits: tuple[Wait, ...]
    deadline: Deadline | None
    timer: NextTimer | None
    ways: tuple[Way, ...]
    verdicts: tuple[Verdict, ...]
    unseen: tuple[str, ...]

    def is_overdue(self, now: datetime, grace: timedelta) -> bool:
        """Whether a limit or a timer passed some time ago: then no operator is at work.

        Args:
            now: the current time.
            grace: how late a living operator may be, clocks that differ included.
        """
        moments = [self.deadline.at if self.deadline else None]
        moments.append(self.timer.at if self.timer else None)
        return any(moment is not None and now > moment + grace for moment in moments)


def explain(manifest: Manifest, table: Table) -> Explanation:
    """Explain an instance.

    Args:
        manifest: the FluxInstance as the API server returned it.
        table: the machine, with its words.
    """
    instance = Instance(manifest)
    state, is_inferred = _state_of(instance, table)
    definition = table.states[state] if state else None
    working = definition is None or not definition.rests
    doing = _doing(instance) if working else ""
    since = _moment(instance.status.state_since)
    return Explanation(
        definition=definition,
        is_inferred=is_inferred,
        since=_inferred_since(instance) if is_inferred else since,
        arrival=_arrival(instance),
        doing=doing,
        waits=parse_waits(doing),
        deadline=_deadline(instance, definition, since),
        timer=_timer(instance),
        ways=_ways(table, state) if state else (),
        verdicts=tuple(_verdicts(instance)),
        unseen=tuple(_unseen(instance, state, table)),
    )


def _state_of(instance: Instance, table: Table) -> tuple[State | None, bool]:
    """The state of the status, or what the compatible fields decide of it."""
    try:
        return State(instance.status.state or ""), False
    except ValueError:
        pass
    if instance.is_deleted:
        return table.ending, True
    if instance.metadata.suspended:
        return table.paused, True
    ready = instance.condition(names.READY)
    if ready is None or ready.status == "Unknown":
        return None, True
    shown = (item.state for item in table.states.values() if item.ready == ready.status)
    return next(shown, None), True


def _inferred_since(instance: Instance) -> datetime | None:
    ready = instance.condition(names.READY)
    return _moment(ready.last_transition_time) if ready else None


def _moment(text: str | None) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except MalformedError:
        return None


def _arrival(instance: Instance) -> Arrival | None:
    found = instance.status.last_transition
    if found is None:
        return None
    words = {event.value: event.words for event in Event}.get(found.event, "")
    return Arrival(source=found.from_, event=found.event, words=words, guard=found.guard or "")


def _doing(instance: Instance) -> str:
    """What a run says that it does; a retry says it in Reconciling, for Ready has the failure."""
    found = instance.condition(names.RECONCILING) or instance.condition(names.READY)
    return found.message if found and found.status != "False" else ""


def _deadline(
    instance: Instance, definition: StateDef | None, entered: datetime | None
) -> Deadline | None:
    """The limit; one that is counted over a wait begins when the message of the wait changed."""
    if definition is None or definition.limit is None or entered is None:
        return None
    limit, since = definition.limit, entered
    doing = instance.condition(names.RECONCILING)
    if limit.over is Span.WAIT and doing is not None:
        since = max(entered, _moment(doing.last_transition_time) or entered)
    return Deadline(
        since=since, length=limit.length(_observed(instance, definition)), reason=limit.reason
    )


def _observed(instance: Instance, definition: StateDef) -> Observed:
    """What the length of a limit depends on: annotations, and flags with their defaults."""
    moment = timedelta(0)
    return Observed(
        instance=instance,
        state=definition.state,
        memory=start(instance, moment),
        now=datetime.min.replace(tzinfo=UTC),
        tick=moment,
        settings=Settings(),
    )


def _timer(instance: Instance) -> NextTimer | None:
    found = instance.status.next_transition
    if found is None:
        return None
    try:
        every = duration.parse(found.every) if found.every else None
    except ValueError:
        every = None
    return NextTimer(event=found.event, at=_moment(found.at), every=every)


def _ways(table: Table, state: State) -> tuple[Way, ...]:
    """The rows that leave the state, in their order, without those that nobody can bring about."""
    return tuple(
        Way(
            event=row.event,
            dest=row.dest,
            guard=guard_words(row.guard) if row.guard else "",
        )
        for row in table.leaving(state)
        if row.moves and row.event not in _QUIET
    )


def _verdicts(instance: Instance) -> Iterator[Verdict]:
    """The conditions; the reasons of those that other programs wrote mean nothing to us."""
    for condition in _ready_first(instance.status.conditions or ()):
        ours = condition.type in glossary.CONDITIONS
        yield Verdict(
            condition=condition,
            meaning=glossary.REASONS.get(condition.reason, "") if ours else "",
            remedy=glossary.REMEDIES.get(condition.reason, "") if ours else "",
        )


def _ready_first(conditions: Iterable[Condition]) -> list[Condition]:
    return sorted(conditions, key=lambda item: item.type != names.READY)


def _unseen(instance: Instance, state: State | None, table: Table) -> Iterator[str]:
    """What people asked for that no status answers yet."""
    metadata, status = instance.metadata, instance.status
    if instance.is_deleted and state is not table.ending:
        yield f"its deletion, asked for at {metadata.deletion_timestamp}"
    if metadata.suspended and state not in {table.paused, table.ending}:
        yield f"the annotation {names.RECONCILE}: {names.DISABLED}"
    if not metadata.suspended and state is table.paused:
        yield f"the end of the suspension: {names.RECONCILE} is not {names.DISABLED} any more"
    ready = instance.condition(names.READY)
    seen = ready.observed_generation or 0 if ready else 0
    if seen < metadata.generation and not metadata.suspended:
        yield f"generation {metadata.generation} of the spec; conditions are about {seen}"
    asked = metadata.requested_at
    if asked and asked != (status.last_handled_reconcile_at or "") and not metadata.suspended:
        yield f"the request to reconcile of {asked}"
