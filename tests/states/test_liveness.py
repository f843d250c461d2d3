# SPDX-License-Identifier: Apache-2.0
"""With a fault that never stops, a deletion ends, a suspension rests, and nothing floods."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fluxsm.machine.events import Event
from fluxsm.simulation import world as simulated
from fluxsm.simulation.liveness import CASES, Case, broken_laws, prepare
from states.table import TABLE


@pytest.mark.parametrize("case", CASES[::9], ids=str)
def test_no_single_fault_breaks_liveness(case: Case) -> None:
    """A sample of what `fluxsm check-machine` tries in full: a port call, refused for good."""
    assert [broken.text for broken in broken_laws(case, prepare(TABLE))] == []


def test_a_deletion_that_nothing_answers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A law that holds for every table would be no law."""
    monkeypatch.setattr(simulated, "MAX_TURNS", 200)
    rows = tuple(
        replace(row, dest=row.source) if row.event is Event.DELETED else row for row in TABLE.rows
    )
    world = prepare(replace(TABLE, rows=rows))
    found = [broken.text for broken in broken_laws(CASES[0], world)]
    assert any("goes round in circles" in text for text in found)
