# SPDX-License-Identifier: Apache-2.0
"""Kubernetes timestamps: RFC 3339 in UTC with whole seconds, as `metav1.Time` writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from fluxsm.errors import MalformedError


def format_time(moment: datetime) -> str:
    """Return a moment in UTC, cut to whole seconds, such as `2024-06-03T12:20:57Z`.

    Args:
        moment: a time with a zone.

    Raises:
        ValueError: the time has no zone, so that nobody knows which moment it means.
    """
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Return the moment that an RFC 3339 text means, in UTC; digits after the sixth are dropped.

    Raises:
        MalformedError: the text is not a time with a zone.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedError(f"{text!r} is not an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise MalformedError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)
