# SPDX-License-Identifier: Apache-2.0
"""Durations as flags."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from fluxsm.api import duration


class Duration(click.ParamType[timedelta]):
    """A Go duration such as 750ms or 15m, in a range."""

    name = "duration"

    def __init__(self, least: str = "0s", most: str = "8760h", *, zero: str = "") -> None:
        """Describe what is allowed.

        Args:
            least: the shortest duration.
            most: the longest one; a year, unless something counts in smaller numbers.
            zero: what 0 means, where it is allowed although it is less than the shortest one.
        """
        self._least, self._most = duration.parse(least), duration.parse(most)
        self._zero = zero
        self.allowed = f"{least} to {most}" + (f", or 0 for {zero}" if zero else "")

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the text as a duration."""
        if isinstance(value, timedelta):
            return value
        try:
            return self.read(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def read(self, text: str) -> timedelta:
        """Return a text as a duration.

        Raises:
            ValueError: it is no duration, or out of range; the message says what is allowed.
        """
        found = duration.parse(text)
        is_zero = not any(digit in text for digit in "123456789")
        if not (self._least <= found <= self._most or (is_zero and self._zero)):
            raise ValueError(f"{text!r} is out of range: {self.allowed}")
        return found
