# SPDX-License-Identifier: Apache-2.0
"""What counts as a version, and which of two is greater."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsm.build.version import Range, is_at_least, is_version, minor_of, parse

PRECEDENCE = (
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1-0",
    "1.2.0",
    "1.10.0",
    "2.0.0",
)
NUMBERS = st.integers(min_value=0, max_value=2**64 - 1)
SMALL = st.integers(min_value=0, max_value=4)
PRERELEASES = st.sampled_from(["", "-0", "-alpha", "-alpha.1", "-rc.2", "-rc.10", "-x-y.z"])


@st.composite
def versions(draw: st.DrawFn, numbers: st.SearchStrategy[int] = SMALL) -> str:
    """Text of versions; small numbers, so that they meet."""
    parts = ".".join(str(draw(numbers)) for _ in range(3))
    return parts + draw(PRERELEASES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("v2.3.0", "2.3.0", id="with a v"),
        pytest.param("2.3.0", "2.3.0", id="without a v"),
        pytest.param("2.3", "2.3.0", id="two parts"),
        pytest.param("2", "2.0.0", id="one part"),
        pytest.param("v02.003.0", "2.3.0", id="leading zeros"),
        pytest.param("2.3.0-rc.1", "2.3.0-rc.1", id="a prerelease"),
        pytest.param("2-rc.1", "2.0.0-rc.1", id="a prerelease after one part"),
        pytest.param("2.3.0-0a.b-c", "2.3.0-0a.b-c", id="letters and hyphens"),
        pytest.param("2.3.0+001.a-b", "2.3.0", id="metadata is dropped"),
        pytest.param("2.3.0-rc.1+5", "2.3.0-rc.1", id="prerelease and metadata"),
        pytest.param(
            "18446744073709551615.0.0", "18446744073709551615.0.0", id="the largest number"
        ),
    ],
)
def test_versions_are_read(text: str, expected: str) -> None:
    """Missing numbers are zero."""
    assert str(parse(text)) == expected
    assert is_version(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v",
        "V2.3.0",
        "vv2.3.0",
        "2.3.0.1",
        "2..0",
        "2.3.",
        ".3.0",
        "2.x",
        "-1.0.0",
        "2.3.0-",
        "2.3.0-rc..1",
        "2.3.0-01",
        "2.3.0-rc.00",
        "2.3.0+",
        "2.3.0-rc_1",
        " 2.3.0",
        "2.3.0\n",
        "18446744073709551616.0.0",
        "٢.3.0",
        "main",
    ],
)
def test_anything_else_is_not_a_version(text: str) -> None:
    """Folders with such names are skipped."""
    assert not is_version(text)
    with pytest.raises(ValueError, match=r"version|too large|leading zero"):
        parse(text)


def test_precedence_is_that_of_semver() -> None:
    """Prereleases come before their release; their numbers compare as numbers."""
    backwards = PRECEDENCE[::-1]
    assert sorted(backwards, key=parse) == list(PRECEDENCE)


def test_metadata_takes_no_part_in_comparisons() -> None:
    """Two builds of one version are equal."""
    assert parse("2.3.0+a") == parse("v2.3.0+b")


@given(versions(NUMBERS))
def test_what_is_written_is_read_again(text: str) -> None:
    """Reading is the inverse of writing."""
    assert str(parse(text)) == text
    assert str(parse(f"v{text}+meta")) == text


@given(versions(), versions())
def test_operators_agree_with_precedence(left: str, right: str) -> None:
    """With full versions and prereleases asked for, the operators are comparisons."""
    one, other = parse(left), parse(right)
    asked = f", >={other}" if other.prerelease else ", >=0.0.0-0"
    for operator, truth in {
        ">": one > other,
        ">=": one >= other,
        "<": one < other,
        "<=": one <= other,
        "=": one == other,
        "!=": one != other,
    }.items():
        wanted = truth and (one >= other or not other.prerelease)
        assert (one in Range.parse(f"{operator}{right}{asked}")) is wanted


@given(versions(), versions())
def test_tilde_and_caret_are_their_intervals(left: str, right: str) -> None:
    """Caret contains tilde for majors above zero, and neither leaves the major."""
    version, base = parse(left), parse(right)
    in_tilde, in_caret = version in Range.parse(f"~{right}"), version in Range.parse(f"^{right}")
    if base.major > 0 and in_tilde:
        assert in_caret
    if in_caret:
        assert version.major == base.major
        assert version >= base


@given(versions(), st.lists(versions(), min_size=1, max_size=4))
def test_alternatives_are_a_union(text: str, alternatives: list[str]) -> None:
    """A range of alternatives has what any of them has."""
    version = parse(text)
    joined = Range.parse(" || ".join(f"^{part}" for part in alternatives))
    assert (version in joined) is any(version in Range.parse(f"^{part}") for part in alternatives)


@given(st.text(alphabet="0123.xX*vV~^<>=!|, -+rc", max_size=24))
def test_every_text_is_a_range_or_a_clear_error(text: str) -> None:
    """Nothing else than a ValueError comes of a malformed range."""
    try:
        Range.parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 any other error fails the test


def test_a_minor_stands_for_its_patches() -> None:
    """It is written with a dot."""
    assert minor_of(parse("v2.10.3")) == "2.10"


@pytest.mark.parametrize(
    ("version", "expected"),
    [("2.2.0", True), ("v2.10.0", True), ("2.1.9", False), ("2.2.0-rc.1", False)],
)
def test_a_minimum_compares_versions(version: str, expected: bool) -> None:
    """A prerelease is below its release."""
    assert is_at_least(version, "2.2.0") is expected
