# SPDX-License-Identifier: Apache-2.0
"""Answers as JSON. Everything that leaves passes through here, and so through the redaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from fluxsm.objects.redaction import redact
from fluxsm.objects.timestamp import format_time

KEPT_TEXTS: Final = 2048
"""Texts of which it is remembered how they look redacted: from one look to the next most stay."""

LONGEST_KEPT: Final = 512


def plain(value: Any) -> Any:
    """An answer, or a manifest, as JSON-like data with every text in it redacted."""
    match value:
        case str():
            found: Any = safe(value)
        case None | bool() | int():
            found = value
        case float():
            found = round(value, 3)
        case datetime():
            found = format_time(value)
        case Mapping():
            found = {safe(str(key)): plain(item) for key, item in value.items()}
        case list() | tuple():
            found = [plain(item) for item in value]
        case _:
            found = {camel(item.name): plain(getattr(value, item.name)) for item in fields(value)}
    return found


def safe(text: str) -> str:
    """A text without secrets."""
    return _remembered(text) if len(text) <= LONGEST_KEPT else redact(text)


@lru_cache(KEPT_TEXTS)
def _remembered(text: str) -> str:
    return redact(text)


@lru_cache
def camel(name: str) -> str:
    """The name of a field as the API writes it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def dump(data: Any) -> bytes:
    """JSON-like data as the body of an answer."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def etag(body: bytes) -> str:
    """What identifies a body, as the header `ETag` has it."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
