# SPDX-License-Identifier: Apache-2.0
"""Which version of Flux to install: version names, ranges, selection and upgrade checks.

Versions are parsed and compared by the `semver` package. Ranges are our own, because users write
them in the dialect of the Go library Masterminds/semver, which no Python library speaks: partial
versions and wildcards (`2.x`), `~`, `^`, hyphen ranges, and prereleases only on request.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Self, assert_never

from semver import Version

from fluxsm.errors import BuildError

_MAX_NUMBER = 2**64 - 1
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    r"v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?"
    rf"(?:-(?P<prerelease>{_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
)

_PART = r"(?:[0-9]+|[xX*])"
_BOUND = rf"v?{_PART}(?:\.{_PART}){{0,2}}(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?"
_HYPHEN = re.compile(rf"(?P<low>{_BOUND})\s+-\s+(?P<high>{_BOUND})(?=[\s,]|$)", re.ASCII)
_COMPARATOR = re.compile(rf"(?P<operator>[=!<>~^]{{0,2}})\s*(?P<bound>{_BOUND})", re.ASCII)
_SEPARATOR = re.compile(r"\s*,\s*|\s+|$", re.ASCII)


def parse(text: str) -> Version:
    """Read a version name: `v2.3.0`, `2.3`, `2.3.0-rc.1+build`.

    Missing numbers count as 0, leading zeros are tolerated, metadata is dropped because it never
    takes part in a comparison.

    Raises:
        ValueError: the text is not a version.
    """
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a version such as v2.3.0")
    major, minor, patch = (_number(match[part] or "0") for part in ("major", "minor", "patch"))
    return Version(major, minor, patch, _checked_prerelease(match["prerelease"]))


def is_version(text: str) -> bool:
    """Whether the text is the name of a version."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def minor_of(version: Version) -> str:
    """The `major.minor` text that stands for all patches of a version."""
    return f"{version.major}.{version.minor}"


def _number(digits: str) -> int:
    # Counting digits first: converting a very long text to a number is slow.
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(_MAX_NUMBER)) or int(significant) > _MAX_NUMBER:
        raise ValueError(f"the number {digits[:30]} is too large")
    return int(significant)


def _checked_prerelease(prerelease: str | None) -> str | None:
    for identifier in (prerelease or "").split("."):
        if len(identifier) > 1 and identifier.isdigit() and identifier.startswith("0"):
            raise ValueError(f"the prerelease number {identifier} has a leading zero")
    return prerelease


class Operator(Enum):
    """What a comparator demands."""

    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    AT_LEAST = ">="
    AT_MOST = "<="
    TILDE = "~"
    CARET = "^"


_OPERATORS = {operator.value: operator for operator in Operator} | {
    "": Operator.EQUAL,
    "=>": Operator.AT_LEAST,
    "=<": Operator.AT_MOST,
    "~>": Operator.TILDE,
}


