# SPDX-License-Identifier: Apache-2.0
"""Which version of a distribution is installed, and which one may follow another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsm.build.version import (
    Range,
    matching,
    parse,
    refuse_downgrade,
    resolve,
    supported_minors,
)
from fluxsm.errors import BuildError

CANDIDATES = ("v2.2.0", "v2.2.1", "v2.3.0", "v2.3.1", "v2.4.0")
KNOWN = supported_minors(("v2.2.1", "v2.3.0"))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("2.x", "v2.3.1"), ("*", "v2.3.1"), ("2.2.x", "v2.2.1"), ("v2.3.1", "v2.3.1")],
)
def test_the_greatest_version_of_a_known_minor_is_chosen(expression: str, expected: str) -> None:
    """A distribution may bring new patches, but no new minor: VER-2."""
    assert resolve(expression, CANDIDATES, minors=KNOWN) == expected


def test_a_minor_that_the_operator_does_not_know_is_refused() -> None:
    """The message names the range, the version, and the minors that would do."""
    with pytest.raises(BuildError) as caught:
        resolve("v2.4.0", CANDIDATES, minors=KNOWN, source="/data")
    assert str(caught.value) == (
        "no version in /data matches .spec.distribution.version 'v2.4.0': v2.4.0 is of a minor"
        " that this operator does not support (supported: 2.2, 2.3)"
    )


def test_without_limits_every_minor_will_do() -> None:
    """As on the command line."""
    assert resolve("2.x", CANDIDATES) == "v2.4.0"


def test_versions_compare_as_numbers_and_keep_their_spelling() -> None:
    """2.10 is newer than 2.9; the folder's own spelling is the answer."""
    assert resolve("2.x", ("v2.9.0", "2.10.0", "v2.1.0")) == "2.10.0"


def test_other_folders_are_skipped() -> None:
    """Names that are no versions do not disturb."""
    assert resolve("*", ("main", "v2.x", "v2.3.0", ".git")) == "v2.3.0"


def test_nothing_fits() -> None:
    """The message lists what there is, newest first."""
    with pytest.raises(BuildError, match=r"matches .*'~2\.9' \(available: v2\.4\.0, v2\.3\.1, "):
        resolve("~2.9", CANDIDATES)


def test_an_empty_distribution_has_nothing() -> None:
    """The message does not list anything then."""
    with pytest.raises(BuildError, match=r"\(available: none\)"):
        resolve("*", ())


def test_a_malformed_range_is_a_build_error() -> None:
    """It names the field, the text and the reason."""
    with pytest.raises(BuildError) as caught:
        resolve("2.3,", CANDIDATES)
    assert str(caught.value) == (
        ".spec.distribution.version '2.3,' is not a version range:"
        " nothing follows the comma at the end"
    )


def test_prereleases_do_not_make_a_minor_known() -> None:
    """An operator that ships only a release candidate of a minor does not know that minor."""
    assert supported_minors(("v2.3.0", "v2.4.0-rc.1", "nonsense")) == {"2.3"}


def test_matching_versions_come_newest_first() -> None:
    """Two spellings of one version have an order too, so the choice is always the same."""
    names = ("v2.3.0", "2.3.0", "v2.10.0", "v2.9.0", "v3.0.0")
    assert matching(Range.parse("2.x"), names) == ["v2.10.0", "v2.9.0", "v2.3.0", "2.3.0"]
    assert matching(Range.parse("2.x"), reversed(names)) == matching(Range.parse("2.x"), names)


@given(st.permutations(CANDIDATES), st.sampled_from(["2.x", "~2.2", ">=2.2.1 <2.4", "*"]))
def test_the_order_of_folders_does_not_matter(names: list[str], expression: str) -> None:
    """Folders are listed in any order."""
    assert resolve(expression, names) == resolve(expression, CANDIDATES)


REVISION = "v2.4.1@sha256:" + "0" * 64


@pytest.mark.parametrize(
    "target", ["v2.4.1", "v2.4.0", "v2.5.0", "v3.0.0", "v2.4.1-rc.1"], ids=lambda it: f"to {it}"
)
def test_the_same_minor_and_later_ones_may_follow(target: str) -> None:
    """Patches may go back, minors may not; a new major is no downgrade."""
    refuse_downgrade(REVISION, target)


@pytest.mark.parametrize("target", ["v2.3.9", "v1.9.0"])
def test_an_older_minor_is_refused(target: str) -> None:
    """The message names both versions and what to do."""
    with pytest.raises(BuildError) as caught:
        refuse_downgrade(REVISION, target)
    assert str(caught.value) == (
        f"downgrading from v2.4.1 to {target} is not supported;"
        " reinstalling Flux is needed for that"
    )


def test_the_first_installation_is_never_a_downgrade() -> None:
    """Nothing was applied, so nothing is compared."""
    refuse_downgrade("", "v2.2.0")


@pytest.mark.parametrize(
    ("applied", "target", "side"),
    [
        ("main@sha256:ab", "v2.3.0", "lastAppliedRevision: 'main' is not a version"),
        (REVISION, "main", "the version to install: 'main' is not a version"),
    ],
)
def test_what_is_not_a_version_is_named(applied: str, target: str, side: str) -> None:
    """The message tells which of both sides it is."""
    with pytest.raises(BuildError, match=side):
        refuse_downgrade(applied, target)


@given(st.tuples(*[st.integers(0, 3)] * 3), st.tuples(*[st.integers(0, 3)] * 3))
def test_of_two_minors_one_way_is_a_downgrade(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    """Between two versions of different minors exactly one direction is refused."""
    left, right = (".".join(map(str, parts)) for parts in (one, other))

    def refused(applied: str, target: str) -> bool:
        try:
            refuse_downgrade(applied, target)
        except BuildError:
            return True
        return False

    assert refused(left, right) is (one[:2] > other[:2])
    assert refused(left, right) + refused(right, left) == (one[:2] != other[:2])
    assert parse(left).major == one[0]
