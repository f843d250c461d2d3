# SPDX-License-Identifier: Apache-2.0
"""Conditions are written as kstatus wants them, and every broken rule is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.core.conditions import (
    MESSAGE_LIMIT,
    Writer,
    check_rules,
    find,
    is_true,
    put,
    remove,
    shorten,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, 999_999, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
FOREIGN: dict[str, Any] = {"type": "example.com/Backup", "status": "False", "extra": 1}


def ready(now: datetime = NOW, **changes: Any) -> list[dict[str, Any]]:
    """Put Ready=True on nothing, with some arguments changed."""
    arguments: dict[str, Any] = {
        "type_": names.READY,
        "status": "True",
        "reason": "Good",
        "message": "all is well",
        "generation": 1,
        "now": now,
    }
    return put([], **(arguments | changes))


def again(conditions: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Put Ready=True once more, later, and return it."""
    arguments: dict[str, Any] = {
        "type_": names.READY,
        "status": "True",
        "reason": "Good",
        "message": "all is well",
        "generation": 1,
        "now": LATER,
    }
    found = find(put(conditions, **(arguments | changes)), names.READY)
    assert found is not None
    return dict(found)


def test_a_new_condition_has_every_field() -> None:
    """Times are in UTC and whole seconds."""
    assert ready() == [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Good",
            "message": "all is well",
            "lastTransitionTime": "2026-01-01T12:00:00Z",
            "observedGeneration": 1,
        }
    ]


@pytest.mark.parametrize(
    "change",
    [{"status": "False"}, {"reason": "Better"}, {"message": "all is better"}],
    ids=["status", "reason", "message"],
)
def test_the_transition_time_moves_with_what_it_says(change: dict[str, Any]) -> None:
    """Not only with the status."""
    assert again(ready(), **change)["lastTransitionTime"] == "2026-01-01T12:01:00Z"


def test_saying_the_same_again_keeps_the_transition_time() -> None:
    """Also when only the generation is newer; that is refreshed."""
    assert again(ready())["lastTransitionTime"] == "2026-01-01T12:00:00Z"
    newer = again(ready(), generation=2)
    assert newer["lastTransitionTime"] == "2026-01-01T12:00:00Z"
    assert newer["observedGeneration"] == 2


def test_a_condition_without_a_time_gets_one() -> None:
    """A time that somebody removed is not invented from the past."""
    conditions = ready()
    del conditions[0]["lastTransitionTime"]
    assert again(conditions)["lastTransitionTime"] == "2026-01-01T12:01:00Z"


def test_a_long_message_is_cut_and_still_says_the_same() -> None:
    """The cut text is what is compared, so it does not change with every write."""
    long = "x" * (MESSAGE_LIMIT + 1)
    assert shorten("y" * MESSAGE_LIMIT) == "y" * MESSAGE_LIMIT
    assert shorten(long) == "x" * (MESSAGE_LIMIT - 3) + "..."
    first = ready(message=long)
    assert first[0]["message"] == shorten(long)
    assert again(first, message=long)["lastTransitionTime"] == "2026-01-01T12:00:00Z"


@pytest.mark.parametrize(
    "type_", [names.RECONCILING, names.STALLED, names.UPGRADE_BLOCKED], ids=str
)
def test_some_types_exist_only_while_they_are_true(type_: str) -> None:
    """Setting one to anything else removes it."""
    there = ready(type_=type_)
    assert is_true(there, type_)
    for status in ("False", "Unknown"):
        gone = put(there, type_=type_, status=status, reason="R", message="", generation=1, now=NOW)
        assert gone == []


def test_reconciling_and_stalled_replace_each_other() -> None:
    """They exclude each other."""
    conditions = ready(type_=names.STALLED)
    conditions = put(
        conditions,
        type_=names.RECONCILING,
        status="True",
        reason="R",
        message="",
        generation=1,
        now=NOW,
    )
    assert [item["type"] for item in conditions] == ["Reconciling"]
    conditions = put(
        conditions,
        type_=names.STALLED,
        status="True",
        reason="R",
        message="",
        generation=1,
        now=NOW,
    )
    assert [item["type"] for item in conditions] == ["Stalled"]


def test_conditions_are_in_order_and_foreign_ones_are_kept() -> None:
    """Own types first; what others wrote keeps its place among itself, and every field."""
    other = {"type": "A", "status": "True"}
    conditions: list[dict[str, Any]] = [FOREIGN, other]
    for type_ in (names.UPGRADE_BLOCKED, names.READY, names.RECONCILING):
        conditions = put(
            conditions, type_=type_, status="True", reason="R", message="", generation=1, now=NOW
        )
    types = [item["type"] for item in conditions]
    assert types == ["Reconciling", "Ready", "UpgradeBlocked", "example.com/Backup", "A"]
    assert conditions[3] == FOREIGN


def test_nothing_is_changed_in_place() -> None:
    """The input is what the API server said, and stays so."""
    before = [*ready(), dict(FOREIGN)]
    copy = [dict(item) for item in before]
    again(before, status="False")
    remove(before, names.READY)
    writer = Writer(before, generation=1, now=LATER)
    writer.retrying("Bad", "no", "again")
    writer.result().clear()
    assert before == copy
    assert len(writer.result()) == 3