class Precision(Enum):
    """How much of a comparator's version is written out; the rest is zero."""

    NOTHING = 0
    MAJOR = 1
    MINOR = 2
    PATCH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparator:
    """One condition on a version, such as `>=2.3`.

    Attributes:
        operator: what is demanded.
        base: the version, with zeros for what is missing or a wildcard.
        precision: how much of it was written out.
    """

    operator: Operator
    base: Version
    precision: Precision = Precision.PATCH

    def matches(self, version: Version) -> bool:  # noqa: PLR0911 one for each operator
        """Whether a version fulfils the condition; prereleases count like any other version."""
        match self.operator:
            case Operator.EQUAL:
                exact = self.precision is Precision.PATCH
                return version == self.base if exact else self._is_tilde(version)
            case Operator.NOT_EQUAL:
                return not self._covers(version)
            case Operator.GREATER:
                return version > self.base and not self._covers(version)
            case Operator.LESS:
                return version < self.base
            case Operator.AT_LEAST:
                return version >= self.base
            case Operator.AT_MOST:
                return self._is_at_most(version)
            case Operator.TILDE:
                return self._is_tilde(version)
            case Operator.CARET:
                return self._is_caret(version)
            case _ as never:
                assert_never(never)

    def _covers(self, version: Version) -> bool:
        """Whether the written part of the version is equal; a bare wildcard stands for 0.0.0."""
        match self.precision:
            case Precision.MAJOR:
                return version.major == self.base.major
            case Precision.MINOR:
                return _minor(version) == _minor(self.base)
            case Precision.NOTHING | Precision.PATCH:
                return version == self.base
            case _ as never:
                assert_never(never)

    def _is_at_most(self, version: Version) -> bool:
        match self.precision:
            case Precision.MAJOR:
                return version.major <= self.base.major
            case Precision.NOTHING | Precision.MINOR:
                return _minor(version) <= _minor(self.base)
            case Precision.PATCH:
                return version <= self.base
            case _ as never:
                assert_never(never)

    def _is_tilde(self, version: Version) -> bool:
        """Patches may move, and minors where none is written."""
        if version < self.base:
            return False
        match self.precision:
            case Precision.MAJOR:
                return version.major == self.base.major
            case Precision.MINOR:
                return _minor(version) == _minor(self.base)
            case Precision.NOTHING | Precision.PATCH:
                # From zero there is nothing to stay close to, so anything above it fits.
                anything = (self.base.major, self.base.minor, self.base.patch) == (0, 0, 0)
                return anything or _minor(version) == _minor(self.base)
            case _ as never:
                assert_never(never)

    def _is_caret(self, version: Version) -> bool:
        """Whatever is right of the first number that is not zero may move."""
        if version < self.base or version.major != self.base.major:
            return False
        if self.base.major > 0 or self.precision is Precision.MAJOR:
            return True
        if version.minor != self.base.minor:
            return False
        if self.base.minor > 0 or self.precision is Precision.MINOR:
            return True
        return version.patch == self.base.patch


