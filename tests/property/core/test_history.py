# SPDX-License-Identifier: Apache-2.0
"""What holds for any history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.core import history
from tests.property.strategies import NOW, check


@check
@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.booleans(), st.integers(0, 999))))
def test_a_history_is_short_and_counts_right(attempts: list[tuple[str, bool, int]]) -> None:
    """Newest first, no pair twice, and a count that only grows."""
    found: list[dict[str, Any]] = []
    now = NOW
    for digest, good, seconds in attempts:
        now += timedelta(seconds=seconds)
        took = timedelta(seconds=seconds)
        status = "Good" if good else "Bad"
        found = history.record(found, digest=digest, status=status, now=now, took=took)
        assert (found[0]["digest"], found[0]["lastReconciledStatus"]) == (digest, status)
    keys = [(item["digest"], item["lastReconciledStatus"]) for item in found]
    assert len(set(keys)) == len(keys) == min(len({item[:2] for item in attempts}), 5)
    assert all(item["firstReconciled"] <= item["lastReconciled"] for item in found)
    times = [item["lastReconciled"] for item in found]
    assert times == sorted(times, reverse=True)
    assert sum(item["totalReconciliations"] for item in found) <= len(attempts)
    if len(keys) < 5:
        assert sum(item["totalReconciliations"] for item in found) == len(attempts)
