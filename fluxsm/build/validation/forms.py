# SPDX-License-Identifier: Apache-2.0
"""The forms of text that the patterns of the CRDs stand for, in words and with an example."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from fluxsm.build.validation.finding import Path

_DURATION: Final = "a duration such as 60s, 5m or 1h30m"
_WORDS: Final[Mapping[str, str]] = {
    r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$": _DURATION,
    r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$": "a duration such as 60s or 5m, without hours",
    r"^oci://.*$": "a reference such as oci://registry.example.com/team/fleet",
    r"^(http|https|ssh)://.*$": (
        "a URL such as https://git.example.com/team/fleet.git or"
        " ssh://git@git.example.com/team/fleet.git"
    ),
    r"^(http|https|oci)://.*$": "a URL such as https://charts.example.com or oci://example.com/x",
    r"^(http|https)://.*$": "a URL such as https://example.com",
    r"^(http|https)://": "a URL such as https://example.com",
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": "lower-case letters, digits and dashes, such as team-a",
    r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$": "lower-case letters, digits and dashes, such as team-a",
    r"^[\-._a-zA-Z0-9]+$": "letters, digits, -, _ and ., such as values.yaml",
}
_UNITS: Final[Mapping[str, str]] = {
    "interval": "s",
    "retryInterval": "s",
    "timeout": "s",
    "size": "Gi",
}
# Fields whose value no number or boolean can be, not even in quotes.
_FIELDS: Final[Mapping[str, str]] = {
    "url": "a URL such as https://git.example.com/team/fleet.git",
    "registry": "a registry such as ghcr.io/fluxcd",
    "patch": "the text of a patch, after |",
}


def words(pattern: str) -> str:
    """What a pattern allows."""
    return _WORDS.get(pattern, "what the CRD describes for this field (kubectl explain shows it)")


def fits(pattern: str, text: str) -> bool:
    """Whether a text has the form; one that cannot be read here is left to the server."""
    try:
        return _compile(pattern).search(text) is not None
    except re.error:
        return True


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """The expression as Go reads it, where $ is the end and not a line break before it."""
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))


def as_text(path: Path, written: str, schema: Mapping[str, Any]) -> str:
    """How to write a scalar as text, where that helps."""
    if path and path[-1] in _FIELDS:
        return f": {_FIELDS[str(path[-1])]}"
    unit = _UNITS.get(str(path[-1])) if path else None
    candidates = (f"{written}{unit}", written) if unit else (written,)
    for text in candidates:
        if "pattern" not in schema or fits(schema["pattern"], text):
            return f'; write "{text}"' if text != written else f'; put it in quotes: "{text}"'
    return f": {words(schema['pattern'])}"
