# SPDX-License-Identifier: Apache-2.0
"""`make mutate`: delete or redirect each row of the table in turn; something must notice.

Each mutant meets, from cheap to dear: the laws of the table, the lifecycles, the laws of every
step, and the tests of the states. What none of them notices is listed as a survivor.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import states.table
from fluxsm.machine.engine import Engine
from fluxsm.machine.laws import violations
from fluxsm.machine.states import State
from fluxsm.machine.table import Table
from fluxsm.simulation.check import check_steps, first_broken_lifecycle
from states.behaviour import BEHAVIOUR
from states.table import TABLE

TESTS = ("tests/states",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A table that differs from the real one in one row.

    Attributes:
        name: what was done to which row.
        table: the table.
    """

    name: str
    table: Table


def mutants() -> Iterator[Mutant]:
    """Every row deleted, and sent to every other place."""
    rows = TABLE.rows
    for index, row in enumerate(rows):
        before, after = rows[:index], rows[index + 1 :]
        yield Mutant(name=f"without {row}", table=replace(TABLE, rows=before + after))
        for dest in (*State, None):
            if dest is not row.dest:
                other = replace(row, dest=dest)
                name = f"{row} now goes to {dest or 'its end'}"
                yield Mutant(name=name, table=replace(TABLE, rows=(*before, other, *after)))


def noticed_by(mutant: Mutant) -> str:
    """What notices a mutant first, empty when nothing does."""
    if next(violations(mutant.table), None):
        return "a law of the table"
    if first_broken_lifecycle(mutant.table):
        return "a lifecycle"
    if check_steps(mutant.table).broken:
        return "a law of a step"
    return "a test of the states" if _fails_tests(mutant.table) else ""


def _fails_tests(table: Table) -> bool:
    """Run the tests of the states with a table, in a process of their own."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status) == 1
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    states.table.TABLE = table
    object.__setattr__(BEHAVIOUR, "engine", Engine(table))
    os._exit(pytest.main(["-q", "-x", "-n", "0", "-p", "no:cacheprovider", *TESTS]))


def main() -> int:
    """Meet every mutant; returns the exit code: 1 when one survives."""
    logging.getLogger("fluxsm").setLevel(logging.CRITICAL)
    if _fails_tests(TABLE):
        print(f"✗ {', '.join(TESTS)} fail with the real table; nothing can be learned from them")
        return 1
    counts: Counter[str] = Counter()
    survivors: list[str] = []
    for mutant in mutants():
        notice = noticed_by(mutant)
        counts[notice or "nothing"] += 1
        if not notice:
            survivors.append(mutant.name)
            print(f"✗ survives: {mutant.name}", flush=True)
    for notice, count in counts.most_common():
        print(f"{count:>5} noticed by {notice}")
    print(f"{counts.total()} mutants of {len(TABLE.rows)} rows, {len(survivors)} survive")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
