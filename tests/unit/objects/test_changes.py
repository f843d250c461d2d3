# SPDX-License-Identifier: Apache-2.0
"""What a run did to each object, and how that is worked out and reported."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.objects.changes import Action, Change, action_of, combine, lines, message


def change(name: str, action: Action, *, namespace: str = "n") -> Change:
    """Make a change of a Service, or of a Namespace without namespace."""
    kind = Kind("", "v1", "Service" if namespace else "Namespace")
    return Change(ref=ObjectRef(kind, namespace, name), action=action)


def test_a_line_for_all_that_was_not_left_alone() -> None:
    """In the order of the run, without a namespace where there is none."""
    changes = [
        change("a", Action.CREATED, namespace=""),
        change("b", Action.UNCHANGED),
        change("c", Action.CONFIGURED),
        change("d", Action.DELETED),
        change("e", Action.SKIPPED),
    ]
    assert lines(changes) == [
        "Namespace/a created",
        "Service/n/c configured",
        "Service/n/d deleted",
        "Service/n/e skipped",
    ]


def test_nothing_to_report() -> None:
    """A run that changed nothing has no lines."""
    assert lines([change("a", Action.UNCHANGED)]) == []


def test_the_event_text() -> None:
    """The first line says what happened, the others to what."""
    assert message("v2.8.8", ["A/b created", "C/d created"], installed=True) == (
        "Flux v2.8.8 installed\nA/b created\nC/d created"
    )
    assert message("v2.8.8", ["A/b deleted"], installed=False) == (
        "Flux v2.8.8 updated\nA/b deleted"
    )


@pytest.mark.parametrize(
    ("first", "second", "amount"),
    [
        (Action.CREATED, Action.CONFIGURED, Action.CREATED),
        (Action.CREATED, Action.UNCHANGED, Action.CREATED),
        (Action.CONFIGURED, Action.UNCHANGED, Action.CONFIGURED),
        (Action.UNCHANGED, Action.CONFIGURED, Action.CONFIGURED),
        (Action.UNCHANGED, Action.CREATED, Action.CREATED),
        (Action.CONFIGURED, Action.DELETED, Action.DELETED),
        (Action.DELETED, Action.CREATED, Action.CONFIGURED),
        (Action.SKIPPED, Action.DELETED, Action.DELETED),
    ],
)
def test_two_changes_amount_to_one(first: Action, second: Action, amount: Action) -> None:
    """A second look does not belittle what the first one did, and the last word counts."""
    other = change("z", Action.CREATED)
    combined = combine([change("a", first), other, change("a", second)])
    assert [item.action for item in combined] == [amount, Action.CREATED]
    assert [item.ref.name for item in combined] == ["a", "z"]


def live(
    version: int,
    *,
    applied: str = "2026-01-01T12:00:00Z",
    generation: int | None = 1,
    uid: str = "u",
    status_at: str | None = None,
    own: bool = True,
) -> dict[str, Any]:
    """Make the metadata of an object."""
    entries: list[dict[str, Any]] = [
        {"manager": "flux-operator", "operation": "Apply", "subresource": "status"},
        {"manager": "flux-operator", "operation": "Update"},
    ]
    if own:
        entry = {"manager": "flux-operator", "operation": "Apply", "time": applied}
        entries.append(entry | {"fieldsV1": {"f:spec": {}}})
    if status_at:
        entries.append({"manager": "kcm", "operation": "Update", "time": status_at})
    metadata: dict[str, Any] = {"resourceVersion": str(version), "uid": uid}
    if generation is not None:
        metadata["generation"] = generation
    return {"metadata": metadata | {"managedFields": entries}}


BEFORE = live(1)


@pytest.mark.parametrize(
    ("before", "after", "created", "action"),
    [
        pytest.param(None, live(1), True, Action.CREATED, id="the server says so"),
        pytest.param(BEFORE, live(9), True, Action.CREATED, id="even if it was there before"),
        pytest.param(None, live(1), False, Action.CONFIGURED, id="nobody had seen it"),
        pytest.param(BEFORE, live(1), False, Action.UNCHANGED, id="same resourceVersion"),
        pytest.param(
            BEFORE,
            live(2, applied="2026-01-01T12:00:07Z"),
            False,
            Action.CONFIGURED,
            id="our entry is newer",
        ),
        pytest.param(
            BEFORE,
            live(3, status_at="2026-01-01T12:00:05Z"),
            False,
            Action.UNCHANGED,
            id="only a controller wrote status",
        ),
        pytest.param(
            BEFORE,
            live(3, status_at="2026-01-01T12:00:05Z", generation=2),
            False,
            Action.CONFIGURED,
            id="the spec changed",
        ),
        pytest.param(
            BEFORE,
            live(3, status_at="2026-01-01T12:00:05Z", uid="other"),
            False,
            Action.CONFIGURED,
            id="it was replaced",
        ),
        pytest.param(
            BEFORE,
            live(3, status_at="2026-01-01T12:00:00Z"),
            False,
            Action.CONFIGURED,
            id="all within one second, so nobody knows",
        ),
        pytest.param(
            BEFORE, live(2), False, Action.CONFIGURED, id="a second apply in the same second"
        ),
        pytest.param(
            live(1, own=False),
            live(2, own=False, status_at="2026-01-01T12:00:05Z"),
            False,
            Action.CONFIGURED,
            id="we have no entry",
        ),
        pytest.param(
            live(1, generation=None),
            live(2, generation=None, status_at="2026-01-01T12:00:05Z"),
            False,
            Action.UNCHANGED,
            id="a kind without generation",
        ),
    ],
)
def test_the_action_is_read_off_the_answer(
    before: dict[str, Any] | None, after: dict[str, Any], created: bool, action: Action
) -> None:
    """Without a read or a dry run; in doubt the object counts as configured."""
    assert action_of(before, after, created=created) is action
