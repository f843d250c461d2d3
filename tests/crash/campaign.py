# SPDX-License-Identifier: Apache-2.0
"""Which faults are tried, and how they are spread over lives so that each life tries several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from tests.crash.faults import (
    ANSWERS,
    KILLS,
    LINES,
    OUTDATED,
    RELENTLESS,
    STALE,
    Fault,
    Scope,
    Unit,
)
from tests.crash.oracles import Reference
from tests.crash.scenarios import Life
from tests.crash.stage import Stage, Verdict

WRITE_STRIDE: Final = 9
READ_STRIDE: Final = 5
LINE_STRIDE: Final = 12
REPEATED_READS: Final = 20
"""About as many as a new process begins with."""


def faults(mode: str, reference: Reference) -> Iterator[Fault]:
    """The faults of a mode for one phase: every write for kills, a sample for the others."""
    match mode:
        case "relentless":
            yield Fault(kind=RELENTLESS, number=1, scope=Scope.EVERY)
        case "kills":
            for number in range(1, len(reference.writes) + 1):
                yield from (Fault(kind=kind, number=number) for kind in KILLS)
        case "answers":
            yield from _spread(list(ANSWERS), Unit.WRITE, len(reference.writes), WRITE_STRIDE)
            yield from _spread(list(ANSWERS), Unit.READ, reference.reads, READ_STRIDE)
            for number in range(1, REPEATED_READS + 1):
                yield Fault(kind=STALE, number=number, unit=Unit.AGAIN)
            for number in range(1, reference.again + 1):
                yield Fault(kind=OUTDATED, number=number, unit=Unit.AGAIN)
        case "lines":
            yield from _spread(list(LINES), Unit.LINE, reference.lines, LINE_STRIDE)
            yield Fault(kind="doubled", number=1, unit=Unit.LINE, scope=Scope.EVERY)
        case _:
            raise ValueError(f"no such mode: {mode}")


def _spread(kinds: Sequence[str], unit: Unit, count: int, stride: int) -> Iterator[Fault]:
    """Every kind at every so many numbers, each kind shifted, so that all numbers get a turn."""
    for place, kind in enumerate(kinds):
        first = 1 + place % min(stride, max(count, 1))
        for number in range(first, count + 1, stride):
            yield Fault(kind=kind, number=number, unit=unit)


def plan(
    life: Life, modes: Sequence[str], references: Mapping[str, Reference]
) -> list[dict[str, Fault]]:
    """Lives, each with at most one fault per phase, that together have all faults."""
    columns = [
        [
            fault
            for mode in modes
            if mode in life.modes
            for fault in faults(mode, references[phase.name])
        ]
        for phase in life.phases
    ]
    names = [phase.name for phase in life.phases]
    return [
        {name: fault for name, fault in zip(names, row, strict=True) if fault is not None}
        for row in zip_longest(*columns)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of the lives: those with this number among every so many.

    Attributes:
        number: from 0 on.
        count: how many shares there are.
    """

    number: int = 0
    count: int = 1


def run(
    life: Life,
    modes: Sequence[str],
    tell: Callable[[Verdict], None],
    *,
    share: Share,
    every: int = 1,
) -> None:
    """Try a share of all faults of some modes in a life.

    A life that ends badly leaves a cluster that is good for nothing; the next gets a new one.

    Args:
        life: what is lived.
        modes: some of MODES.
        tell: called with each verdict on a fault.
        share: which of the lives are lived.
        every: take only every so manieth life.
    """
    wanted = set(modes) & set(life.modes)
    if not wanted or (share.number and wanted == {"relentless"}):
        return  # nothing, or a single life
    stage = _stage(life)
    try:
        references = stage.measure(life)
        stage.verify(life, references)
        queue = plan(life, modes, references)[::every][share.number :: share.count]
        while queue:
            lived = stage.live(life, queue[0], references)
            for item in lived:
                if item.fault or item.findings:
                    tell(item)
            done = {item.phase for item in lived}
            left = {name: fault for name, fault in queue[0].items() if name not in done}
            queue[0:1] = [left] if left else []
            if any(item.findings for item in lived):
                stage.close()
                stage = _stage(life)
                references = stage.measure(life)
    finally:
        stage.close()


def _stage(life: Life) -> Stage:
    return Stage(storage=life.storage, flags=tuple(life.flags)).open()
