# SPDX-License-Identifier: Apache-2.0
"""What every test run takes of `make crash`: each state that writes, and each kind of fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tools.crash import report
from tools.crash.environment import Environment, Verdict
from tools.crash.faults import ANSWERS, LINES, OUTDATED, Fault, Unit
from tools.crash.invariants import Reference
from tools.crash.lifecycles import MINOR

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    """A control plane on which the lifecycle was run without faults."""
    with Environment() as found:
        found.measure(MINOR)
        yield found


def test_a_crash_in_each_writing_state_changes_nothing(environment: Environment) -> None:
    """A lifecycle that is killed in each of its phases ends as one that is not."""
    verdicts = _run(environment, _kills(environment.references))
    died_in = {state for verdict in verdicts for state in verdict.states}
    assert died_in >= {"Pending", "Applying", "Migrating", "Uninstalling"}, _lines(verdicts)


def test_a_fault_of_each_kind_changes_nothing(environment: Environment) -> None:
    """Answers that are refused, lost, late, cut or old; watch lines lost, doubled or late."""
    runs = _disrupted()
    kinds = {fault.kind for faults in runs for fault in faults.values()}
    assert kinds == {*ANSWERS, *LINES, OUTDATED}
    _run(environment, runs)


def _run(environment: Environment, runs: list[dict[str, Fault]]) -> list[Verdict]:
    """Run the lifecycle with faults, all of which must be injected and change nothing."""
    verdicts: list[Verdict] = []
    for faults in runs:
        verdicts += environment.run(MINOR, faults, environment.references)
        assert not [verdict for verdict in verdicts if verdict.findings], _lines(verdicts)
    assert all(verdict.reached for verdict in verdicts), _lines(verdicts)
    return verdicts


def _lines(verdicts: list[Verdict]) -> str:
    return "\n".join(report.line(verdict) for verdict in verdicts)


def _kills(references: Mapping[str, Reference]) -> list[dict[str, Fault]]:
    """Two runs: early and late in each phase, by each way to die."""
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


def _disrupted() -> list[dict[str, Fault]]:
    """Four runs, with each kind of fault in one phase of them."""
    line = Unit.LINE
    return [
        {
            "install": Fault(kind="429", number=5),
            "upgrade": Fault(kind="409", number=2),
            "remove": Fault(kind="doubled", number=1, unit=line),
            "uninstall": Fault(kind="422", number=4),
        },
        {
            "install": Fault(kind="500", number=9),
            "upgrade": Fault(kind="503", number=12),
            "remove": Fault(kind="dropped", number=2, unit=line),
            "uninstall": Fault(kind="unsent", number=6),
        },
        {
            "install": Fault(kind="lost", number=14),
            "upgrade": Fault(kind="outdated", number=1, unit=Unit.AGAIN),
            "remove": Fault(kind="expired", number=1, unit=line),
            "uninstall": Fault(kind="truncated", number=9),
        },
        {
            "install": Fault(kind="halved", number=8, unit=line),
            "upgrade": Fault(kind="late", number=10),
            "remove": Fault(kind="delayed", number=1, unit=line),
            "uninstall": Fault(kind="swallowed", number=3, unit=line),
        },
    ]


def _first(reference: Reference, plural: str) -> int:
    """The number of the first write to an object of a kind."""
    return next(
        number for number, target in enumerate(reference.writes, start=1) if f"/{plural}/" in target
    )
