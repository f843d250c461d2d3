# SPDX-License-Identifier: Apache-2.0
"""Scalars that become text where only text is allowed."""

from __future__ import annotations

from typing import Any

from fluxsm.build.yaml import read_scalar


def to_text(value: Any) -> Any:
    """A scalar as text, written as YAML would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def is_scalar_text(text: str) -> bool:
    """Whether a text would be read as a number or a boolean if it were not quoted."""
    try:
        return isinstance(read_scalar(text), bool | int | float) if text else False
    except ValueError:
        return True
