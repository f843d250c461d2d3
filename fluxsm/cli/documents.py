# SPDX-License-Identifier: Apache-2.0
"""Files of objects as people have them: read once, with the place of each field for messages."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from fluxsm.build import yaml
from fluxsm.build.positions import Lines, find_lines
from fluxsm.build.validation.finding import sort_lines
from fluxsm.errors import UsageError

STDIN: Final = "-"
OBJECT_LIMIT: Final = 3 * 512 * 1024
"""Bytes of a file with an instance: etcd takes no larger object."""

STREAM_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a stream of objects; all of a Flux release have about one MiB."""

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_STEP: Final = re.compile(
    r"\.(?P<key>[A-Za-z0-9_$-]+)|\[(?P<place>[0-9]+)\]|\[(?P<quoted>\"(?:[^\"\\]|\\.)*\")\]"
)


class FileError(UsageError):
    """A file has something wrong in it.

    Attributes:
        lines: one for each finding.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("; ".join(self.lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An object of a file.

    Attributes:
        data: what it is; its numbers and booleans are `yaml.Plain`.
        number: of the document that it stands in, from 0.
        prefix: where in the document it is: an item of a list object.
    """

    data: Any
    number: int
    prefix: tuple[str | int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that was read.

    Attributes:
        name: as messages name it.
        text: its content.
        documents: its objects; a list object stands for its items.
    """

    name: str
    text: str
    documents: Sequence[Document]

    @cached_property
    def _lines(self) -> list[Lines]:
        return find_lines(self.text)

    def explain(self, lines: Iterable[str], document: Document) -> FileError:
        """Findings with the file, and the line where they begin with a path that the file has."""
        return FileError(
            f"{self.name}{self._place(line, document)}: {line}" for line in sort_lines(lines)
        )

    def _place(self, line: str, document: Document) -> str:
        known = self._lines[document.number] if document.number < len(self._lines) else {}
        path = (*document.prefix, *_path(line))
        while path not in known and len(path) > len(document.prefix):
            path = path[:-1]
        place = known.get(path) or known.get(())
        return f":{place}" if place else ""


def _path(line: str) -> Iterator[str | int]:
    """The path that a line begins with."""
    position = 0
    while match := _STEP.match(line, position):
        position = match.end()
        if match["place"]:
            yield int(match["place"])
        else:
            yield match["key"] or json.loads(match["quoted"])


def read_file(path: str, *, limit: int = OBJECT_LIMIT) -> File:
    """Read the objects of a YAML file.

    Scalars are read as kubectl reads them: `yes` and `on` are booleans.

    Args:
        path: of the file; `-` is standard input.
        limit: bytes that are taken.

    Raises:
        UsageError: there is no such file, or it cannot be read, or is too large.
        BuildError: it is not YAML.
    """
    content = _read_bytes(path, limit)
    name = show_path(path)
    documents = yaml.load_all(content, name, words=True, plain=True)
    return File(
        name=name,
        text=content.decode("utf-8-sig"),
        documents=list(_flatten(documents)),
    )


def _flatten(documents: Iterable[Any]) -> Iterator[Document]:
    for number, data in enumerate(documents):
        items = data.get("items") if isinstance(data, dict) else None
        if isinstance(items, list) and str(data.get("kind", "")).endswith("List"):
            for place, item in enumerate(items):
                yield Document(data=item, number=number, prefix=("items", place))
        else:
            yield Document(data=data, number=number)


def _read_bytes(path: str, limit: int) -> bytes:
    """The content, but no more than can be a manifest."""
    if _URL.match(path):
        raise UsageError(
            f"{path} is a URL, and only files are read; fetch it first, for example with"
            " curl -fsSL URL | fluxsm build -f -"
        )
    if path == STDIN and sys.stdin is None:
        raise UsageError("standard input is closed, and the file is - which stands for it")
    if path == STDIN:
        content = sys.stdin.buffer.read(limit + 1)
    else:
        try:
            with Path(path).open("rb") as file:
                content = file.read(limit + 1)
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise UsageError(
                f"invalid filename '{path}', must point to an existing file: {reason}"
            ) from None
    if len(content) > limit:
        allowed = f"{limit / 1024 / 1024:g} MiB"
        raise UsageError(
            f"{show_path(path)} has more than {allowed}; an object of Kubernetes ends at 1.5 MiB"
        )
    return content


def show_path(path: str) -> str:
    """The path as messages name it."""
    return "standard input" if path == STDIN else path
