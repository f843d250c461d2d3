# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost in counting, whatever goes by."""

from __future__ import annotations

import math
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.report.counts import Counts, count, format_size
from tests.property.strategies import WORDS, check

UNITS = {unit: 1024**step for step, unit in enumerate(["B", "KiB", "MiB", "GiB", "TiB", "PiB"])}
OBJECTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"apiVersion": st.just("source.toolkit.fluxcd.io/v1"), "metadata": st.just({"name": "a"})},
    optional={
        "spec": st.fixed_dictionaries({}, optional={"suspend": st.booleans()}),
        "status": st.fixed_dictionaries(
            {},
            optional={
                "artifact": st.fixed_dictionaries({"size": st.integers(0, 2**40)}),
                "conditions": st.lists(
                    st.fixed_dictionaries(
                        {
                            "type": st.sampled_from(["Ready", "Stalled"]),
                            "status": st.sampled_from(["True", "False", "Unknown"]),
                            "reason": st.just("DependencyNotReady") | WORDS,
                        }
                    ),
                    max_size=2,
                ),
            },
        ),
    },
)


@check
@given(st.lists(OBJECTS, max_size=8))
def test_every_object_is_counted_once(objects: list[Any]) -> None:
    """It runs or is suspended, and only what runs can fail."""
    found = count(objects)
    assert found.running + found.suspended == len(objects)
    assert 0 <= found.failing <= found.running


@check
@given(st.lists(OBJECTS, max_size=8), st.randoms())
def test_the_order_does_not_matter(objects: list[Any], random: Any) -> None:
    """Pages may come as they like."""
    shuffled = random.sample(objects, len(objects))
    assert count(shuffled) == count(objects)


@check
@given(st.integers(1, 2**55))
def test_a_size_can_be_read_back(size: int) -> None:
    """Up to the digit that was cut off."""
    found = re.fullmatch(r"(\d+(?:\.\d)?) (\w+)", format_size(size))
    assert found is not None
    amount, unit = float(found[1]), UNITS[found[2]]
    assert math.isclose(amount * unit, size, rel_tol=0.05)
    assert amount <= 1024


def test_counts_begin_with_nothing() -> None:
    """Two counts share nothing."""
    Counts().add({"apiVersion": "v1", "metadata": {}})
    assert Counts().running == 0
