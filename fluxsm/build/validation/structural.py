# SPDX-License-Identifier: Apache-2.0
"""Data against the structural schema of a CRD, as the API server checks it with strict validation.

Types are not converted, unknown fields are refused, defaults apply before rules are evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from fluxsm.build.validation import cel, forms
from fluxsm.build.validation.finding import Finding, Path, did_you_mean, kind_of, show, write_path
from fluxsm.build.yaml import Plain

Schema: TypeAlias = Mapping[str, Any]

LISTED: Final = 12
"""As many allowed fields are named when none is close to the unknown one."""

_OPEN: Final = "x-kubernetes-preserve-unknown-fields"
_EITHER: Final = "x-kubernetes-int-or-string"
_EMPTY: Final = "x-empty-is-unset"
_RULES: Final = "x-kubernetes-validations"
_WORDS: Final[Mapping[str, str]] = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a map",
    "array": "a list",
}
_TYPES: Final[Mapping[str, type[Any] | tuple[type[Any], ...]]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}
_BITS: Final[Mapping[str, int]] = {"int32": 31, "int64": 63}
_SECTIONS: Final = ("allOf", "anyOf", "oneOf")


def check(value: Any, schema: Schema, path: Path = ()) -> list[Finding]:
    """Return what is wrong with a value; nothing when the server takes it.

    Args:
        value: JSON-like data; scalars may be `Plain`, so that messages show what was written.
        schema: the `openAPIV3Schema` of a CRD, or a part of it.
        path: where the value is, for messages.
    """
    return list(_check(with_defaults(value, schema), schema, path))


def plain_data(value: Any) -> Any:
    """The same data without `Plain`."""
    if isinstance(value, dict):
        return {key: plain_data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_data(item) for item in value]
    return value.value if isinstance(value, Plain) else value


def with_defaults(value: Any, schema: Schema) -> Any:
    """A copy of the data with defaults, and without nulls that stand for "not set"."""
    if isinstance(value, list):
        items = schema.get("items") or {}
        return [with_defaults(item, items) for item in value]
    if not isinstance(value, dict):
        return value
    properties: Mapping[str, Schema] = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    rest: Schema = others if isinstance(others, dict) else {}
    closed = bool(properties or rest)
    found = {
        key: with_defaults(item, properties.get(key, rest))
        for key, item in value.items()
        if item is not None or not closed or properties.get(key, rest).get("nullable")
    }
    for key, child in properties.items():
        if key not in found and "default" in child:
            found[key] = child["default"]
    return found


def _check(value: Any, schema: Schema, path: Path) -> Iterator[Finding]:
    raw, value = value, value.value if isinstance(value, Plain) else value
    if value is None and not isinstance(raw, Plain):
        if not schema.get("nullable") and schema.get("type"):
            yield _finding(path, f"is null; {_expected(schema)} is expected")
        return
    if not _has_type(value, schema):
        yield _wrong_type(raw, schema, path)
        return
    below = list(_check_inside(value, schema, path))
    yield from below
    if not below:
        yield from _check_rules(plain_data(value), schema, path)


def _check_inside(value: Any, schema: Schema, path: Path) -> Iterator[Finding]:
    allowed = schema.get("enum")
    if allowed is not None and value not in allowed and (value or not schema.get(_EMPTY)):
        near = did_you_mean(value, allowed) if isinstance(value, str) else ""
        yield _finding(path, f"is {show(value)}; allowed: {', '.join(map(str, allowed))}{near}")
        return
    match value:
        case str():
            yield from _check_text(value, schema, path)
        case dict():
            yield from _check_map(value, schema, path)
        case list():
            yield from _check_list(value, schema, path)
        case int() | float():
            yield from _check_number(value, schema, path)
    yield from _check_sections(value, schema, path)


def _check_text(text: str, schema: Schema, path: Path) -> Iterator[Finding]:
    longest, shortest = schema.get("maxLength"), schema.get("minLength", 0)
    if longest is not None and len(text) > longest:
        yield _finding(path, f"has {len(text)} characters; allowed are {longest}")
    if len(text) < shortest:
        yield _finding(path, "is empty" if not text else f"has less than {shortest} characters")
    elif "pattern" in schema and not forms.fits(schema["pattern"], text):
        yield _finding(path, f"is {show(text)}; allowed: {forms.words(schema['pattern'])}")
    elif schema.get("format") == "date-time" and not _is_time(text):
        yield _finding(path, f"is {show(text)}; allowed: a time such as 2026-01-31T12:00:00Z")


def _check_map(value: dict[str, Any], schema: Schema, path: Path) -> Iterator[Finding]:
    properties: Mapping[str, Schema] = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    for name in schema.get("required") or ():
        if name not in value:
            yield _finding((*path, name), "is required")
    for key, item in value.items():
        if key in properties:
            yield from _check(item, properties[key], (*path, key))
        elif isinstance(others, dict):
            yield from _check(item, others, (*path, key))
        elif not (others or schema.get(_OPEN)):
            yield _unknown(key, sorted(properties), path)
    if len(value) < schema.get("minProperties", 0):
        yield _finding(path, f"must have at least {schema['minProperties']} fields")
    if len(value) > schema.get("maxProperties", len(value)):
        yield _finding(path, f"has {len(value)} fields; allowed are {schema['maxProperties']}")


def _unknown(key: str, known: Sequence[str], path: Path) -> Finding:
    near = did_you_mean(key, known)
    listed = f"; allowed: {', '.join(known)}" if 0 < len(known) <= LISTED and not near else ""
    return _finding((*path, key), f"is not a field{near}{listed}")


def _check_list(value: list[Any], schema: Schema, path: Path) -> Iterator[Finding]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
    if len(value) < least:
        items = "one item" if least == 1 else f"{least} items"
        yield _finding(path, f"must have at least {items}")
    if len(value) > most:
        yield _finding(path, f"has {len(value)} items; allowed are {most}")
    for place, item in enumerate(value):
        yield from _check(item, schema.get("items") or {}, (*path, place))
    yield from _check_twice(plain_data(value), schema, path)


def _check_twice(value: list[Any], schema: Schema, path: Path) -> Iterator[Finding]:
    """In a set each item is there once, in a list with keys each combination of keys."""
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys", ())
    seen: list[Any] = []
    for place, item in enumerate(value if kind in {"set", "map"} else ()):
        identity = item
        if kind == "map" and isinstance(item, dict):
            identity = [item.get(key) for key in keys]
        if identity in seen:
            yield _finding((*path, place), "is there twice")
        seen.append(identity)


def _check_number(value: float, schema: Schema, path: Path) -> Iterator[Finding]:
    least, most = schema.get("minimum"), schema.get("maximum")
    bits = _BITS.get(schema.get("format", ""))
    if bits is not None and not -(2**bits) <= value < 2**bits:
        yield _finding(path, f"is {show(value)}, which is too large")
    if least is not None and value < least:
        yield _finding(path, f"is {show(value)}; allowed: {least} or more")
    if most is not None and value > most:
        yield _finding(path, f"is {show(value)}; allowed: {most} or less")


def _check_sections(value: Any, schema: Schema, path: Path) -> Iterator[Finding]:
    """Logical sections; they only narrow down what the rest of the schema describes."""
    for name in _SECTIONS:
        choices = schema.get(name)
        if not choices or (schema.get(_EITHER) and name != "oneOf"):
            continue
        fits = [not list(_check_section(value, choice, path)) for choice in choices]
        good = {"allOf": all(fits), "anyOf": any(fits), "oneOf": sum(fits) == 1}[name]
        if not good:
            fields = [" and ".join(choice.get("required") or ()) for choice in choices]
            listed = ", ".join(item for item in fields if item)
            help_ = f"; allowed is one of: {listed}" if listed else ""
            yield _finding(path, f"does not fit any form that the CRD allows{help_}")
    if "not" in schema and not list(_check_section(value, schema["not"], path)):
        yield _finding(path, "has a form that the CRD forbids")


def _check_section(value: Any, schema: Schema, path: Path) -> Iterator[Finding]:
    """A section says nothing about fields that it does not name."""
    return _check(value, {**schema, _OPEN: True}, path)


def _check_rules(value: Any, schema: Schema, path: Path) -> Iterator[Finding]:
    for rule in schema.get(_RULES) or ():
        if cel.holds(rule["rule"], value) is False:
            message = str(rule.get("message") or f"breaks the rule {rule['rule']}")
            yield _rule_finding(message, path)


def _rule_finding(message: str, path: Path) -> Finding:
    """The words of the rule, which begin with a path of their own or with that of its place."""
    where = write_path(path)
    if message.startswith(f"{where}."):
        return Finding(path=_parts(message.split(maxsplit=1)[0]), text=message.split(maxsplit=1)[1])
    if message.startswith("."):
        field, _, rest = message.partition(" ")
        return Finding(path=(*path, *_parts(field)), text=rest)
    return Finding(path=path, text=f"breaks a rule: {message}")


def _parts(text: str) -> Path:
    return tuple(text.removeprefix(".").split("."))


def _has_type(value: Any, schema: Schema) -> bool:
    if schema.get(_EITHER):
        return isinstance(value, str | int) and not isinstance(value, bool)
    wanted = _TYPES.get(str(schema.get("type")))
    return wanted is None or (
        isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    )


def _expected(schema: Schema) -> str:
    return "a number or text" if schema.get(_EITHER) else _WORDS[str(schema["type"])]


def _wrong_type(raw: Any, schema: Schema, path: Path) -> Finding:
    written = raw.text if isinstance(raw, Plain) else show(raw)
    value = raw.value if isinstance(raw, Plain) else raw
    if isinstance(raw, Plain) and value is None:
        return _finding(path, f"is {written}, which is not a number that an object can have")
    what = (
        f"is {written}, {kind_of(value)}"
        if not isinstance(value, dict | list)
        else (f"is {kind_of(value)}")
    )
    expected = _expected(schema)
    help_ = ""
    if expected == "text" and isinstance(value, bool | int | float):
        help_ = forms.as_text(path, written, schema)
    elif isinstance(value, str) and expected in {"true or false", "a whole number", "a number"}:
        help_ = " without quotes"
    if "enum" in schema:
        return _finding(path, f"{what}; allowed: {', '.join(map(str, schema['enum']))}")
    return _finding(path, f"{what}; {expected} is expected{help_}")


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _finding(path: Path, text: str) -> Finding:
    return Finding(path=path, text=text)
