# SPDX-License-Identifier: Apache-2.0
"""What the API says about the instance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who answers.

    Attributes:
        name: of the process.
        version: of the operator.
        leads: whether the machine runs in this process.
        role: `leader`, `standby`, or `viewer` for `fluxsm status --serve`.
    """

    name: str
    version: str
    leads: bool
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition of the status.

    Attributes:
        type: of the condition.
        status: `True`, `False` or `Unknown`.
        reason: why, in one word.
        message: why, for people.
        meaning: what the reason means; empty for one that is not ours.
        remedy: what to do about the reason; empty when nothing has to be done.
        since: when it last changed; empty where the status does not say.
    """

    type: str
    status: str
    reason: str
    message: str
    meaning: str
    remedy: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """An object that is waited for.

    Attributes:
        object: kind, namespace and name; `3 more` for what the message does not name.
        why: what is missing; may be empty.
    """

    object: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a working state waits for.

    Attributes:
        message: in words.
        objects: the same object by object, where the message names any.
        since: since when.
        limit_seconds: how long it may take; null where there is no limit, or it is not known.
        deadline: when it expires; null as above.
    """

    message: str
    objects: tuple[Awaited, ...]
    since: datetime | None
    limit_seconds: float | None
    deadline: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """What happens next by itself.

    Attributes:
        event: what happens.
        at: when; null where only the period is known.
        every: the period, a Go duration; empty for what happens once.
    """

    event: str
    at: datetime | None
    every: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions:
    """Revisions, each empty where there is none.

    Attributes:
        applied: of the last run that ended Ready.
        attempted: of the last attempt.
        artifact: digest of the artifact of the last run that ended Ready.
    """

    applied: str
    attempted: str
    artifact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A controller.

    Attributes:
        name: its name.
        image: repository and tag.
        digest: of the image; empty where it is not pinned.
        ready: whether it is available; null where that is not known.
        status: its status, for people; empty where that is not known.
    """

    name: str
    image: str
    digest: str
    ready: bool | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """An object of the inventory.

    Attributes:
        kind: its kind.
        api_version: its API version.
        namespace: empty for one of the whole cluster.
        name: its name.
        health: its kstatus; empty where that is not known.
        message: what it waits for, or what is wrong.
    """

    kind: str
    api_version: str
    namespace: str
    name: str
    health: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """An object that somebody else changes, and that is repaired.

    Attributes:
        object: kind, namespace and name.
        repairs: repairs in a row.
        serious: whether somebody insists, so that the repairs get rarer.
        last: the last repair.
        not_before: the earliest moment of the next one.
    """

    object: str
    repairs: int
    serious: bool
    last: datetime
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """An upgrade that nobody asked for and that cannot be made.

    Attributes:
        reason: in one word.
        message: for people.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceAnswer:
    """The instance.

    Attributes:
        operator: who answers.
        found: whether there is an instance; null while that is not known.
        problem: why it is not known; empty where it is.
        namespace: of the instance.
        name: of the instance.
        generation: of its spec.
        wanted: the version that the spec asks for; empty where it does not say.
        state: where the machine stands; empty where that is not known.
        inferred: whether the state was worked out from conditions, for an operator that has none.
        kind: what being there means: `Ready`, `working`, `waiting`, `failed`, `leaving`.
        since: when the state was entered.
        meaning: what the state means.
        advice: what to do when the instance stays there.
        message: the Ready message.
        conditions: all conditions.
        waiting: what is waited for; null at rest.
        next: what happens next by itself; null where only a change brings anything new.
        revisions: revisions.
        components: the controllers.
        inventory: what is installed, in the order in which it is applied.
        conflicts: what had to be repaired, as far as this process saw it.
        blocked: an upgrade that does not happen; null where none is blocked.
    """

    operator: Operator
    found: bool | None
    problem: str
    namespace: str
    name: str
    generation: int
    wanted: str
    state: str
    inferred: bool
    kind: str
    since: datetime | None
    meaning: str
    advice: str
    message: str
    conditions: tuple[Condition, ...]
    waiting: Waiting | None
    next: Timer | None
    revisions: Revisions
    components: tuple[Component, ...]
    inventory: tuple[Managed, ...]
    conflicts: tuple[Conflict, ...]
    blocked: Blocked | None
