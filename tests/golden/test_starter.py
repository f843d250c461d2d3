# SPDX-License-Identifier: Apache-2.0
"""What the operator applies changes only on purpose: `make golden` writes the results again."""

from __future__ import annotations

import pytest

from tests.golden.starter import CASES, Case, write


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_build_is_the_expected_one(case: Case) -> None:
    """To the byte."""
    assert write(case) == case.expected.read_text(encoding="utf-8")


def test_there_are_cases() -> None:
    """A moved folder would make the test above pass without a look."""
    assert [case.name for case in CASES] == ["full", "minimal"]
