# SPDX-License-Identifier: Apache-2.0
"""What is wrong with some data: where, what is there, what is allowed, what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from fluxsm.errors import BuildError
from fluxsm.objects.redaction import redact

Path: TypeAlias = tuple[str | int, ...]
"""Keys and places that lead to a value."""

SHOWN: Final = 80
"""Characters of a value in a message."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_$-]+")
_DIGITS: Final = re.compile(r"[0-9]+")


class Named(str):
    """The name of an element, in the place of its index."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        path: where it is.
        text: what is there and what is allowed, as the rest of a sentence about the path.
    """

    path: Path
    text: str

    def __str__(self) -> str:
        """One line: the path and the text."""
        return f"{write_path(self.path)} {self.text}"


class FindingsError(BuildError):
    """Everything that is wrong with some data.

    Attributes:
        lines: one for each finding, sorted, each with its path.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(sort_lines(lines))
        super().__init__("; ".join(self.lines))


def sort_lines(lines: Iterable[str]) -> list[str]:
    """Each line once, by path: `[2]` comes before `[10]`."""
    return sorted(
        dict.fromkeys(lines),
        key=lambda line: _DIGITS.sub(lambda match: match[0].rjust(9, "0"), line),
    )


def refuse(lines: Iterable[str]) -> None:
    """Do nothing where there are no lines.

    Raises:
        FindingsError: with all lines.
    """
    found = list(lines)
    if found:
        raise FindingsError(found)


def write_path(path: Path) -> str:
    """A path as in messages: `.spec.kustomize.patches[0].target`."""
    return "".join(map(_step, path)) or "the whole"


def _step(part: str | int) -> str:
    if isinstance(part, int | Named):
        return f"[{part}]"
    return f".{part}" if _PLAIN_KEY.fullmatch(part) else f"[{json.dumps(part)}]"


def show(value: Any) -> str:
    """A value as in messages: text in single quotes, everything else as JSON.

    A login goes before the text is cut, for what is left of one is not recognised.
    """
    text = redact(json.dumps(value, ensure_ascii=False, default=str))
    if isinstance(value, str):
        text = text[1:-1].replace('\\"', '"')
        return f"'{_cut(text)}'"
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def kind_of(value: Any) -> str:
    """What sort of value it is."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case dict():
            return "a map"
        case _:
            return "a list"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`(did you mean ...?)` with a blank before it, or nothing."""
    names = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f" (did you mean `{names[close[0]]}`?)" if close else ""
