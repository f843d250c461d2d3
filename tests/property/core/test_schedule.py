# SPDX-License-Identifier: Apache-2.0
"""What holds for any timer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.core import schedule
from fluxsm.objects.timestamp import format_time, parse_time
from tests.property.strategies import check

SHARES = st.floats(0, 1)
CHANCES = st.floats(0, 1, exclude_max=True)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 the strategy adds the zone


DELAYS = st.timedeltas(timedelta(milliseconds=1), timedelta(days=1))


@check
@given(st.integers(1, 10**6), DELAYS, DELAYS, SHARES, CHANCES)
def test_a_retry_comes_between_its_limits(
    failures: int, minimum: timedelta, maximum: timedelta, jitter: float, random: float
) -> None:
    """Never later than the limit, and without chance never earlier than the time before."""
    plain = schedule.retry_delay(failures, minimum=minimum, maximum=maximum)
    assert min(minimum, maximum) <= plain <= maximum
    assert plain <= schedule.retry_delay(failures + 1, minimum=minimum, maximum=maximum)
    varied = schedule.retry_delay(
        failures, minimum=minimum, maximum=maximum, jitter=jitter, random=random
    )
    slack = timedelta(microseconds=1)
    assert timedelta(0) <= varied <= maximum
    assert abs(varied - plain) <= plain * jitter + slack


@check
@given(DELAYS, SHARES, CHANCES)
def test_the_next_run_is_near_the_wanted_interval(
    interval: timedelta, jitter: float, random: float
) -> None:
    """By the share at most, on either side."""
    found = schedule.next_reconcile(interval, jitter, random)
    assert found is not None
    assert abs(found - interval) <= interval * jitter + timedelta(microseconds=1)


@check
@given(MOMENTS)
def test_a_timestamp_is_read_as_it_was_written(moment: datetime) -> None:
    """To the second, and written the same again."""
    text = format_time(moment)
    assert parse_time(text) == moment.replace(microsecond=0)
    assert format_time(parse_time(text)) == text
