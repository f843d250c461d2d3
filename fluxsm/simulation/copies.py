# SPDX-License-Identifier: Apache-2.0
"""Copies of JSON-like data: whole ones, and of no more than what is about to be changed."""

from __future__ import annotations

from typing import TypeVar

from fluxsm.api.objects import Manifest

T = TypeVar("T")


def copy(value: T) -> T:
    """A copy that shares nothing that could be changed."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [copy(item) for item in value]  # type: ignore[return-value]
    return value


def thawed(manifest: Manifest) -> Manifest:
    """An object whose fields, and theirs, can be set; what is below is shared."""
    return {
        key: dict(value) if isinstance(value, dict) else value for key, value in manifest.items()
    }