def test_finding_nothing() -> None:
    """An absent condition is neither true nor there."""
    assert find([], "Ready") is None
    assert not is_true([], "Ready")
    assert not is_true(ready(status="Unknown"), "Ready")


SITUATIONS: list[tuple[str, Callable[[Writer], None], bool, dict[str, tuple[str, str]]]] = [
    (
        "progressing",
        lambda writer: writer.progressing(names.PROGRESSING, "working"),
        True,
        {"Reconciling": ("True", "Progressing"), "Ready": ("Unknown", "Progressing")},
    ),
    (
        "ready",
        lambda writer: writer.ready(names.RECONCILIATION_SUCCEEDED, "done"),
        False,
        {"Ready": ("True", "ReconciliationSucceeded")},
    ),
    (
        "retrying",
        lambda writer: writer.retrying(names.ARTIFACT_FAILED, "no", "again"),
        False,
        {"Reconciling": ("True", "ProgressingWithRetry"), "Ready": ("False", "ArtifactFailed")},
    ),
    (
        "stalled",
        lambda writer: writer.stalled(names.BUILD_FAILED, "no"),
        False,
        {"Stalled": ("True", "BuildFailed"), "Ready": ("False", "BuildFailed")},
    ),
]


@pytest.mark.parametrize("before", SITUATIONS, ids=lambda case: f"after {case[0]}")
@pytest.mark.parametrize("case", SITUATIONS, ids=lambda case: str(case[0]))
def test_every_situation_keeps_the_laws(
    before: tuple[str, Callable[[Writer], None], bool, Any],
    case: tuple[str, Callable[[Writer], None], bool, dict[str, tuple[str, str]]],
) -> None:
    """Whatever was there before, exactly the conditions of the situation are there after."""
    _, prepare, _, _ = before
    _, act, moving, expected = case
    writer = Writer([], generation=1, now=NOW)
    prepare(writer)
    writer = Writer(writer.result(), generation=2, now=LATER)
    act(writer)
    result = writer.result()
    assert {item["type"]: (item["status"], item["reason"]) for item in result} == expected
    assert check_rules(result, 2, moving=moving) == []


def test_a_suspended_object_keeps_what_is_known_of_it() -> None:
    """Only an object that was never looked at gets a condition."""
    fresh = Writer([], generation=1, now=NOW)
    fresh.suspended(names.RECONCILIATION_DISABLED, "never looked at")
    assert [(item["type"], item["status"], item["reason"]) for item in fresh.result()] == [
        ("Ready", "True", "ReconciliationDisabled")
    ]
    known = Writer([], generation=1, now=NOW)
    known.retrying("Bad", "no", "again")
    before = known.result()
    known.suspended(names.RECONCILIATION_DISABLED, "never mind")
    assert known.result() == before
    assert check_rules(before, 7, moving=None) == []


def test_a_writer_sets_and_drops_single_conditions() -> None:
    """For conditions that are not part of a situation."""
    writer = Writer(ready(), generation=1, now=NOW)
    writer.set(names.UPGRADE_BLOCKED, "True", names.BUILD_FAILED, "no")
    assert writer.is_true(names.UPGRADE_BLOCKED)
    assert check_rules(writer.result(), 1, moving=False) == []
    writer.drop(names.UPGRADE_BLOCKED)
    assert writer.result() == ready()


def item(type_: str, status: str, **changes: Any) -> dict[str, Any]:
    """Make a condition that keeps the rules, then change it; None removes a field."""
    condition = {
        "type": type_,
        "status": status,
        "reason": names.PROGRESSING_WITH_RETRY if type_ == names.RECONCILING else "Some",
        "message": "text",
        "lastTransitionTime": "2026-01-01T12:00:00Z",
        "observedGeneration": 3,
    } | changes
    return {key: value for key, value in condition.items() if value is not None}


READY = item("Ready", "True")


