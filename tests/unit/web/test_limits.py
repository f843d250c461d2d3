# SPDX-License-Identifier: Apache-2.0
"""How many requests are answered."""

from __future__ import annotations

from fluxsm.web.limits import READERS, Limits, Rate


def test_a_burst_is_answered_and_then_a_rate() -> None:
    """Whoever is refused does not wait longer for it."""
    rate = Rate(Limits(rate=2.0, burst=3))
    assert [rate.admits("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert [rate.admits("a", 1.0) for _ in range(3)] == [True, True, False]
    assert [rate.admits("a", 1.25), rate.admits("a", 1.5)] == [False, True]


def test_one_reader_takes_nothing_from_another() -> None:
    """Each address has a bucket of its own."""
    rate = Rate(Limits(rate=1.0, burst=1))
    assert (rate.admits("a", 0.0), rate.admits("a", 0.0)) == (True, False)
    assert rate.admits("b", 0.0)


def test_idle_time_is_not_saved_up_without_end() -> None:
    """No more than a burst."""
    rate = Rate(Limits(rate=10.0, burst=2))
    assert rate.admits("a", 0.0)
    assert [rate.admits("a", 1000.0) for _ in range(3)] == [True, True, False]


def test_addresses_do_not_fill_the_memory() -> None:
    """The one that was idle longest is forgotten."""
    rate = Rate(Limits(rate=1.0, burst=1))
    for number in range(READERS + 1):
        assert rate.admits(str(number), 0.0)
    assert len(rate._buckets) == READERS
    assert not rate.admits("1", 0.0)
    assert rate.admits("0", 0.0)
