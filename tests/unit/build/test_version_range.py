# SPDX-License-Identifier: Apache-2.0
"""Ranges mean what they mean in Masterminds/semver, row by row."""

from __future__ import annotations

import re

import pytest

from fluxsm.build.version import Range, parse

RELEASES = (
    "0.0.0",
    "0.0.3",
    "0.0.4",
    "0.2.2",
    "0.2.3",
    "0.3.0",
    "1.9.9",
    "2.0.0",
    "2.2.9",
    "2.3.0",
    "2.3.1",
    "2.3.4",
    "2.3.5",
    "2.4.0",
    "2.5.0",
    "2.5.9",
    "2.6.0",
    "3.0.0",
    "3.1.0",
)


def fits(text: str) -> list[str]:
    """The releases that are in a range."""
    range_ = Range.parse(text)
    return [name for name in RELEASES if parse(name) in range_]


def between(low: str, high: str) -> list[str]:
    """The releases from low to just below high."""
    return [name for name in RELEASES if parse(low) <= parse(name) < parse(high)]


def without(*names: str) -> list[str]:
    """All releases but some."""
    return [name for name in RELEASES if name not in names]


@pytest.mark.parametrize("text", ["2.3.4", "=2.3.4", "v2.3.4", "= 2.3.4", "2.03.4", "2.3.4+build"])
def test_a_full_version_matches_only_itself(text: str) -> None:
    """A `v`, leading zeros and metadata make no difference."""
    assert fits(text) == ["2.3.4"]


@pytest.mark.parametrize(
    "text", ["2.3", "2.3.x", "2.3.X", "2.3.*", "=2.3", "~2.3", "~>2.3", "v2.3", "2.3.x+meta"]
)
def test_two_parts_match_every_patch(text: str) -> None:
    """What is not written may be anything."""
    assert fits(text) == between("2.3.0", "2.4.0")


@pytest.mark.parametrize("text", ["2", "2.x", "2.*", "~2", "2.x.3", "2.x.x"])
def test_one_part_matches_every_minor(text: str) -> None:
    """Parts after the first wildcard are ignored."""
    assert fits(text) == between("2.0.0", "3.0.0")


