# SPDX-License-Identifier: Apache-2.0
"""What holds for any change log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.objects import changes
from tests.property.strategies import check

CHANGES = st.lists(
    st.builds(
        lambda name, action: changes.Change(
            ref=ObjectRef(Kind("", "v1", "Secret"), "n", name), action=action
        ),
        st.sampled_from("abc"),
        st.sampled_from(changes.Action),
    ),
    max_size=8,
)


@check
@given(CHANGES, CHANGES)
def test_a_change_log_can_be_combined_in_any_steps(
    first: list[changes.Change], second: list[changes.Change]
) -> None:
    """One entry per object, in the order of first mention; only quiet ones have no line."""
    combined = changes.combine([*first, *second])
    assert changes.combine([*changes.combine(first), *second]) == combined
    mentioned = list(dict.fromkeys(change.ref for change in [*first, *second]))
    assert [change.ref for change in combined] == mentioned
    quiet = [change for change in combined if change.action in changes.QUIET]
    assert len(changes.lines([*first, *second])) == len(combined) - len(quiet)
