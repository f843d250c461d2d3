# SPDX-License-Identifier: Apache-2.0
"""The history counts attempts by configuration and outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fluxsm.core.history import LIMIT, record

NOW = datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)


def attempt(history: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:
    """Record a successful attempt, with some arguments changed."""
    arguments: dict[str, Any] = {
        "digest": "sha256:a",
        "status": "ReconciliationSucceeded",
        "now": NOW,
        "took": timedelta(microseconds=2_818_583),
        "metadata": {"flux": "v2.8.8"},
    }
    return record(history, **(arguments | changes))


def test_the_first_attempt() -> None:
    """Both times are now, the duration is exact, and the count is one."""
    assert attempt([]) == [
        {
            "digest": "sha256:a",
            "firstReconciled": "2026-01-01T12:00:00Z",
            "lastReconciled": "2026-01-01T12:00:00Z",
            "lastReconciledDuration": "2.818583s",
            "lastReconciledStatus": "ReconciliationSucceeded",
            "totalReconciliations": 1,
            "metadata": {"flux": "v2.8.8"},
        }
    ]


def test_the_same_again_is_counted_and_moves_to_the_front() -> None:
    """Only the first time stays; the metadata is replaced: VAL-7."""
    history = attempt(attempt([]), digest="sha256:b")
    later = NOW + timedelta(hours=1)
    history = attempt(history, now=later, took=timedelta(seconds=1), metadata={"flux": "v2.8.9"})
    assert [item["digest"] for item in history] == ["sha256:a", "sha256:b"]
    assert history[0] == {
        "digest": "sha256:a",
        "firstReconciled": "2026-01-01T12:00:00Z",
        "lastReconciled": "2026-01-01T13:00:00Z",
        "lastReconciledDuration": "1s",
        "lastReconciledStatus": "ReconciliationSucceeded",
        "totalReconciliations": 2,
        "metadata": {"flux": "v2.8.9"},
    }


def test_another_outcome_is_another_snapshot() -> None:
    """A configuration may fail and succeed: VAL-8."""
    history = attempt(attempt([]), status="ReconciliationFailed")
    assert [item["lastReconciledStatus"] for item in history] == [
        "ReconciliationFailed",
        "ReconciliationSucceeded",
    ]
    assert [item["totalReconciliations"] for item in history] == [1, 1]


def test_no_metadata_leaves_the_field_out() -> None:
    """A spec that cannot be built has no version."""
    assert "metadata" not in attempt([], metadata=None)[0]
    assert "metadata" not in attempt(attempt([]), metadata=None)[0]


def test_the_oldest_are_forgotten() -> None:
    """Seven configurations leave the last five, newest first: VAL-9."""
    history: list[dict[str, Any]] = []
    for number in range(7):
        history = attempt(history, digest=f"sha256:{number}")
    assert [item["digest"] for item in history] == [f"sha256:{n}" for n in (6, 5, 4, 3, 2)]
    assert len(history) == LIMIT


def test_the_input_is_left_alone() -> None:
    """What the API server said stays as it is."""
    history = attempt([])
    copy = [dict(item) for item in history]
    attempt(history, metadata={"flux": "v9"})
    assert history == copy
