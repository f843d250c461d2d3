# SPDX-License-Identifier: Apache-2.0
"""Durations as Go writes them, since that is how users and other programs write them here.

Parsing is durationpy's, restricted to the units that Go knows; formatting is our own, because Go
keeps the lower units (`1m0s`) where durationpy drops them (`1m`).
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import durationpy

_GO = re.compile(
    r"[-+]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*"
)
_SECOND = timedelta(seconds=1)


def parse(text: str) -> timedelta:
    """Read a Go duration such as `1h30m`, `500ms` or `0`.

    Raises:
        ValueError: the text is not a Go duration, or too long for a timedelta.
    """
    if not _GO.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m or 1h30m")
    if text.lstrip("+-") == "0":
        return timedelta(0)
    try:
        return durationpy.from_str(text.replace("μ", "µ"))
    except (durationpy.DurationError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m or 1h30m") from error


def format(value: timedelta) -> str:  # noqa: A001 the module is named for what it formats
    """Write a duration as Go does: `1m0s`, `2m30s`, `1h0m0s`, `500ms`, `1.5s`, `0s`."""
    micros = round(value / timedelta(microseconds=1))
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    if micros == 0:
        return "0s"
    if micros < 1_000:
        return f"{sign}{micros}µs"
    if micros < 1_000_000:
        return f"{sign}{_plain(Decimal(micros) / 1_000)}ms"
    minutes, rest = divmod(micros, 60_000_000)
    seconds = f"{_plain(Decimal(rest) / 1_000_000)}s"
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def format_elapsed(value: timedelta) -> str:
    """Write how long something took: to the millisecond below a second, else to the second."""
    unit = timedelta(milliseconds=1) if value < _SECOND else _SECOND
    return format(round(value / unit) * unit)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
