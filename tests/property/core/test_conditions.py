# SPDX-License-Identifier: Apache-2.0
"""What holds for the conditions after any story."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.api import names
from fluxsm.core import conditions
from fluxsm.objects.timestamp import parse_time
from tests.property.strategies import JSON, NOW, check

REASONS = st.sampled_from([names.PROGRESSING, names.BUILD_FAILED, "Other"])
TEXTS = st.text(max_size=5) | st.just("x" * 40000)
Act: TypeAlias = tuple[str, Callable[[conditions.Writer], None], bool | None]


@st.composite
def acts(draw: st.DrawFn) -> Act:
    """Draw something that a run does to the conditions, and whether it then moves."""
    reason, text = draw(REASONS), draw(TEXTS)
    possible: list[Act] = [
        ("progressing", lambda writer: writer.progressing(reason, text), True),
        ("ready", lambda writer: writer.ready(reason, text), False),
        ("retrying", lambda writer: writer.retrying(reason, text, text), draw(st.booleans())),
        ("stalled", lambda writer: writer.stalled(reason, text), False),
        ("suspended", lambda writer: writer.suspended(reason, text), None),
    ]
    return draw(st.sampled_from(possible))


@check
@given(st.lists(st.tuples(acts(), st.integers(0, 100), st.booleans()), max_size=8))
def test_whatever_happens_the_kstatus_laws_hold(story: list[tuple[Act, int, bool]]) -> None:
    """After every act of every story; foreign conditions stay, and time never runs backwards."""
    foreign = {"type": "example.com/Own", "status": "False", "any": "thing"}
    found: list[dict[str, Any]] = [foreign]
    now, generation = NOW, 1
    for (_, act, moving), seconds, edited in story:
        now += timedelta(seconds=seconds)
        generation += edited
        before = {item["type"]: item for item in found}
        writer = conditions.Writer(found, generation=generation, now=now)
        act(writer)
        found = writer.result()
        assert foreign in found
        own = [item for item in found if item != foreign]
        assert conditions.check_rules(own, generation, moving=moving) == []
        for item in own:
            if item["type"] in before and item in before.values():
                continue
            assert parse_time(item["lastTransitionTime"]) <= now
            old = before.get(item["type"])
            if old is not None:
                assert item["lastTransitionTime"] >= old["lastTransitionTime"]


@check
@given(st.lists(st.dictionaries(st.sampled_from(["type", "status", "reason"]), JSON), max_size=4))
def test_any_list_can_be_checked(items: list[dict[str, Any]]) -> None:
    """Broken conditions are found to be broken; nothing is raised."""
    assert conditions.check_rules(items, 1, moving=True)
