# SPDX-License-Identifier: Apache-2.0
"""Label selectors in Kubernetes syntax, for labels and for annotations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

Requirement: TypeAlias = Callable[[Mapping[str, str]], bool]

_NAME = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)"
_KEY: Final = rf"(?P<key>(?:[a-z0-9](?:[-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME})"
_VALUE: Final = rf"{_NAME}?"
_SET: Final = re.compile(rf"\s*{_KEY}\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)\s*")
_EQUAL: Final = re.compile(rf"\s*{_KEY}\s*(?P<op>==|=|!=)\s*(?P<value>{_VALUE})\s*")
_NUMBER: Final = re.compile(rf"\s*{_KEY}\s*(?P<op>[<>])\s*(?P<value>-?\d+)\s*")
_EXISTS: Final = re.compile(rf"\s*(?P<op>!?)\s*{_KEY}\s*")
_WHOLE_VALUE: Final = re.compile(_VALUE)


class SelectorError(ValueError):
    """A selector cannot be read; the message says where."""


def parse_selector(text: str) -> list[Requirement]:
    """Read a selector; the empty one has no requirements.

    Raises:
        SelectorError: the text is not a selector.
    """
    found: list[Requirement] = []
    position = 0
    while text.strip() and position <= len(text):
        requirement, position = _requirement(text, position)
        found.append(requirement)
        if position == len(text):
            break
        if text[position] != ",":
            raise SelectorError(f"{text[position:]!r} is not expected in a selector")
        position += 1
    return found


def _requirement(text: str, position: int) -> tuple[Requirement, int]:
    for pattern, make in ((_SET, _set), (_EQUAL, _equal), (_NUMBER, _number), (_EXISTS, _exists)):
        match = pattern.match(text, position)
        if match and (match.end() == len(text) or text[match.end()] == ","):
            return make(match), match.end()
    rest = text[position:]
    raise SelectorError(f"{rest!r} is not a requirement such as key=value, key in (a,b) or !key")


def _set(match: re.Match[str]) -> Requirement:
    key, negative = match["key"], match["op"] == "notin"
    values = {value.strip() for value in match["values"].split(",")}
    for value in values:
        if not _WHOLE_VALUE.fullmatch(value):
            raise SelectorError(f"{value!r} is not a label value")
    if negative:
        return lambda labels: labels.get(key) not in values
    return lambda labels: key in labels and labels[key] in values


def _equal(match: re.Match[str]) -> Requirement:
    key, value = match["key"], match["value"]
    if match["op"] == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


def _number(match: re.Match[str]) -> Requirement:
    key, limit, greater = match["key"], int(match["value"]), match["op"] == ">"

    def holds(labels: Mapping[str, str]) -> bool:
        try:
            number = int(labels[key])
        except (KeyError, ValueError):
            return False
        return number > limit if greater else number < limit

    return holds


def _exists(match: re.Match[str]) -> Requirement:
    key, negative = match["key"], match["op"] == "!"
    return lambda labels: (key in labels) is not negative
