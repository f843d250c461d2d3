# SPDX-License-Identifier: Apache-2.0
"""Copies of JSON-like data, several times faster than the general ones."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def copy(value: T) -> T:
    """A copy that shares nothing that could be changed."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [copy(item) for item in value]  # type: ignore[return-value]
    return value