@pytest.mark.parametrize(
    ("conditions", "moving", "rule"),
    [
        pytest.param([], None, "Ready is missing", id="Ready is always there"),
        pytest.param([READY, READY], None, "Ready is there twice", id="one of each type"),
        pytest.param(
            [item("Ready", "False"), item("Stalled", "True")],
            None,
            "not in their order but Ready, Stalled",
            id="own types are in order",
        ),
        pytest.param(
            [item("Stalled", "True"), item("Reconciling", "True"), item("Ready", "False")],
            None,
            "exclude each other",
            id="Reconciling and Stalled exclude each other",
        ),
        pytest.param(
            [item("Reconciling", "True"), READY],
            None,
            "cannot be Ready",
            id="what is Reconciling is not Ready",
        ),
        pytest.param(
            [item("Stalled", "True"), READY],
            None,
            "Stalled must be Ready=False",
            id="what is Stalled is not Ready",
        ),
        pytest.param(
            [item("Stalled", "True"), item("Ready", "Unknown")],
            None,
            "Stalled must be Ready=False",
            id="what is Stalled is decided",
        ),
        pytest.param(
            [item("Ready", "Unknown")],
            None,
            "without Reconciling",
            id="what is undecided is being worked on",
        ),
        pytest.param(
            [item("Ready", "False")],
            False,
            "will it be retried",
            id="a failure says whether it is retried",
        ),
        pytest.param([item("Stalled", "False"), READY], None, "is not true", id="no Stalled=False"),
        pytest.param(
            [item("Reconciling", "Unknown"), READY], None, "is not true", id="no Reconciling=?"
        ),
        pytest.param(
            [READY, item("UpgradeBlocked", "False")], None, "is not true", id="no Blocked=False"
        ),
        pytest.param([item("Ready", "Yes")], None, "one of three", id="the status is a known one"),
        pytest.param([item("Ready", "True", reason="")], None, "reason", id="there is a reason"),
        pytest.param(
            [item("Ready", "True", reason="two words")], None, "reason", id="it is one word"
        ),
        pytest.param(
            [item("Ready", "True", reason="R" * 1025)], None, "reason", id="it is not too long"
        ),
        pytest.param(
            [item("Ready", "True", message=None)], None, "message is missing", id="a message"
        ),
        pytest.param(
            [item("Ready", "True", message="x" * (MESSAGE_LIMIT + 1))],
            None,
            "too long",
            id="the message is not too long",
        ),
        pytest.param(
            [item("Ready", "True", lastTransitionTime="now")], None, "not a time", id="a time"
        ),
        pytest.param(
            [item("Ready", "True", lastTransitionTime=None)], None, "not a time", id="any time"
        ),
        pytest.param(
            [item("Ready", "True", observedGeneration=4)], None, "ahead", id="no future generation"
        ),
        pytest.param(
            [item("Ready", "True", observedGeneration=-1)],
            None,
            "not a generation",
            id="no negative generation",
        ),
        pytest.param(
            [item("Ready", "True", observedGeneration="3")],
            None,
            "not a generation",
            id="the generation is a number",
        ),
        pytest.param([READY, item("no type", "True")], None, "type", id="the type is well-formed"),
        pytest.param([READY, item("T" * 317, "True")], None, "type", id="it is not too long"),
        pytest.param([READY, item("", "True")], None, "condition: type", id="there is a type"),
        pytest.param(
            [item("Ready", "True", observedGeneration=2)],
            False,
            "observedGeneration is 2, not 3",
            id="own conditions are about what is there",
        ),
        pytest.param([READY], True, "moving without Reconciling", id="moving is Reconciling"),
        pytest.param([READY], True, "moving with Ready=True", id="moving is not Ready"),
        pytest.param(
            [item("Reconciling", "True", reason="Progressing"), item("Ready", "False")],
            True,
            "moving with Ready=False",
            id="moving is not failed, unless it is a retry",
        ),
        pytest.param(
            [item("Reconciling", "True"), item("Ready", "Unknown")],
            False,
            "at rest with Ready=Unknown",
            id="at rest Ready is decided",
        ),
        pytest.param(
            [item("Reconciling", "True", reason="Progressing"), item("Ready", "False")],
            False,
            "not about a retry",
            id="at rest Reconciling means a retry",
        ),
    ],
)
def test_every_broken_law_is_found(
    conditions: list[dict[str, Any]], moving: bool | None, rule: str
) -> None:
    """Each rule is broken once, and named."""
    broken = check_rules(conditions, 3, moving=moving)
    assert any(rule in text for text in broken), broken


@pytest.mark.parametrize(
    ("conditions", "moving"),
    [
        pytest.param([READY], False, id="ready"),
        pytest.param([READY, item("UpgradeBlocked", "True")], False, id="ready but held back"),
        pytest.param(
            [READY, item("UpgradeBlocked", "True", observedGeneration=1)],
            False,
            id="held back since an earlier generation",
        ),
        pytest.param([item("Stalled", "True"), item("Ready", "False")], False, id="stalled"),
        pytest.param([item("Reconciling", "True"), item("Ready", "False")], False, id="retrying"),
        pytest.param(
            [item("Reconciling", "True", reason="Progressing"), item("Ready", "Unknown")],
            True,
            id="moving",
        ),
        pytest.param(
            [item("Reconciling", "True"), item("Ready", "False")], True, id="moving in a retry"
        ),
        pytest.param(
            [item("Stalled", "True"), item("Ready", "False")],
            True,
            id="moving to get over what only a change could cure",
        ),
        pytest.param([item("Ready", "False")], None, id="suspended in the middle"),
        pytest.param([item("Ready", "True", observedGeneration=1)], None, id="suspended since"),
        pytest.param([READY, item("a.b/C", "False", observedGeneration=None)], False, id="foreign"),
        pytest.param([item("X", "True"), READY], False, id="foreign ones may stand anywhere"),
    ],
)
def test_what_keeps_the_laws(conditions: list[dict[str, Any]], moving: bool | None) -> None:
    """No rule is invented."""
    assert check_rules(conditions, 3, moving=moving) == []
