# SPDX-License-Identifier: Apache-2.0
"""Write the conditions of a status as kstatus wants them, and tell when they break its rules.

`Reconciling`, `Stalled`, `UpgradeBlocked`, `Outdated` and `StarterDistribution` are there only
while they are true, so that whoever polls an object has to look at what is there and at nothing
else. Conditions that other
programs have put on the object are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from fluxsm.api import names
from fluxsm.errors import MalformedError
from fluxsm.objects.redaction import redact
from fluxsm.objects.timestamp import format_time, parse_time

Truth: TypeAlias = Literal["True", "False", "Unknown"]
Condition: TypeAlias = dict[str, Any]
"""One item of `status.conditions`."""

ORDER: Final = (
    names.STALLED, names.RECONCILING, names.READY, names.UPGRADE_BLOCKED, names.OUTDATED,
    names.VERIFIED, names.STARTER_DISTRIBUTION,
)  # fmt: skip
"""The types that the operator owns, in the order in which they are kept."""

ABNORMAL: Final = frozenset({
    names.RECONCILING, names.STALLED, names.UPGRADE_BLOCKED, names.OUTDATED,
    names.STARTER_DISTRIBUTION,
})  # fmt: skip
"""Types that exist only while they are true."""

EXCLUSIVE: Final = {names.RECONCILING: names.STALLED, names.STALLED: names.RECONCILING}
"""Setting the one removes the other."""

MESSAGE_LIMIT: Final = 32768
"""The longest message that the API server accepts, in characters."""

REASON_LIMIT: Final = 1024
TYPE_LIMIT: Final = 316
REASON: Final = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")
TYPE: Final = re.compile(
    r"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])"
)


def find(conditions: Iterable[Mapping[str, Any]], type_: str) -> Mapping[str, Any] | None:
    """Return the condition of this type, or None."""
    return next((item for item in conditions if item.get("type") == type_), None)


def is_true(conditions: Iterable[Mapping[str, Any]], type_: str) -> bool:
    """Whether there is a condition of this type and its status is `True`."""
    condition = find(conditions, type_)
    return condition is not None and condition.get("status") == "True"


def put(
    conditions: Iterable[Mapping[str, Any]],
    *,
    type_: str,
    status: Truth,
    reason: str,
    message: str,
    generation: int,
    now: datetime,
) -> list[Condition]:
    """Return the conditions with one of them set.

    The transition time moves when status, reason or message changes and is kept otherwise, also
    when only the generation is newer. A type that exists only while it is true is removed instead
    of being set to something else. Reconciling and Stalled replace each other.

    Args:
        conditions: the conditions so far; not changed.
        type_: the type to set.
        status: its status.
        reason: one word in CamelCase.
        message: text for people; logins are taken out, and it is cut where it is longer than the
            API server accepts.
        generation: `metadata.generation` of the object as it was looked at.
        now: the current time.
    """
    if type_ in ABNORMAL and status != "True":
        return remove(conditions, type_)
    message = shorten(redact(message))
    old = find(conditions, type_)
    new: Condition = {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": format_time(now),
        "observedGeneration": generation,
    }
    if old is not None and old.get("lastTransitionTime") and _says_the_same(old, new):
        new["lastTransitionTime"] = old["lastTransitionTime"]
    replaced = {type_, EXCLUSIVE.get(type_)}
    kept = [dict(item) for item in conditions if item.get("type") not in replaced]
    return _sorted([*kept, new])


def remove(conditions: Iterable[Mapping[str, Any]], type_: str) -> list[Condition]:
    """Return the conditions without one type."""
    return _sorted([dict(item) for item in conditions if item.get("type") != type_])


def shorten(message: str) -> str:
    """Return a message that the API server accepts; a cut is marked with three dots."""
    return message if len(message) <= MESSAGE_LIMIT else f"{message[: MESSAGE_LIMIT - 3]}..."


def _says_the_same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return all(old.get(key) == new[key] for key in ("status", "reason", "message"))


def _sorted(conditions: list[Condition]) -> list[Condition]:
    """Own types first, in their order; the sort is stable, so others keep their places."""
    rank = {type_: place for place, type_ in enumerate(ORDER)}
    return sorted(conditions, key=lambda item: rank.get(str(item.get("type")), len(ORDER)))


class Writer:
    """Collects changes to the conditions of one object, all at one time and generation.

    The methods named after situations write a whole set of conditions that keeps the rules.
    """

    def __init__(
        self, conditions: Iterable[Mapping[str, Any]], *, generation: int, now: datetime
    ) -> None:
        self._conditions = [dict(item) for item in conditions]
        self._generation = generation
        self._now = now

    def result(self) -> list[Condition]:
        """Return the conditions as they are now."""
        return [dict(item) for item in self._conditions]

    def is_true(self, type_: str) -> bool:
        """Whether a condition of this type is there and true."""
        return is_true(self._conditions, type_)

    def set(self, type_: str, status: Truth, reason: str, message: str) -> None:
        """Set one condition."""
        self._conditions = put(
            self._conditions,
            type_=type_,
            status=status,
            reason=reason,
            message=message,
            generation=self._generation,
            now=self._now,
        )

    def drop(self, type_: str) -> None:
        """Remove one condition."""
        self._conditions = remove(self._conditions, type_)

    def progressing(self, reason: str, message: str) -> None:
        """A run is under way."""
        self.set(names.RECONCILING, "True", reason, message)
        self.set(names.READY, "Unknown", reason, message)

    def ready(self, reason: str, message: str) -> None:
        """A run has succeeded."""
        self.drop(names.STALLED)
        self.drop(names.RECONCILING)
        self.set(names.READY, "True", reason, message)

    def retrying(self, reason: str, message: str, doing: str) -> None:
        """A run has failed, and the same may succeed later; or one that tries that is under way.

        Args:
            reason: why it failed, for Ready.
            message: the same for people.
            doing: what is done about it.
        """
        self.set(names.RECONCILING, "True", names.PROGRESSING_WITH_RETRY, doing)
        self.set(names.READY, "False", reason, message)

    def restore(self, type_: str, condition: Mapping[str, Any] | None) -> None:
        """Put a condition back as it was, or take it away where there was none."""
        self.drop(type_)
        if condition is not None:
            self._conditions = _sorted([*self._conditions, dict(condition)])

    def stalled(self, reason: str, message: str) -> None:
        """A run has failed, and only a change can help."""
        self.set(names.STALLED, "True", reason, message)
        self.set(names.READY, "False", reason, message)

    def suspended(self, reason: str, message: str) -> None:
        """Nothing is done: what is known of the object stays; only a new one has to be reported."""
        if find(self._conditions, names.READY) is None:
            self.ready(reason, message)


def check_rules(
    conditions: Sequence[Mapping[str, Any]], generation: int, *, moving: bool | None
) -> list[str]:
    """Return every rule that the conditions break, in words; nothing when all is well.

    Args:
        conditions: `status.conditions` after a step.
        generation: `metadata.generation` of the object.
        moving: True while a run is under way, False where the machine rests (Ready, or Failed and
            waiting for a retry or a change), None while suspended: then conditions are left as
            they were, possibly by another generation.
    """
    broken = [rule for item in conditions for rule in _check_item(item, generation)]
    types = [str(item.get("type")) for item in conditions]
    broken += [f"{type_} is there twice" for type_ in sorted(set(types)) if types.count(type_) > 1]
    own = [type_ for type_ in types if type_ in ORDER]
    if own != sorted(own, key=ORDER.index):
        broken.append(f"conditions are not in their order but {', '.join(own)}")
    broken += _check_together(conditions, moving=moving)
    if moving is not None:
        broken += _check_generations(conditions, generation)
        broken += _check_moving(conditions) if moving else _check_resting(conditions)
    return broken


def _check_item(item: Mapping[str, Any], generation: int) -> list[str]:
    """The rules for one condition: what the schema of the API demands, and no false alarms."""
    type_ = str(item.get("type", ""))
    reason, message = str(item.get("reason", "")), item.get("message")
    observed = item.get("observedGeneration", 0)
    rules = (
        (not TYPE.fullmatch(type_) or len(type_) > TYPE_LIMIT, "type is malformed"),
        (item.get("status") not in ("True", "False", "Unknown"), "status is not one of three"),
        (not REASON.fullmatch(reason) or len(reason) > REASON_LIMIT, "reason is malformed"),
        (not isinstance(message, str), "message is missing"),
        (isinstance(message, str) and len(message) > MESSAGE_LIMIT, "message is too long"),
        (not _is_time(item.get("lastTransitionTime")), "lastTransitionTime is not a time"),
        (not isinstance(observed, int) or observed < 0, "observedGeneration is not a generation"),
        (isinstance(observed, int) and observed > generation, "observedGeneration is ahead"),
        (type_ in ABNORMAL and item.get("status") != "True", "is kept though it is not true"),
    )
    return [f"{type_ or 'condition'}: {rule}" for broken, rule in rules if broken]


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and parse_time(value) is not None
    except MalformedError:
        return False


def _check_together(conditions: Sequence[Mapping[str, Any]], *, moving: bool | None) -> list[str]:
    """The rules about the conditions as a whole; a suspended object is not going to be retried."""
    ready = find(conditions, names.READY)
    if ready is None:
        return ["Ready is missing"]
    status = ready.get("status")
    reconciling = is_true(conditions, names.RECONCILING)
    stalled = is_true(conditions, names.STALLED)
    rules = (
        (reconciling and stalled, "Reconciling and Stalled exclude each other"),
        (reconciling and status == "True", "what is Reconciling cannot be Ready"),
        (stalled and status != "False", "what is Stalled must be Ready=False"),
        (status == "Unknown" and not reconciling, "Ready=Unknown without Reconciling"),
        (
            moving is not None and status == "False" and not reconciling and not stalled,
            "Ready=False with neither Stalled nor Reconciling: will it be retried or not?",
        ),
    )
    return [rule for broken, rule in rules if broken]


def _check_generations(conditions: Sequence[Mapping[str, Any]], generation: int) -> list[str]:
    """The core conditions are about the generation that is there now."""
    return [
        f"{item['type']}: observedGeneration is {item.get('observedGeneration')}, not {generation}"
        for item in conditions
        if item.get("type") in ORDER[:3] and item.get("observedGeneration") != generation
    ]


def _check_moving(conditions: Sequence[Mapping[str, Any]]) -> list[str]:
    """While a run is under way: Reconciling, and Ready is Unknown; or the last failure is shown."""
    ready = find(conditions, names.READY) or {}
    status, reconciling = ready.get("status"), find(conditions, names.RECONCILING)
    if status == "False" and is_true(conditions, names.STALLED):
        return []
    retrying = (reconciling or {}).get("reason") == names.PROGRESSING_WITH_RETRY
    rules = (
        (not is_true(conditions, names.RECONCILING), "moving without Reconciling"),
        (status != ("False" if retrying else "Unknown"), f"moving with Ready={status}"),
    )
    return [rule for broken, rule in rules if broken]


def _check_resting(conditions: Sequence[Mapping[str, Any]]) -> list[str]:
    """At rest: Ready is decided, and Reconciling can only mean that a retry is coming."""
    ready = find(conditions, names.READY) or {}
    reconciling = find(conditions, names.RECONCILING)
    rules = (
        (ready.get("status") == "Unknown", "at rest with Ready=Unknown"),
        (
            reconciling is not None and reconciling.get("reason") != names.PROGRESSING_WITH_RETRY,
            "at rest with Reconciling that is not about a retry",
        ),
    )
    return [rule for broken, rule in rules if broken]
