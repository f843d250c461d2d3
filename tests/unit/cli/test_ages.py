# SPDX-License-Identifier: Apache-2.0
"""Ages and times as tables show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fluxsm.cli import ages

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (59.9, "59s"), (60, "1m"), (185, "3m5s"), (3600, "1h"), (3661, "1h1m"),
        (86399, "23h59m"), (86400, "1d"), (187200, "2d4h"), (-5, "0s"),
    ],
)  # fmt: skip
def test_an_age_has_two_units(seconds: float, text: str) -> None:
    """The greatest ones; a clock that is ahead gives no negative age."""
    assert ages.format_age(timedelta(seconds=seconds)) == text


def test_how_long_ago() -> None:
    """From a timestamp of Kubernetes; what is none is not known."""
    assert ages.since("2026-11-29T11:57:00Z", NOW) == "3m"
    assert ages.since("", NOW) == "Unknown"


def test_the_time_of_the_reference() -> None:
    """In the default format of Go, in UTC."""
    assert ages.go_time("2024-06-03T14:20:57+02:00") == "2024-06-03 12:20:57 +0000 UTC"
    assert ages.go_time("never") == "Unknown"
