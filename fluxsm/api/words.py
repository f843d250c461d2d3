# SPDX-License-Identifier: Apache-2.0
"""What the models refuse, in the words of people who write YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

SHOWN: Final = 80
"""Characters of a value in a message."""

_EXPECTED: Final[Mapping[str, str]] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a map",
    "float_type": "a number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "a map",
    "model_type": "a map",
    "string_type": "text",
}
_FORMS: Final[Mapping[str, str]] = {
    "artifact": "a reference such as oci://registry.example.com/team/fleet",
    "interval": "a duration such as 60s, 5m or 1h30m",
}


def explain(error: ValidationError) -> str:
    """All that is wrong, by path."""
    return "; ".join(sorted({_line(dict(found)) for found in error.errors()}))


def _line(found: Mapping[str, Any]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found["loc"])
    context = found.get("ctx") or {}
    match found["type"]:
        case "missing":
            return f"{path} is required"
        case "too_short":
            return f"{path} must have at least one item"
        case "string_too_long":
            length = len(found["input"])
            return f"{path} has {length} characters; allowed are {context['max_length']}"
        case "value_error":
            return str(context["error"])
        case _:
            return f"{path} is {_show(found['input'])}{_allowed(found, context)}"


def _allowed(found: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """What is allowed instead of a value."""
    kind, value = found["type"], found["input"]
    if kind == "literal_error":
        allowed = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return f"; allowed: {allowed}"
    if kind == "string_pattern_mismatch":
        return f"; allowed: {_FORMS.get(str(found['loc'][-1]), 'another form of text')}"
    if kind not in _EXPECTED:
        return ", which is not allowed there"
    quotes = _EXPECTED[kind] == "text" and isinstance(value, bool | int | float)
    return f"; {_EXPECTED[kind]} is expected{'; put it in quotes' if quotes else ''}"


def _show(value: Any) -> str:
    """Text in single quotes, everything else as JSON."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = f"'{text[1:-1]}'" if isinstance(value, str) else text
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
