# SPDX-License-Identifier: Apache-2.0
"""Every row is deleted once and sent to every other place once, and something notices."""

from __future__ import annotations

from fluxsm.machine.states import State
from states.table import TABLE
from tools.mutate import mutants, noticed_by

MUTANTS = list(mutants())


def test_every_row_is_deleted_and_sent_everywhere_else() -> None:
    """Each mutant is another table, with one row missing or leading elsewhere."""
    assert len(MUTANTS) == len(TABLE.rows) * (1 + len(State))
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        rows = mutant.table.rows
        if len(rows) < len(TABLE.rows):
            assert set(TABLE.rows) - set(rows)
        else:
            changed = [(old, new) for old, new in zip(TABLE.rows, rows, strict=True) if old != new]
            ((old, new),) = changed
            assert (old.source, old.event, old.guard) == (new.source, new.event, new.guard)


def test_what_breaks_a_law_is_noticed_by_it() -> None:
    """Cheap checks come first."""
    mutant = next(item for item in MUTANTS if item.name.startswith("without Pending --Started"))
    assert noticed_by(mutant) == "a law of the table"


def test_what_breaks_no_law_is_noticed_by_a_lifecycle() -> None:
    """Drift that is not repaired but begun all over."""
    name = "Ready --Drifted--> Applying now goes to Pending"
    mutant = next(item for item in MUTANTS if item.name == name)
    assert noticed_by(mutant) == "a lifecycle"
