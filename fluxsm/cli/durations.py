# SPDX-License-Identifier: Apache-2.0
"""Durations as flags."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from fluxsm.api import duration


class Duration(click.ParamType[timedelta]):
    """A Go duration such as 750ms or 15m."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The text as a duration."""
        if isinstance(value, timedelta):
            return value
        try:
            return duration.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
