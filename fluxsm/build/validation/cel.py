# SPDX-License-Identifier: Apache-2.0
"""The part of CEL that the rules of the FluxInstance and of the Flux CRDs are written in.

`has(self.a.b)`, comparison with `==` and `!=`, `in` a list of texts, `!`, `&&`, `||` and
parentheses. A rule that needs more, or that compares with the old object, is left to the server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

_Expression: TypeAlias = Callable[[Any], Any]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\])*'|\"(?:[^\"\\])*\")|(?P<number>\d+)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<sign>&&|\|\||==|!=|[!()\[\],]))"
)


class UnknownRuleError(Exception):
    """A rule uses something of CEL that is not known here."""


class _NoSuchFieldError(Exception):
    """A rule reads a field that is not there; in CEL the rule fails then."""


def holds(rule: str, value: Any) -> bool | None:
    """Whether a rule holds for a value, None where that cannot be said.

    Args:
        rule: the CEL text.
        value: what `self` is.
    """
    try:
        compiled = _compile(rule)
    except UnknownRuleError:
        return None
    try:
        return compiled(value) is True
    except _NoSuchFieldError:
        return False


@cache
def _compile(rule: str) -> _Expression:
    parser = _Parser(rule)
    expression = parser.either()
    parser.end()
    return expression


class _Parser:
    """A parser by recursive descent; each method reads one level of precedence."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise UnknownRuleError(text)
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self._at = 0

    def end(self) -> None:
        """Refuse what is left over."""
        if self._at < len(self._tokens):
            raise UnknownRuleError

    def either(self) -> _Expression:
        """Alternatives."""
        parts = [self._both()]
        while self._took("||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda value: _any(parts, value)

    def _both(self) -> _Expression:
        parts = [self._comparison()]
        while self._took("&&"):
            parts.append(self._comparison())
        return parts[0] if len(parts) == 1 else lambda value: _all(parts, value)

    def _comparison(self) -> _Expression:
        left = self._single()
        if self._took("=="):
            right = self._single()
            return lambda value: left(value) == right(value)
        if self._took("!="):
            right = self._single()
            return lambda value: left(value) != right(value)
        if self._took("in"):
            choices = self._list()
            return lambda value: any(left(value) == choice(value) for choice in choices)
        return left

    def _list(self) -> list[_Expression]:
        self._demand("[")
        found = [self._single()]
        while self._took(","):
            found.append(self._single())
        self._demand("]")
        return found

    def _single(self) -> _Expression:
        if self._took("!"):
            inner = self._single()
            return lambda value: not inner(value)
        if self._took("("):
            inner = self.either()
            self._demand(")")
            return inner
        if self._took("has"):
            self._demand("(")
            way = self._word().split(".")[1:]
            self._demand(")")
            return lambda value: _has(value, way)
        return self._operand()

    def _operand(self) -> _Expression:
        kind, text = self._next()
        if kind == "text":
            return lambda _: text[1:-1]
        if kind == "number":
            return lambda _: int(text)
        if text in {"true", "false"}:
            return lambda _: text == "true"
        root, *way = text.split(".")
        if kind != "word" or root != "self":
            raise UnknownRuleError
        return lambda value: _read(value, way)

    def _word(self) -> str:
        kind, text = self._next()
        if kind != "word" or not text.startswith("self."):
            raise UnknownRuleError
        return text

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise UnknownRuleError
        self._at += 1
        return self._tokens[self._at - 1]

    def _took(self, text: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at][1] == text
        self._at += found
        return found

    def _demand(self, text: str) -> None:
        if not self._took(text):
            raise UnknownRuleError


def _has(value: Any, way: list[str]) -> bool:
    holder = _read(value, way[:-1])
    return isinstance(holder, Mapping) and holder.get(way[-1]) is not None


def _read(value: Any, way: list[str]) -> Any:
    for key in way:
        if not isinstance(value, Mapping) or key not in value:
            raise _NoSuchFieldError
        value = value[key]
    return value


def _any(parts: list[_Expression], value: Any) -> bool:
    """One that holds outweighs one that fails, whatever their order."""
    failed = False
    for part in parts:
        try:
            if part(value):
                return True
        except _NoSuchFieldError:
            failed = True
    if failed:
        raise _NoSuchFieldError
    return False


def _all(parts: list[_Expression], value: Any) -> bool:
    """One that does not hold outweighs one that fails, whatever their order."""
    failed = False
    for part in parts:
        try:
            if not part(value):
                return False
        except _NoSuchFieldError:
            failed = True
    if failed:
        raise _NoSuchFieldError
    return True
