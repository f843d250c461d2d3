# SPDX-License-Identifier: Apache-2.0
"""The history of an instance is put together from events and status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.core.failure import KEPT
from fluxsm.core.timeline import Moment, configurations, timeline
from fluxsm.machine.states import State
from states.table import TABLE

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = BEGIN + timedelta(minutes=10)


def event(minute: int, reason: str, message: str = "m", **extra: Any) -> dict[str, Any]:
    """An event so many minutes after the beginning."""
    return {
        "reason": reason,
        "message": message,
        "type": "Normal",
        "lastTimestamp": f"2026-01-01T12:{minute:02}:00Z",
        **extra,
    }


def instance(**status: Any) -> dict[str, Any]:
    """An instance with a status."""
    return {"metadata": {"generation": 1}, "status": status}


def short(found: list[Moment]) -> list[tuple[str, State | None, int | None]]:
    """Reason, state and minutes."""
    return [
        (
            item.reason,
            item.state,
            None if item.lasted is None else round(item.lasted / timedelta(minutes=1)),
        )
        for item in found
    ]


def test_states_last_until_the_next_one() -> None:
    """Events in any order; those that lead nowhere do not end a state."""
    events = [
        event(5, names.HEALTH_CHECK_FAILED, type="Warning"),
        event(0, names.PROGRESSING),
        event(2, names.OUTDATED_VERSION),
    ]
    assert short(timeline(instance(), events, TABLE, NOW)) == [
        (names.PROGRESSING, State.APPLYING, 5),
        (names.OUTDATED_VERSION, None, None),
        (names.HEALTH_CHECK_FAILED, State.FAILED, 5),
    ]


def test_the_state_of_an_event_is_what_its_annotation_says() -> None:
    """A fault of a look at the artifact leaves Ready, whatever its reason."""
    noted = {"annotations": {names.STATE_ANNOTATION: "Ready"}}
    found = timeline(instance(), [event(0, names.ARTIFACT_FAILED, metadata=noted)], TABLE, NOW)
    assert found[0].state is State.READY


@pytest.mark.parametrize(
    ("reason", "message", "state"),
    [
        (names.RECONCILIATION_SUCCEEDED, "m", State.READY),
        (names.RECONCILIATION_DISABLED, "m", State.SUSPENDED),
        (names.DRIFT_DETECTED, "m", State.APPLYING),
        (names.BUILD_FAILED, "m", State.FAILED),
        (names.BUILD_FAILED, f"m {KEPT}", State.READY),
        (names.VERIFIED, "m", None),
    ],
)
def test_without_an_annotation_the_reason_says_it(
    reason: str, message: str, state: State | None
) -> None:
    """As beside the reference operator."""
    assert timeline(instance(), [event(0, reason, message)], TABLE, NOW)[0].state is state


def test_the_state_of_the_status_is_the_last_one() -> None:
    """A state that has no event of its own, with what led to it."""
    status = {
        "state": "HealthChecking",
        "stateSince": "2026-01-01T12:04:00Z",
        "lastTransition": {"from": "Applying", "event": "Applied"},
    }
    found = timeline(instance(**status), [event(1, names.PROGRESSING)], TABLE, NOW)
    assert short(found) == [
        (names.PROGRESSING, State.APPLYING, 3),
        ("Applied", State.HEALTH_CHECKING, 6),
    ]


def test_a_state_that_an_event_names_is_listed_once() -> None:
    """The event is recorded within seconds of the save."""
    status = {"state": "Ready", "stateSince": "2026-01-01T12:00:59Z"}
    events = [event(1, names.RECONCILIATION_SUCCEEDED), event(3, names.RECONCILIATION_SUCCEEDED)]
    assert short(timeline(instance(**status), events, TABLE, NOW)) == [
        (names.RECONCILIATION_SUCCEEDED, State.READY, 9),
        (names.RECONCILIATION_SUCCEEDED, None, None),
    ]


def test_both_forms_of_events_have_a_time() -> None:
    """One without any is left out."""
    events: list[dict[str, Any]] = [
        {"reason": "A", "eventTime": "2026-01-01T12:00:00.000000Z", "lastTimestamp": None},
        {"reason": "B", "series": {"lastObservedTime": "2026-01-01T12:01:00.000000Z"}},
        {"reason": "C"},
        {"reason": "D", "lastTimestamp": "never"},
    ]
    found = timeline(instance(), events, TABLE, NOW)
    assert [(item.reason, item.at) for item in found] == [
        ("A", BEGIN),
        ("B", BEGIN + timedelta(minutes=1)),
    ]


def test_configurations_are_read_from_the_status() -> None:
    """Newest first, as they are kept; what cannot be read is not known."""
    snapshot = {
        "digest": "sha256:1",
        "firstReconciled": "2026-01-01T12:00:00Z",
        "lastReconciled": "later",
        "lastReconciledDuration": "1m2s",
        "lastReconciledStatus": "ReconciliationSucceeded",
        "totalReconciliations": 3,
        "metadata": {"flux": "v2.8.8"},
    }
    (found,) = configurations(instance(history=[snapshot]))
    assert (found.version, found.first, found.last) == ("v2.8.8", BEGIN, None)
    assert (found.took, found.runs) == (timedelta(seconds=62), 3)
