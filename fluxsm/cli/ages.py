# SPDX-License-Identifier: Apache-2.0
"""How long ago something was, in as few characters as tell it."""

from __future__ import annotations

from datetime import datetime, timedelta

from fluxsm.errors import MalformedError
from fluxsm.objects.timestamp import parse_time

UNKNOWN = "Unknown"


def since(text: str, now: datetime) -> str:
    """How long ago a Kubernetes timestamp was, such as `3m5s`; Unknown for what is no time."""
    try:
        return format_age(now - parse_time(text))
    except MalformedError:
        return UNKNOWN


def format_age(age: timedelta) -> str:
    """A duration in its two greatest units, as kubectl writes ages: `45s`, `3m5s`, `2d4h`."""
    seconds = max(0, int(age.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    for size, unit, lower_size, lower in (
        (86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"),
    ):  # fmt: skip
        whole, rest = divmod(seconds, size)
        if whole:
            part = rest // lower_size
            return f"{whole}{unit}{part}{lower}" if part else f"{whole}{unit}"
    raise AssertionError(seconds)  # a minute or more has whole minutes


def go_time(text: str) -> str:
    """A timestamp as the reference prints it: `2024-06-03 12:20:57 +0000 UTC`."""
    try:
        return parse_time(text).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
    except MalformedError:
        return UNKNOWN
