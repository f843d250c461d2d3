# SPDX-License-Identifier: Apache-2.0
"""Times are written and read as Kubernetes does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fluxsm.errors import MalformedError
from fluxsm.objects.timestamp import format_time, parse_time

MOMENT = datetime(2024, 6, 3, 12, 20, 57, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        MOMENT,
        MOMENT.replace(microsecond=999_999),
        MOMENT.astimezone(timezone(timedelta(hours=-7))),
    ],
    ids=["in UTC", "with a fraction", "in another zone"],
)
def test_times_are_written_in_utc_and_whole_seconds(moment: datetime) -> None:
    """The fraction is cut, not rounded."""
    assert format_time(moment) == "2024-06-03T12:20:57Z"


def test_a_time_without_a_zone_is_refused() -> None:
    """Nobody knows which moment it means."""
    with pytest.raises(ValueError, match="time zone"):
        format_time(MOMENT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-06-03T12:20:57Z", MOMENT),
        ("2024-06-03T14:20:57+02:00", MOMENT),
        ("2024-06-03T12:20:57.5Z", MOMENT + timedelta(seconds=0.5)),
        ("2024-06-03T12:20:57.123456789Z", MOMENT + timedelta(microseconds=123_456)),
    ],
)
def test_times_are_read(text: str, moment: datetime) -> None:
    """In any zone, with any number of digits."""
    assert parse_time(text) == moment
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "soon", "2024-06-03T12:20:57", "2024-13-03T12:20:57Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """And named."""
    with pytest.raises(MalformedError, match=repr(text)):
        parse_time(text)
