# SPDX-License-Identifier: Apache-2.0
"""Which faults are tried, and how they are spread so that each lifecycle tries several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, TypeVar

from tools.crash import lasting
from tools.crash.environment import Environment, Verdict
from tools.crash.faults import (
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
from tools.crash.invariants import Reference
from tools.crash.lifecycles import LASTING, Lifecycle

T = TypeVar("T")

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
    """Every kind at every so many numbers, each kind shifted, so that all numbers occur."""
    for place, kind in enumerate(kinds):
        first = 1 + place % min(stride, max(count, 1))
        for number in range(first, count + 1, stride):
            yield Fault(kind=kind, number=number, unit=unit)


def plan(
    lifecycle: Lifecycle, modes: Sequence[str], references: Mapping[str, Reference]
) -> list[dict[str, Fault]]:
    """Runs of a lifecycle, each with at most one fault per phase, that together have all faults."""
    columns = [
        [
            fault
            for mode in modes
            if mode in lifecycle.modes
            for fault in faults(mode, references[phase.name])
        ]
        for phase in lifecycle.phases
    ]
    names = [phase.name for phase in lifecycle.phases]
    return [
        {name: fault for name, fault in zip(names, row, strict=True) if fault is not None}
        for row in zip_longest(*columns)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of the runs: those with this number among every so many.

    Attributes:
        number: from 0 on.
        count: how many shares there are.
    """

    number: int = 0
    count: int = 1

    def of(self, runs: Sequence[T]) -> list[T]:
        """Return the runs of the share."""
        return list(runs[self.number :: self.count])


def run(
    lifecycle: Lifecycle,
    modes: Sequence[str],
    report: Callable[[Verdict], None],
    *,
    share: Share,
) -> None:
    """Try a share of all faults of some modes in a lifecycle.

    A run that ends badly leaves a cluster that cannot be used again; the next gets a new one.

    Args:
        lifecycle: what is run.
        modes: some of MODES.
        report: called with each verdict on a fault.
        share: which of the runs are done.
    """
    wanted = set(modes) & set(lifecycle.modes)
    if not wanted or (share.number and wanted == {"relentless"}):
        return  # nothing, or a single run
    if LASTING in wanted:
        _refuse_calls(lifecycle, report, share=share)
        return
    environment = _environment(lifecycle)
    try:
        references = environment.measure(lifecycle)
        environment.verify(lifecycle, references)
        queue = share.of(plan(lifecycle, modes, references))
        while queue:
            verdicts = environment.run(lifecycle, queue[0], references)
            for item in verdicts:
                if item.fault or item.findings:
                    report(item)
            done = {item.phase for item in verdicts}
            left = {name: fault for name, fault in queue[0].items() if name not in done}
            queue[0:1] = [left] if left else []
            if any(item.findings for item in verdicts):
                environment.close()
                environment = _environment(lifecycle)
                references = environment.measure(lifecycle)
    finally:
        environment.close()


def _refuse_calls(lifecycle: Lifecycle, report: Callable[[Verdict], None], *, share: Share) -> None:
    """Refuse a share of the calls for good, each in a lifecycle of its own."""
    environment = _environment(lifecycle)
    try:
        reference = environment.measure(lifecycle)[lifecycle.phases[-1].name]
        for call in share.of(lasting.calls(environment)):
            verdict = lasting.try_call(environment, lifecycle, call, reference)
            report(verdict)
            if verdict.findings:
                environment.close()
                environment = _environment(lifecycle)
                reference = environment.measure(lifecycle)[lifecycle.phases[-1].name]
    finally:
        environment.close()


def _environment(lifecycle: Lifecycle) -> Environment:
    return Environment(storage=lifecycle.storage, flags=tuple(lifecycle.flags)).open()
