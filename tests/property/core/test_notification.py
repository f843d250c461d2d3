# SPDX-License-Identifier: Apache-2.0
"""What holds for any notification."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.core import notification
from tests.property.strategies import check


@check
@given(st.integers(1, 100))
def test_waits_between_notifications_grow_to_a_limit(retry: int) -> None:
    """From the first wait to the longest."""
    first, second = notification.wait_before(retry), notification.wait_before(retry + 1)
    assert notification.FIRST_WAIT <= first <= second <= notification.LONGEST_WAIT