@pytest.mark.parametrize("text", ["*", "x", "X", "=*", "~*", ">=*", "v*", "x.2.3", "~0.0.0", "!=9"])
def test_wildcards_match_every_release(text: str) -> None:
    """`*` is how one writes "anything"."""
    assert fits(text) == list(RELEASES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(">*", without("0.0.0"), id="greater than a wildcard is above 0.0.0"),
        pytest.param("<*", [], id="nothing is less than a wildcard"),
        pytest.param("!=*", without("0.0.0"), id="not a wildcard is everything but 0.0.0"),
        pytest.param("^*", ["0.0.0"], id="caret of a wildcard is only 0.0.0"),
        pytest.param("<=*", ["0.0.0", "0.0.3", "0.0.4"], id="at most a wildcard is any 0.0.z"),
    ],
)
def test_bare_wildcards_with_an_operator_stand_for_zero(text: str, expected: list[str]) -> None:
    """A wildcard has the base 0.0.0, and that is what these operators compare with."""
    assert fits(text) == expected


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        pytest.param("~2.3.4", "2.3.4", "2.4.0", id="tilde lets patches move"),
        pytest.param("~> 2.3.4", "2.3.4", "2.4.0", id="the other spelling of tilde"),
        pytest.param("~0.0.3", "0.0.3", "0.1.0", id="tilde below 0.1 lets patches move"),
        pytest.param("~0.0", "0.0.0", "0.1.0", id="tilde of two zeros is any 0.0.z"),
        pytest.param("~0", "0.0.0", "1.0.0", id="tilde of one zero is any 0.y.z"),
        pytest.param("^2.3.4", "2.3.4", "3.0.0", id="caret keeps the major"),
        pytest.param("^2.3", "2.3.0", "3.0.0", id="caret of two parts keeps the major"),
        pytest.param("^2", "2.0.0", "3.0.0", id="caret of one part keeps the major"),
        pytest.param("^0.2.3", "0.2.3", "0.3.0", id="caret below 1.0 keeps the minor"),
        pytest.param("^0.2", "0.2.0", "0.3.0", id="caret of two parts below 1.0 keeps the minor"),
        pytest.param("^0.0.3", "0.0.3", "0.0.4", id="caret below 0.1 keeps the patch"),
        pytest.param("^0.0", "0.0.0", "0.1.0", id="caret of two zeros is any 0.0.z"),
        pytest.param("^0", "0.0.0", "1.0.0", id="caret of one zero is any 0.y.z"),
        pytest.param(">2.3.4", "2.3.5", "9.0.0", id="greater than a full version"),
        pytest.param(">2.3", "2.4.0", "9.0.0", id="no patch of 2.3 is greater than 2.3"),
        pytest.param(">2", "3.0.0", "9.0.0", id="no minor of 2 is greater than 2"),
        pytest.param("<2.3.4", "0.0.0", "2.3.4", id="less than a full version"),
        pytest.param("<2.3", "0.0.0", "2.3.0", id="less than two parts"),
        pytest.param("<2", "0.0.0", "2.0.0", id="less than one part"),
        pytest.param(">=2.3.4", "2.3.4", "9.0.0", id="at least a full version"),
        pytest.param("=>2.3.4", "2.3.4", "9.0.0", id="the other spelling of at least"),
        pytest.param(">=2.3", "2.3.0", "9.0.0", id="at least two parts"),
        pytest.param(">=2", "2.0.0", "9.0.0", id="at least one part"),
        pytest.param("<=2.3.4", "0.0.0", "2.3.5", id="at most a full version"),
        pytest.param("=<2.3.4", "0.0.0", "2.3.5", id="the other spelling of at most"),
        pytest.param("<=2.3", "0.0.0", "2.4.0", id="at most two parts takes every patch"),
        pytest.param("<=2", "0.0.0", "3.0.0", id="at most one part takes every minor"),
        pytest.param("2.3 - 2.5", "2.3.0", "2.6.0", id="a hyphen range takes the last patches"),
        pytest.param("2.3.1 - 2.5.0", "2.3.1", "2.5.9", id="a hyphen range of full versions"),
        pytest.param("v2.3.x -\t2.5", "2.3.0", "2.6.0", id="a hyphen range with wildcard and tab"),
        pytest.param(">=2.3 <2.6", "2.3.0", "2.6.0", id="blanks mean and"),
        pytest.param(">=2.3,<2.6", "2.3.0", "2.6.0", id="a comma means and"),
        pytest.param(" >= 2.3 , < 2.6 ", "2.3.0", "2.6.0", id="blanks may be everywhere"),
        pytest.param("2.3||>=2.4 <2.5", "2.3.0", "2.5.0", id="bars mean or"),
        pytest.param("2.5||2.3 - 2.4", "2.3.0", "2.6.0", id="a hyphen range right after bars"),
    ],
)
def test_operators_select_an_interval(text: str, low: str, high: str) -> None:
    """Each form takes the releases from its lower end to just below its upper end."""
    assert fits(text) == between(low, high)


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        pytest.param("!=2.3.4", ["2.3.4"], id="a full version excludes itself"),
        pytest.param("!=2.3", between("2.3.0", "2.4.0"), id="two parts exclude a minor"),
        pytest.param("!=2.3.x", between("2.3.0", "2.4.0"), id="a wildcard excludes a minor"),
        pytest.param("!=2", between("2.0.0", "3.0.0"), id="one part excludes a major"),
        pytest.param("!=2.x", between("2.0.0", "3.0.0"), id="a wildcard excludes a major"),
    ],
)
def test_not_equal_excludes(text: str, excluded: list[str]) -> None:
    """Everything else matches."""
    assert fits(text) == without(*excluded)


