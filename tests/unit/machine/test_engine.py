# SPDX-License-Identifier: Apache-2.0
"""The engine takes the first row whose guard holds, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fluxsm.machine.engine import Engine, NoRowError
from fluxsm.machine.events import Event
from fluxsm.machine.explore import Case, cases
from fluxsm.machine.states import State
from fluxsm.machine.table import guard_name
from states.table import TABLE

ENGINE = Engine(TABLE)


def observed(holds: frozenset[str]) -> SimpleNamespace:
    """Observations under which exactly these guards hold."""
    run = SimpleNamespace(
        migration_before=(1,) if "blocks_new_crds" in holds else (),
        migration_after=(1,) if "wants_migration" in holds else (),
        applied="is_applied" in holds,
        fell_back=False,
        retries=None,
    )
    return SimpleNamespace(
        run=run,
        process=SimpleNamespace(last_good=1 if "has_last_good" in holds else None),
        stay=SimpleNamespace(faults=0),
        failure=SimpleNamespace(passing="may_pass" in holds),
    )


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.row}") for case in cases(TABLE)])
def test_the_engine_agrees_with_the_table(case: Case) -> None:
    """For every state, event and guard valuation, the row that reading the table gives is taken."""
    assert ENGINE.advance(case.state, case.event, observed(case.holds)) is case.row


def test_an_event_that_the_state_does_not_know_is_refused() -> None:
    """A handler that answers outside its contract is an error, not a no-op."""
    with pytest.raises(NoRowError, match="no row for Healthy in Ready"):
        ENGINE.advance(State.READY, Event.HEALTHY, observed(frozenset()))


def test_a_guard_that_returns_no_bool_is_refused() -> None:
    """A truthy object would hide a mistake."""

    def odd(_: object) -> bool:
        """Something is odd."""
        return 1  # type: ignore[return-value]

    rows = [replace(row, guard=odd if row.guard else None) for row in TABLE.rows]
    engine = Engine(replace(TABLE, rows=tuple(rows)))
    with pytest.raises(TypeError, match="returns True or False"):
        engine.advance(State.BUILDING, Event.BUILT, observed(frozenset()))


def test_advancing_keeps_nothing() -> None:
    """Two instances can be advanced by one engine without knowing of each other."""
    first = ENGINE.advance(State.PENDING, Event.STARTED, observed(frozenset()))
    second = ENGINE.advance(State.PENDING, Event.STARTED, observed(frozenset()))
    assert first is second
    assert not ENGINE._machine.models


def test_every_row_is_taken_in_some_case() -> None:
    """The exhaustive walk covers each row of the table."""
    assert {case.row for case in cases(TABLE)} == set(TABLE.rows)


def test_every_guard_is_exercised_both_ways() -> None:
    """Each guard is true in one case and false in another."""
    guards = {guard_name(row.guard) for row in TABLE.rows if row.guard}
    for name in guards:
        relevant = [
            case
            for case in cases(TABLE)
            if any(guard_name(row.guard) == name for row in TABLE.rows_for(case.state, case.event))
        ]
        assert {name in case.holds for case in relevant} == {True, False}
