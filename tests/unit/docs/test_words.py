# SPDX-License-Identifier: Apache-2.0
"""One language: the terms of the glossary exist in the code, and left-out words do not come back.

A word stands for one thing, and what has a word in the field is called by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GLOSSARY = ROOT / "docs" / "glossary.md"
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| \[([^]]+)\]\(([^)]+)\) \|$", re.MULTILINE)
TERMS = [match.groups() for match in _ROW.finditer(GLOSSARY.read_text())]

REPLACED = {
    "feuds?": "field-manager conflict",
    "quarrels?": "field-manager conflict",
    "ledgers?": "applied state",
    "settled": "up to date",
    "tall(?:y|ies)": "counts",
    "surveys?": "collector",
    "editions?": "fingerprint",
    "namesakes?": "object of the same name",
    "alphabet": "states and events",
    "meanings": "definitions",
    "announcements?": "Kubernetes event",
    "told": "reported",
    "heard": "received",
    "strikes?": "inject",
    "pulses?": "heartbeat",
    "anew": "again",
    "for ever": "forever",
    "so long as": "while",
    "mend(?:s|ed|ing)?": "fix",
    "silen(?:ce|t|tly)": "idle",
    "harms?": "damage, or: has no other effect",
    "crews?": "workers",
    "nurser(?:y|ies)": "process pool",
    "oracles?": "invariants",
    "lives": "lifecycles",
    "scenes": "worlds",
    "oblivi(?:on|ous)": "deletion",
    "in any case": "always, or: in upper or lower case",
}
"""Patterns of what is not said, and what is said instead."""

REASONS = {
    "tests/unit/docs/test_words.py": "lists the words",
    "docs/reference/reliability.md": "keeps what former commits printed",
    "fluxsm/cli/registry.py": "`silent` is an argument of click",
    "tests/unit/build/test_version_parse.py": "`alphabet` is an argument of hypothesis",
    "tests/unit/build/test_yaml.py": "`alphabet` is an argument of hypothesis",
}
"""Files that are left out, and why."""

FOLDERS = (".ci", ".github", "bench", "docs", "fluxsm", "manifests", "states", "tests", "tools")
_NOT_OURS = {"LICENSE", ".coverage", ".git"}
KINDS = {".go", ".md", ".py", ".svg", ".toml", ".yaml", ""}
_WORDS = re.compile(rf"(?<![a-z])({'|'.join(REPLACED)})(?![a-z])", re.IGNORECASE)
_WRAPPED = re.compile(r"[\s_#>*]+")


def texts() -> Iterator[Path]:
    """Everything that is written by hand or printed; snake_case counts as words."""
    for path in [*ROOT.iterdir(), *(p for name in FOLDERS for p in (ROOT / name).rglob("*"))]:
        hidden = {"__pycache__", ".work"} & set(path.parts)
        skipped = (
            path.name in {"LICENSE", ".coverage"} or path.relative_to(ROOT).as_posix() in REASONS
        )
        if path.is_file() and path.suffix in KINDS and not hidden and not skipped:
            yield path


def words_in(text: str) -> list[str]:
    """The left-out words of a text, also over the end of a line and inside a name."""
    return [match.group(1).lower() for match in _WORDS.finditer(_WRAPPED.sub(" ", text))]


def instead_of(word: str) -> str:
    """What is said instead of a left-out word."""
    return next(text for pattern, text in REPLACED.items() if re.fullmatch(pattern, word))


def test_left_out_words_do_not_come_back() -> None:
    """Each with the file that has it and the word to take instead."""
    found = [
        f"{path.relative_to(ROOT)}: {word}; say {instead_of(word)}"
        for path in texts()
        for word in words_in(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "word"),
    [("it was Told", "told"), ("is_told_so", "told"), ("held for\n    # ever", "for ever")],
    ids=["a word", "in a name", "over two lines"],
)
def test_a_word_is_found(text: str, word: str) -> None:
    """However it is written."""
    assert words_in(text) == [word]


def test_parts_of_words_are_free() -> None:
    """Recommend, harmless and conditions are said."""
    assert words_in("recommend harmless conditions expedition SafeStringEdition2") == []


@pytest.mark.parametrize("path", sorted(REASONS))
def test_an_exception_is_needed(path: str) -> None:
    """A file that has none of the words any more is no exception."""
    assert words_in((ROOT / path).read_text())


@pytest.mark.parametrize(("term", "meaning", "name", "link"), TERMS, ids=[t[0] for t in TERMS])
def test_a_term_stands_in_the_code(term: str, meaning: str, name: str, link: str) -> None:
    """Its link leads to a file that defines the name, or that has the name."""
    path = (GLOSSARY.parent / link).resolve()
    assert path.is_file(), f"{term}: {link} does not exist"
    defined = re.search(rf"^\s*(?:class |def )?{name}\b", path.read_text(), re.MULTILINE)
    assert defined or path.stem == name, f"{term}: {link} does not define {name}"
    assert meaning.endswith(".")


def test_the_glossary_is_read() -> None:
    """Each row of its table is a term, and each term stands there once."""
    lines = [line for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    assert len(TERMS) == len(lines) - 1  # the head
    assert len({term for term, *_ in TERMS}) == len(TERMS) >= 7


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_the_glossary_is_linked(page: str) -> None:
    """From where people begin to read."""
    assert "glossary.md)" in (ROOT / page).read_text()