def _minor(version: Version) -> tuple[int, int]:
    return (version.major, version.minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A set of versions, written as in `2.x`, `>=2.3 <2.6` or `2.2 - 2.4 || ~2.6.1`.

    Attributes:
        alternatives: at least one of them must match, with all of its comparators.
    """

    alternatives: tuple[tuple[Comparator, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a range.

        Raises:
            ValueError: what is wrong with the text.
        """
        if not text.strip():
            raise ValueError("the range is empty; write * for any version")
        return cls(alternatives=tuple(tuple(_comparators(part)) for part in text.split("||")))

    def __contains__(self, version: Version) -> bool:
        return any(_fits(alternative, version) for alternative in self.alternatives)


def _fits(alternative: tuple[Comparator, ...], version: Version) -> bool:
    """A prerelease is only meant where a comparator next to it names a prerelease."""
    if version.prerelease and not any(item.base.prerelease for item in alternative):
        return False
    return all(item.matches(version) for item in alternative)


def _comparators(text: str) -> Iterator[Comparator]:
    text = text.strip()
    if not text:
        raise ValueError("an alternative beside || is empty")
    position = 0
    while position < len(text):
        if match := _HYPHEN.match(text, position):
            yield _comparator(">=", match["low"])
            yield _comparator("<=", match["high"])
        elif match := _COMPARATOR.match(text, position):
            yield _comparator(match["operator"], match["bound"])
        else:
            raise ValueError(f"{_shorten(text[position:])} is not a comparator such as >=2.3")
        position = _after_separator(text, match.end())


def _after_separator(text: str, end: int) -> int:
    separator = _SEPARATOR.match(text, end)
    if separator is None:
        raise ValueError(f"a blank or a comma is missing before {_shorten(text[end:])}")
    if separator[0] and separator.end() == len(text):
        raise ValueError("nothing follows the comma at the end")
    return separator.end()


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _comparator(operator: str, bound: str) -> Comparator:
    if operator not in _OPERATORS:
        raise ValueError(f"{operator!r} is not an operator")
    numbers_text, _, prerelease = bound.partition("+")[0].removeprefix("v").partition("-")
    written = itertools.takewhile(str.isdigit, numbers_text.split("."))
    numbers = [_number(part) for part in written]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    base = Version(major, minor, patch, _checked_prerelease(prerelease or None))
    return Comparator(operator=_OPERATORS[operator], base=base, precision=Precision(len(numbers)))


def parse_range(text: str) -> Range:
    """Read the range of a spec.

    Raises:
        BuildError: naming the range and what is wrong with it.
    """
    try:
        return Range.parse(text)
    except ValueError as error:
        raise BuildError(
            f".spec.distribution.version {text!r} is not a version range: {error}"
        ) from None


def supported_minors(names: Iterable[str]) -> frozenset[str]:
    """The minors of all released versions among the names; prereleases do not count."""
    versions = (parse(name) for name in names if is_version(name))
    return frozenset(minor_of(version) for version in versions if not version.prerelease)


def matching(
    range_: Range, names: Iterable[str], *, minors: frozenset[str] | None = None
) -> list[str]:
    """The names that are versions in a range, newest first.

    Args:
        range_: the range.
        names: names of folders, spelled as they are; those that are no versions are skipped.
        minors: those that may be installed; None means all.
    """
    versions = ((parse(name), name) for name in names if is_version(name))
    fits = [
        (version, name)
        for version, name in versions
        if version in range_ and (minors is None or minor_of(version) in minors)
    ]
    return [name for _, name in sorted(fits, reverse=True)]


def newest(names: Iterable[str], *, minors: frozenset[str] | None = None) -> str:
    """The newest released version among the names, empty where there is none.

    Args:
        names: names of folders.
        minors: those that may be installed; None means all.
    """
    return next(iter(matching(Range.parse("*"), names, minors=minors)), "")


def resolve(
    expression: str,
    names: Iterable[str],
    *,
    minors: frozenset[str] | None = None,
    source: str = "the distribution",
) -> str:
    """Choose the greatest version of a distribution that is in a range.

    A distribution may bring new patches of the minors that the operator knows, but no new minor.

    Args:
        expression: the range, such as `2.x`.
        names: names of the distribution's version folders.
        minors: those that may be installed; None means all.
        source: where the names come from, for messages.

    Returns:
        The version, spelled as its folder.

    Raises:
        BuildError: the range is malformed, or no version fits.
    """
    range_ = parse_range(expression)
    names = list(names)
    found = matching(range_, names, minors=minors)
    if found:
        return found[0]
    raise BuildError(_nothing_fits(expression, range_, names, minors, source))


def _nothing_fits(
    expression: str, range_: Range, names: list[str], minors: frozenset[str] | None, source: str
) -> str:
    start = f"no version in {source} matches .spec.distribution.version {expression!r}"
    blocked = matching(range_, names)
    if blocked and minors is not None:
        known = ", ".join(sorted(minors, key=parse)) or "none"
        return (
            f"{start}: {blocked[0]} is of a minor that this operator does not support"
            f" (supported: {known})"
        )
    available = ", ".join(matching(Range.parse("*-0"), names)[:10]) or "none"
    return f"{start} (available: {available})"


def split_revision(revision: str) -> tuple[str, str]:
    """Split `v2.3.0@sha256:...` into version and digest; either may be empty."""
    version, _, digest = revision.partition("@")
    return version, digest


def refuse_downgrade(applied_revision: str, target: str) -> None:
    """Let through what Flux can do in place: anything but an older minor.

    An older patch of the same minor is fine. Nothing is checked before the first installation.

    Args:
        applied_revision: the revision that is installed, empty when there is none.
        target: the version to install.

    Raises:
        BuildError: the target is of an older minor, or one of both is not a version.
    """
    if not applied_revision:
        return
    applied, wanted = _both(applied_revision, target)
    if _minor(wanted) < _minor(applied):
        installed, _ = split_revision(applied_revision)
        raise BuildError(
            f"downgrading from {installed} to {target} is not supported;"
            " reinstalling Flux is needed for that"
        )


def _both(applied_revision: str, target: str) -> tuple[Version, Version]:
    installed, _ = split_revision(applied_revision)
    try:
        applied = parse(installed)
    except ValueError as error:
        raise BuildError(f"the version in status.lastAppliedRevision: {error}") from None
    try:
        return applied, parse(target)
    except ValueError as error:
        raise BuildError(f"the version to install: {error}") from None


def is_at_least(version: str, minimum: str) -> bool:
    """Whether a version is the minimum or above it.

    Raises:
        ValueError: one of both is not a version.
    """
    return parse(version) >= parse(minimum)
