# SPDX-License-Identifier: Apache-2.0
"""When retries, periodic runs and deadlines are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.core.schedule import is_requested, next_reconcile, retry_delay

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
MIN, MAX = timedelta(milliseconds=750), timedelta(minutes=15)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        pytest.param(1, 0.75, id="the first"),
        pytest.param(2, 1.5, id="the second"),
        pytest.param(3, 3, id="the third"),
        pytest.param(11, 768, id="the last below the limit"),
        pytest.param(12, 900, id="the first at the limit"),
        pytest.param(10**9, 900, id="any later one"),
        pytest.param(0, 0.75, id="none counts as the first"),
        pytest.param(-3, 0.75, id="less than none too"),
    ],
)
def test_the_delay_doubles_up_to_a_limit(failures: int, seconds: float) -> None:
    """From 750 ms to 15 minutes by default."""
    delay = retry_delay(failures, minimum=MIN, maximum=MAX)
    assert delay == timedelta(seconds=seconds)


def test_a_limit_below_the_first_delay_wins() -> None:
    """However the flags are set, the limit holds."""
    assert retry_delay(1, minimum=HOUR, maximum=MAX) == MAX


@pytest.mark.parametrize("failures", [1, 3, 10**9])
def test_no_delay_can_be_asked_for(failures: int) -> None:
    """Nothing doubled is still nothing, however often."""
    assert retry_delay(failures, minimum=timedelta(0), maximum=MAX) == timedelta(0)
    assert retry_delay(failures, minimum=-MIN, maximum=MAX) == timedelta(0)


@pytest.mark.parametrize(
    ("random", "seconds"), [(0.0, 2.7), (0.5, 3.0), (0.75, 3.15)], ids=["low", "middle", "high"]
)
def test_chance_may_vary_a_delay(random: float, seconds: float) -> None:
    """So that many operators do not come back at the same moment."""
    delay = retry_delay(3, minimum=MIN, maximum=MAX, jitter=0.1, random=random)
    assert delay == timedelta(seconds=seconds)


def test_chance_does_not_exceed_the_limit() -> None:
    """The limit is a promise."""
    assert retry_delay(99, minimum=MIN, maximum=MAX, jitter=0.5, random=0.99) == MAX
    assert retry_delay(99, minimum=MIN, maximum=MAX, jitter=0.5, random=0) == MAX / 2


@pytest.mark.parametrize(
    ("jitter", "random", "minutes"),
    [
        pytest.param(0.05, 0.0, 57, id="the shortest"),
        pytest.param(0.05, 0.5, 60, id="the middle"),
        pytest.param(0.05, 0.75, 61.5, id="a longer one"),
        pytest.param(0.0, 0.9, 60, id="without jitter"),
    ],
)
def test_the_interval_varies_around_the_wanted_one(
    jitter: float, random: float, minutes: float
) -> None:
    """By the given share at most."""
    assert next_reconcile(HOUR, jitter, random) == timedelta(minutes=minutes)


@pytest.mark.parametrize("seconds", [0, -1])
def test_an_interval_of_nothing_means_never(seconds: int) -> None:
    """Zero, as for a disabled instance, or less."""
    assert next_reconcile(timedelta(seconds=seconds), 0.05, 0.5) is None


@pytest.mark.parametrize(
    ("annotations", "status", "requested"),
    [
        pytest.param({}, {}, False, id="nothing was asked"),
        pytest.param({names.REQUESTED_AT: ""}, {}, False, id="an empty token asks nothing"),
        pytest.param({names.REQUESTED_AT: "t1"}, {}, True, id="asked for the first time"),
        pytest.param(
            {names.REQUESTED_AT: "t1"}, {"lastHandledReconcileAt": "t1"}, False, id="answered"
        ),
        pytest.param(
            {names.REQUESTED_AT: "t2"}, {"lastHandledReconcileAt": "t1"}, True, id="asked again"
        ),
    ],
)
def test_a_request_to_reconcile(
    annotations: dict[str, str], status: dict[str, Any], requested: bool
) -> None:
    """Any token that no run has answered."""
    assert is_requested(annotations, status) is requested
