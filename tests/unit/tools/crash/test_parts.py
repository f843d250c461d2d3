# SPDX-License-Identifier: Apache-2.0
"""The parts of a crash run add up to the whole, however many workers share one."""

from __future__ import annotations

import argparse
from collections import Counter

import pytest

from tools.crash.__main__ import part_of
from tools.crash.campaign import plan
from tools.crash.faults import Fault
from tools.crash.invariants import Reference
from tools.crash.lifecycles import MINOR, MODES
from tools.crash.workers import Selection

RUNS = [{"install": Fault(kind="before", number=number)} for number in range(23)]


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(("parts", "workers"), [(1, 1), (1, 2), (4, 1), (3, 2), (16, 4)])
def test_every_run_is_in_one_share(parts: int, workers: int, place: int) -> None:
    """Whichever lifecycle it is of."""
    found = [
        run
        for part in range(1, parts + 1)
        for worker in range(workers)
        for run in Selection(lifecycles=(), modes=(), part=part, parts=parts)
        .share(place, worker, workers)
        .of(RUNS)
    ]
    assert len(found) == len(RUNS)
    assert all(run in found for run in RUNS)


def test_single_runs_are_spread() -> None:
    """The first run of one lifecycle is another part's than that of the next."""
    first = [
        part
        for place in range(3)
        for part in range(1, 4)
        if Selection(lifecycles=(), modes=(), part=part, parts=3).share(place, 0, 1).number == 0
    ]
    assert sorted(first) == [1, 2, 3]


def test_a_plan_has_every_fault() -> None:
    """A kill before, during and after each write, and one run that kills after each in turn."""
    reference = Reference(
        world={}, asked=Counter(), effects=Counter(), writes=("PATCH /a", "PATCH /b")
    )
    references = {phase.name: reference for phase in MINOR.phases}
    runs = plan(MINOR, MODES[:2], references)
    faults = {(name, fault.kind, fault.number) for run in runs for name, fault in run.items()}
    kinds = {("progress", 1)}
    kinds |= {(kind, number) for kind in ("before", "committed", "answered") for number in (1, 2)}
    assert faults == {(phase.name, *kind) for phase in MINOR.phases for kind in kinds}


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "a/b", "-1/2", "1/2/3"])
def test_a_part_that_does_not_exist_is_refused(text: str) -> None:
    """With an example of what is meant."""
    with pytest.raises(argparse.ArgumentTypeError, match="such as 1/4"):
        part_of(text)


def test_a_part_is_read() -> None:
    """As the number of a part, and how many there are."""
    assert part_of("2/4") == (2, 4)
