# SPDX-License-Identifier: Apache-2.0
"""Where the fields of a YAML text stand, for messages about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml

Path: TypeAlias = tuple[str | int, ...]
Lines: TypeAlias = Mapping[Path, int]
"""The line of each field and item, from 1."""

_Parser: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Holder:
    """A map or list that is being read.

    Attributes:
        path: where it is.
        place: in a list, that of the next item; None in a map.
        key: in a map, the key whose value comes next.
    """

    path: Path
    place: int | None
    key: str | None = None


@dataclass(slots=True)
class _Finder:
    """Follows the events of a parser."""

    found: list[dict[Path, int]] = field(default_factory=list)
    holders: list[_Holder] = field(default_factory=list)

    def take(self, event: Any) -> None:
        """Go on with the next event."""
        match event:
            case yaml.MappingStartEvent():
                self.holders.append(_Holder(self._enter(event), None))
            case yaml.SequenceStartEvent():
                self.holders.append(_Holder(self._enter(event), 0))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.holders.pop()
            case yaml.ScalarEvent() if self._is_key():
                self.holders[-1].key = event.value
                self._note((*self.holders[-1].path, event.value), event)
            case yaml.ScalarEvent() | yaml.AliasEvent():
                self._enter(event)

    def _is_key(self) -> bool:
        top = self.holders[-1] if self.holders else None
        return top is not None and top.place is None and top.key is None

    def _enter(self, event: Any) -> Path:
        """The path of the value that begins here."""
        if not self.holders:
            if not isinstance(event, yaml.ScalarEvent):
                self.found.append({(): event.start_mark.line + 1})
            return ()
        top = self.holders[-1]
        if top.place is None:
            path, top.key = (*top.path, top.key or ""), None
            return path
        path = (*top.path, top.place)
        top.place += 1
        self._note(path, event)
        return path

    def _note(self, path: Path, event: Any) -> None:
        self.found[-1].setdefault(path, event.start_mark.line + 1)


def find_lines(text: str) -> list[Lines]:
    """The lines of each document that is a map or a list."""
    finder = _Finder()
    try:
        for event in yaml.parse(text, _Parser):
            finder.take(event)
    except (yaml.YAMLError, IndexError):
        pass
    return list(finder.found)