def test_comparators_may_follow_a_hyphen_range() -> None:
    """They are joined with it by "and"."""
    assert fits("2.3 - 2.5, !=2.4.0 !=2.3.5") == ["2.3.0", "2.3.1", "2.3.4", "2.5.0", "2.5.9"]


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        pytest.param("*", "2.3.0-rc.1", False, id="a wildcard has no prereleases"),
        pytest.param("2.3", "2.3.0-rc.1", False, id="a minor has no prereleases"),
        pytest.param("!=2.4.0", "2.3.0-rc.1", False, id="an exclusion does not let them in"),
        pytest.param("*-0", "2.3.0-rc.1", True, id="a wildcard with a prerelease has them"),
        pytest.param("*-0", "2.3.0", True, id="and releases too"),
        pytest.param(">=2.3.0-0", "2.3.0-rc.1", True, id="the lower end asks for them"),
        pytest.param(">=2.3.0-0", "2.4.0-alpha.1", True, id="then later ones count too"),
        pytest.param(">=2.3.0-rc.2", "2.3.0-rc.1", False, id="in order of precedence"),
        pytest.param(">=2.3.0-rc.2", "2.3.0-rc.10", True, id="numbers compare as numbers"),
        pytest.param(">2.2 <2.4.0-0", "2.3.0-rc.1", True, id="any comparator may ask for them"),
        pytest.param("2.3 || >=9.0.0-0", "2.3.1-rc.1", False, id="but only in its alternative"),
        pytest.param("2.3.0-rc.1", "2.3.0-rc.1", True, id="an exact prerelease"),
        pytest.param("2.3.0-rc.1", "2.3.0", False, id="is not the release"),
        pytest.param("2.3-0", "2.3.0-rc.1", True, id="a partial version with a prerelease"),
        pytest.param("2.3-rc.2", "2.3.0-rc.1", False, id="equality demands the base"),
        pytest.param("~2.3.0-rc.2", "2.3.0-rc.1", False, id="tilde demands the base"),
        pytest.param("~2.3.0-rc.2", "2.3.1-rc.1", True, id="tilde above the base"),
        pytest.param("^2.3.0-rc.2", "2.3.0-rc.1", False, id="caret demands the base"),
        pytest.param("^2.3.0-rc.2", "2.9.0-rc.1", True, id="caret above the base"),
        pytest.param(">2.3-0", "2.3.1-rc.1", False, id="greater than a minor looks at numbers"),
        pytest.param(">2.3-0", "2.4.0-rc.1", True, id="greater than a minor, next minor"),
        pytest.param("<=2.3-0", "2.3.1-rc.1", True, id="at most a minor looks at numbers"),
        pytest.param("<2.3.0-0", "2.3.0-rc.1", False, id="less than in order of precedence"),
        pytest.param(">2.0.0-0, !=2.3", "2.3.1-rc.1", False, id="an excluded minor stays out"),
        pytest.param("~0.0.0-0", "2.3.0-rc.1", True, id="tilde of zero is everything"),
    ],
)
def test_prereleases_only_on_request(text: str, version: str, expected: bool) -> None:
    """A prerelease matches where a comparator of the same alternative names a prerelease."""
    assert (parse(version) in Range.parse(text)) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "is empty", id="nothing"),
        pytest.param("  \t", "is empty", id="only blanks"),
        pytest.param("2.3.0 ||", "alternative beside || is empty", id="nothing after bars"),
        pytest.param("|| 2.3", "alternative beside || is empty", id="nothing before bars"),
        pytest.param("2.3 | 2.4", "not a comparator", id="one bar"),
        pytest.param("1.2.3.4", "missing before '.4'", id="four parts"),
        pytest.param(">=2.3<2.6", "missing before '<2.6'", id="no separator"),
        pytest.param("2.3,", "nothing follows the comma", id="a comma at the end"),
        pytest.param("2.3,,2.4", "not a comparator", id="two commas"),
        pytest.param(",2.3", "not a comparator", id="a comma at the start"),
        pytest.param("latest", "'latest' is not a comparator", id="a word"),
        pytest.param(">>2.3", "'>>' is not an operator", id="an operator that does not exist"),
        pytest.param("> =2.3", "not a comparator", id="a torn operator"),
        pytest.param("2.xx", "missing before 'x'", id="two wildcards in one part"),
        pytest.param("2.3.0-", "missing before '-'", id="an empty prerelease"),
        pytest.param("2.3.0-rc.01", "leading zero", id="a prerelease number with leading zero"),
        pytest.param("2.3 - 2.5 - 2.7", "'- 2.7' is not a comparator", id="two hyphens"),
        pytest.param(">=2.3 - 2.5", "'- 2.5' is not a comparator", id="operator and hyphen"),
        pytest.param("18446744073709551616", "too large", id="a number beyond 64 bits"),
        pytest.param("9" * 5000, "too large", id="a very long number"),
        pytest.param("٢.3", "not a comparator", id="digits of another script"),
    ],
)
def test_malformed_ranges_are_refused(text: str, reason: str) -> None:
    """The error tells what is wrong, and where."""
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        Range.parse(text)
    assert len(str(caught.value)) < 120


def test_long_input_is_read_in_linear_time() -> None:
    """A megabyte of comparators neither hangs nor overflows a stack."""
    text = " ".join(["!=2.3.0"] * 100_000)
    assert parse("2.3.1") in Range.parse(text)
