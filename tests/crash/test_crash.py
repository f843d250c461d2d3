# SPDX-License-Identifier: Apache-2.0
"""The sample of `make crash` that every test run takes: a crash in each state that writes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.crash import report
from tests.crash.faults import Fault
from tests.crash.oracles import Reference
from tests.crash.scenarios import MINOR
from tests.crash.stage import Stage

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_crash_in_each_writing_state_changes_nothing() -> None:
    """A life that is killed in each of its phases ends as one that is not."""
    with Stage() as stage:
        references = stage.measure(MINOR)
        verdicts = [
            verdict
            for faults in _sample(references)
            for verdict in stage.live(MINOR, faults, references)
        ]
    told = "\n".join(report.line(verdict) for verdict in verdicts)

    assert not [verdict for verdict in verdicts if verdict.findings], told
    assert all(verdict.reached for verdict in verdicts), told
    died_in = {verdict.state for verdict in verdicts}
    assert died_in >= {"Pending", "Applying", "Migrating", "Uninstalling"}, told


def _sample(references: Mapping[str, Reference]) -> list[dict[str, Fault]]:
    """Two lives: early and late in each phase, by each way to die."""
    migration = _first(references["upgrade"], "imagerepositories")
    deletions = len(references["uninstall"].writes)
    return [
        {
            "install": Fault(kind="committed", number=1),
            "upgrade": Fault(kind="before", number=12),
            "remove": Fault(kind="committed", number=1),
            "uninstall": Fault(kind="answered", number=2),
        },
        {
            "install": Fault(kind="committed", number=14),
            "upgrade": Fault(kind="committed", number=migration),
            "remove": Fault(kind="before", number=3),
            "uninstall": Fault(kind="before", number=deletions - 5),
        },
    ]


def _first(reference: Reference, plural: str) -> int:
    """The number of the first write to an object of a kind."""
    return next(
        number for number, target in enumerate(reference.writes, start=1) if f"/{plural}/" in target
    )
