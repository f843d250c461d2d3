# SPDX-License-Identifier: Apache-2.0
"""What the YAML library complains about, in words that people know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, str]] = {
    "mapping values are not allowed": (
        "a colon is not expected here; put the value before it in quotes, or check the indentation"
    ),
    "could not find expected ':'": "a key needs a colon and a blank after it",
    "did not find expected key": (
        "a key is expected here; it must be indented as far as its neighbours"
    ),
    "did not find expected '-' indicator": (
        "an item that begins with - is expected here, indented as far as its neighbours"
    ),
    "did not find expected ',' or ']'": "a [ is not closed with ]",
    "did not find expected ',' or '}'": "a { is not closed with }",
    "did not find expected node content": "a value is missing, or a bracket is not closed",
    "did not find expected <document start>": (
        "something stands after the end of the document; documents are parted by a line of ---"
    ),
    "did not find expected <stream-start>": "nothing can be read",
    "block sequence entries are not allowed": "a list begins on a line of its own",
    "block mapping": "a map begins on a line of its own",
    "found unexpected end of stream": "a quote is not closed",
    "found unexpected document indicator": "a quote is not closed before the line of ---",
    "control characters are not allowed": "a character is not allowed in YAML",
    "special characters are not allowed": "a character is not allowed in YAML",
    "found unknown escape character": (
        "an escape is unknown; in double quotes a \\ is written as \\\\"
    ),
    "found invalid Unicode": "an escape stands for no character",
    "did not find expected hexdecimal number": "an escape needs hexadecimal digits",
    "did not find expected alphabetic or numeric character": "a name is expected after & or *",
    "did not find expected comment or line break": (
        "after | or > nothing else may stand on the line"
    ),
    "found undefined tag handle": "a tag begins with !, and this one is not known",
    "did not find expected tag": "a tag begins with !, and this one is not complete",
    "found a tab character": "a tab is there; YAML is indented with blanks only",
}


def explain(problem: str, line: str, column: int) -> str:
    """A complaint in words.

    Args:
        problem: what the library says.
        line: the line where it found it.
        column: the place in the line, from 0.
    """
    indentation = line[: len(line) - len(line.lstrip())]
    character = line[column : column + 1]
    if "\t" in indentation or character == "\t":
        return "a tab is there; YAML is indented with blanks only"
    if problem.startswith("found character") and character:
        return f"a value cannot begin with {character}; put it in quotes"
    return next(
        (words for start, words in _WORDS.items() if problem.startswith(start)),
        "the text cannot be read from here on",
    )
