# SPDX-License-Identifier: Apache-2.0
"""YAML as Kubernetes tools read and write it: JSON-like data, no dates, no key twice.

PyYAML's C parser finds the structure; what its scalars mean is decided here, because the tools of
the field (kubectl, kustomize) read `12:30` and `2020-01-01` as text and `1e3` as a number, and
PyYAML does the opposite. What is written is quoted wherever any of both readers would take it for
something else than text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from operator import itemgetter
from typing import IO, Any, Final

import yaml

from fluxsm.api.objects import Manifest
from fluxsm.build import yaml_words
from fluxsm.errors import BuildError

SIZE_LIMIT: Final = 20 * 1024 * 1024
"""Bytes of YAML in one piece; the largest file of a Flux release has less than one MiB."""

DEPTH_LIMIT: Final = 100
"""Levels of nesting; the schemas of the Flux CRDs have less than forty."""

ALIAS_LIMIT: Final = 100_000
"""Values that aliases of one document may stand for; a bomb stands for billions."""

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Emitter: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_TAG: Final = "tag:yaml.org,2002:"
_TEXT: Final = f"{_TAG}str"
_CONSTANTS: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WORDS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INTEGER: Final = re.compile(
    r"[-+]?(?:0[bB](?P<two>[01]+)|0[xX](?P<sixteen>[0-9a-fA-F]+)|0[oO]?(?P<eight>[0-7]+)"
    r"|(?P<ten>0|[1-9][0-9]*))"
)
_BASES: Final = {"two": 2, "eight": 8, "ten": 10, "sixteen": 16}
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WIDTH: Final = 80
_LARGEST_INTEGER: Final = 2**64 - 1
_LARGEST_WHOLE_FLOAT: Final = 1e21


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A scalar without quotes that is not text, and what was written.

    Attributes:
        text: as written.
        value: a number or a boolean; None for infinity and "not a number".
        line: where it stands, from 1.
    """

    text: str
    value: bool | float | None
    line: int


def load_all(
    content: bytes | str, source: str, *, words: bool = False, plain: bool = False
) -> list[Any]:
    """Read every document; empty ones are left out.

    Args:
        content: the YAML.
        source: where it comes from, for messages.
        words: whether plain `yes`, `no`, `on`, `off`, `y` and `n` are booleans, as in YAML 1.1.
        plain: whether numbers and booleans are given as `Plain`, with what was written.

    Raises:
        BuildError: it is not YAML, is too large or nested too deeply, repeats a key, or has
            aliases that stand for too much.
    """
    if len(content) > SIZE_LIMIT:
        raise BuildError(f"{source} has more than {SIZE_LIMIT >> 20} MiB, which is the limit")
    reader, text = _Reader(words=words, plain=plain), _decode(content, source)
    try:
        for event in yaml.parse(text, _Parser):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        raise BuildError(f"{source} is not valid YAML: {_explain(error, text)}") from None
    except yaml.YAMLError:
        raise BuildError(
            f"{source} is not valid YAML: it has a character that no text has"
        ) from None
    return [document for document in reader.documents if document is not None]


def load_mappings(content: bytes | str, source: str) -> list[Manifest]:
    """Read every document, each of which must be a mapping.

    Raises:
        BuildError: as `load_all`, or a document is not a mapping.
    """
    documents = load_all(content, source)
    for number, document in enumerate(documents, start=1):
        if not isinstance(document, dict):
            raise BuildError(f"{source}: document {number} is not a mapping")
    return documents


def read_scalar(text: str, *, words: bool = False) -> Any:
    """What a plain scalar means: null, a boolean, a number, or just its text.

    Args:
        text: the scalar, as written.
        words: as in `load_all`.

    Raises:
        ValueError: it is infinity or not a number, which JSON does not know.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if words and text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _NO_NUMBER.fullmatch(text):
        raise ValueError(f"{text} is not a number that an object can have")
    digits = text.replace("_", "")
    integer = _read_integer(digits)
    number = _read_float(digits) if integer is None else integer
    return text if number is None else number


def _read_integer(digits: str) -> int | None:
    match = _INTEGER.fullmatch(digits)
    # Longer ones exceed 64 bits in every base, and converting them takes quadratic time.
    if match is None or match.lastgroup is None or len(digits) > 70:
        return None
    number = int(match[match.lastgroup], _BASES[match.lastgroup])
    if number > _LARGEST_INTEGER:
        return None
    return -number if digits.startswith("-") else number


def _read_float(digits: str) -> int | float | None:
    if not _FLOAT.fullmatch(digits):
        return None
    number = float(digits)
    if math.isinf(number):
        return None
    whole = number.is_integer() and abs(number) < _LARGEST_WHOLE_FLOAT
    return int(number) if whole else number


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read.

    Attributes:
        data: what it has so far.
        anchor: its name for aliases.
        key: in a mapping, the key whose value comes next.
        merges: whether that key merges its value into the mapping.
        merged: in a mapping, the values of its merge keys.
    """

    data: dict[str, Any] | list[Any]
    anchor: str | None
    key: str | None = None
    merges: bool = False
    merged: list[Any] = field(default_factory=list)


class _Reader:
    """Turns parser events into data, without recursion."""

    def __init__(self, *, words: bool, plain: bool) -> None:
        self.documents: list[Any] = []
        self._words = words
        self._plain = plain
        self._frames: list[_Frame] = []
        self._anchors: dict[str, Any] = {}
        self._aliased = 0
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            yaml.ScalarEvent: self._take_scalar,
            yaml.MappingStartEvent: lambda event: self._open(event, {}, "map"),
            yaml.SequenceStartEvent: lambda event: self._open(event, [], "seq"),
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._take_alias,
            yaml.DocumentStartEvent: self._start_document,
        }

    def take(self, event: Any) -> None:
        """Go on with the next event."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _start_document(self, _: Any) -> None:
        self._anchors.clear()
        self._aliased = 0

    def _take_scalar(self, event: Any) -> None:
        frame = self._frames[-1] if self._frames else None
        if frame and isinstance(frame.data, dict) and frame.key is None:
            self._take_key(frame, event)
            return
        value = self._meaning(event)
        if event.anchor:
            self._anchors[event.anchor] = value
        self._put(value, event)

    def _take_key(self, frame: _Frame, event: Any) -> None:
        if event.value in frame.data:
            raise _error(f"the key {event.value!r} is there twice", event)
        frame.merges = event.value == "<<" and event.implicit[0]
        frame.key = event.value
        if event.anchor:
            self._anchors[event.anchor] = event.value

    def _meaning(self, event: Any) -> Any:
        if event.tag is None:
            if not event.implicit[0]:
                return event.value
        elif event.tag in {"!", _TEXT}:
            return event.value
        elif event.tag not in {f"{_TAG}{name}" for name in ("null", "bool", "int", "float")}:
            raise _error(f"the tag {event.tag} is not supported", event)
        try:
            value = read_scalar(event.value, words=self._words)
        except ValueError as error:
            if not self._plain:
                raise _error(str(error), event) from None
            return Plain(text=event.value, value=None, line=event.start_mark.line + 1)
        if self._plain and isinstance(value, bool | int | float):
            return Plain(text=event.value, value=value, line=event.start_mark.line + 1)
        return value

    def _open(self, event: Any, data: dict[str, Any] | list[Any], tag: str) -> None:
        if event.tag not in {None, "!", f"{_TAG}{tag}"}:
            raise _error(f"the tag {event.tag} is not supported", event)
        if len(self._frames) >= DEPTH_LIMIT:
            raise _error(f"nested too deeply; the limit is {DEPTH_LIMIT} levels", event)
        self._put(data, event)
        self._frames.append(_Frame(data, event.anchor))

    def _close(self, event: Any) -> None:
        frame = self._frames.pop()
        for merged in frame.merged:
            for mapping in merged if isinstance(merged, list) else [merged]:
                if not isinstance(mapping, dict) or not isinstance(frame.data, dict):
                    raise _error("the merge key << needs a mapping", event)
                for key, value in mapping.items():
                    frame.data.setdefault(key, value)
        if frame.anchor:
            self._anchors[frame.anchor] = frame.data

    def _take_alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise _error(f"the alias *{event.anchor} stands for nothing yet", event)
        value = self._anchors[event.anchor]
        self._put(self._copy(value, event, len(self._frames)), event)

    def _copy(self, value: Any, event: Any, depth: int) -> Any:
        self._aliased += 1
        if self._aliased > ALIAS_LIMIT:
            raise _error(f"the aliases stand for more than {ALIAS_LIMIT} values", event)
        if depth > DEPTH_LIMIT:
            raise _error(f"nested too deeply; the limit is {DEPTH_LIMIT} levels", event)
        if isinstance(value, dict):
            return {key: self._copy(item, event, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self._copy(item, event, depth + 1) for item in value]
        return value

    def _put(self, value: Any, event: Any) -> None:
        if not self._frames:
            self.documents.append(value)
            return
        frame = self._frames[-1]
        if isinstance(frame.data, list):
            frame.data.append(value)
        elif frame.key is None:
            raise _error("a key is not a scalar", event)
        elif frame.merges:
            frame.merged.append(value)
            frame.key = None
        else:
            frame.data[frame.key] = value
            frame.key = None


class _ContentError(yaml.MarkedYAMLError):
    """The text is YAML, but means something that no object has; the problem is in our words."""


def _error(problem: str, event: Any) -> _ContentError:
    return _ContentError(problem=problem, problem_mark=event.start_mark)


def _decode(content: bytes | str, source: str) -> str:
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BuildError(
            f"{source} is not UTF-8 text: a byte in line {line} is none; save it as UTF-8"
        ) from None


def _explain(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem or error.context)
    if mark is None:
        return problem if isinstance(error, _ContentError) else yaml_words.explain(problem, "", 0)
    if not isinstance(error, _ContentError):
        lines = text.splitlines()
        if mark.line >= len(lines):
            return f"at the end: {yaml_words.explain(problem, '', 0)}"
        problem = yaml_words.explain(problem, lines[mark.line], mark.column)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


class _Writer:
    """Sends data to PyYAML's emitter, event by event, with our idea of what is plain text.

    The library's way through nodes takes four times as long. A value is written again where it
    occurs again, without aliases.
    """

    _MAPPING = yaml.MappingStartEvent(None, None, True, flow_style=False)
    _SEQUENCE = yaml.SequenceStartEvent(None, None, True, flow_style=False)
    _ENDS: Final = {dict: yaml.MappingEndEvent(), list: yaml.SequenceEndEvent()}

    def __init__(self, stream: IO[str]) -> None:
        self._emitter = _Emitter(stream, width=_WIDTH, allow_unicode=True)
        self._emit = self._emitter.emit
        self._texts: dict[str, yaml.ScalarEvent] = {}

    def write_all(self, documents: Iterable[Any]) -> None:
        """Write documents, each after a line of three dashes."""
        self._emit(yaml.StreamStartEvent())
        for document in documents:
            self._emit(yaml.DocumentStartEvent(explicit=True))
            self._write(document)
            self._emit(yaml.DocumentEndEvent(explicit=False))
        self._emit(yaml.StreamEndEvent())

    def _write(self, value: Any) -> None:
        if isinstance(value, str):
            self._emit(self._texts.get(value) or self._text(value))
        elif isinstance(value, dict):
            self._emit(self._MAPPING)
            for key, item in sorted(value.items(), key=itemgetter(0)):
                self._write(key)
                self._write(item)
            self._emit(self._ENDS[dict])
        elif isinstance(value, list | tuple):
            self._emit(self._SEQUENCE)
            for item in value:
                self._write(item)
            self._emit(self._ENDS[list])
        elif value is None or isinstance(value, bool | int | float):
            text = self._emitter.represent_data(value).value
            self._emit(yaml.ScalarEvent(None, None, (True, False), text))
        else:
            raise TypeError(f"{type(value).__name__} cannot be written as YAML")

    def _text(self, text: str) -> yaml.ScalarEvent:
        """A text; several lines as a block, and quotes where a reader could mistake it.

        Objects repeat few texts very often, so each is looked at once.
        """
        meaning = self._emitter.resolve(yaml.ScalarNode, text, (True, False))
        # A few characters, such as *, resolve to tags that no plain scalar can have.
        quoted = meaning not in {_TEXT, f"{_TAG}yaml"} or _could_be_mistaken(text)
        style = "|" if "\n" in text else ('"' if quoted else None)
        event = yaml.ScalarEvent(None, None, (meaning == _TEXT, True), text, style=style)
        self._texts[text] = event
        return event


def _could_be_mistaken(text: str) -> bool:
    try:
        return not isinstance(read_scalar(text, words=True), str)
    except ValueError:
        return True


def dump_all(documents: Iterable[Any]) -> str:
    """Write documents, each after a line of three dashes; keys sorted, lists not indented.

    The form is that of the Go tools to the byte, so that outputs can be compared as text.
    """
    stream = StringIO()
    _Writer(stream).write_all(documents)
    return stream.getvalue()
