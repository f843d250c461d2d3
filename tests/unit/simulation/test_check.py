# SPDX-License-Identifier: Apache-2.0
"""The model check finds nothing in the real table, and tells what is wrong with a broken one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from fluxsm.cli import check_machine
from fluxsm.machine.define import UnsoundTableError, define
from fluxsm.machine.events import Event
from fluxsm.machine.laws import law_name
from fluxsm.machine.states import State
from fluxsm.machine.table import Table
from fluxsm.simulation import laws
from fluxsm.simulation.check import check, check_lifecycles, check_rows, check_steps
from fluxsm.simulation.exploration import Taken, explore
from fluxsm.simulation.laws import STEP_LAWS, StepLaw
from fluxsm.simulation.liveness import CASES
from states.definitions import DEFINITIONS
from states.table import TABLE


def redirected(source: State, event: Event, dest: State) -> Table:
    """The real table with the rows of a state for an event sent elsewhere."""
    rows = tuple(
        replace(row, dest=dest) if (row.source, row.event) == (source, event) else row
        for row in TABLE.rows
    )
    return replace(TABLE, rows=rows)


@pytest.fixture(scope="module")
def steps() -> list[Taken]:
    """The first steps of the walk, enough to see every state."""
    found: list[Taken] = []
    for taken in explore(TABLE):
        found.append(taken)
        if len(found) == 1500:
            break
    return found


def find(steps: list[Taken], event: Event, dest: State, *, saves: bool = True) -> Taken:
    """The first step for an event that leads to a state and saves."""
    return next(
        taken
        for taken in steps
        if (taken.step.row.event, taken.step.row.dest) == (event, dest)
        and taken.step.saves in {saves, True}
    )


def with_status(taken: Taken, **changes: Any) -> Taken:
    """A step with another status."""
    return replace(taken, step=replace(taken.step, status={**taken.step.status, **changes}))


def test_the_walk_sees_every_state(steps: list[Taken]) -> None:
    """And only rows of the table; stories can be followed."""
    assert {taken.step.row.source for taken in steps} == set(State)
    for taken in steps:
        assert set(taken.story) <= set(TABLE.rows)
        assert taken.story[-1] is taken.step.row
        assert taken.story[0].source is State.PENDING


@pytest.mark.parametrize("law", STEP_LAWS, ids=lambda law: law.__name__)
def test_a_law_of_a_step_holds(law: StepLaw, steps: list[Taken]) -> None:
    """In every step of the real table that is looked at here."""
    assert law_name(law)
    assert [text for taken in steps for text in law(taken, TABLE)] == []


def breaking(steps: list[Taken]) -> Iterator[tuple[StepLaw, Taken, str]]:
    """For each law a step that breaks it, and what is said."""
    ready = find(steps, Event.HEALTHY, State.READY)
    failed = find(steps, Event.FAULT, State.FAILED)
    recorded = find(steps, Event.RECORDED, State.APPLYING)
    stalled = [
        *ready.step.status["conditions"],
        {**ready.step.status["conditions"][0], "type": "Stalled", "status": "True"},
    ]
    yield laws.conditions_follow_kstatus, with_status(ready, conditions=stalled), "Stalled"
    yield laws.ready_is_as_meant, with_status(ready, state="Failed"), "the status says Failed"
    yield (
        laws.ready_is_as_meant,
        with_status(ready, conditions=failed.step.status["conditions"]),
        "Ready is False in Ready",
    )
    memory = failed.step.memory
    memory = replace(memory, stay=replace(memory.stay, due=None))
    timeless = replace(failed, step=replace(failed.step, memory=memory))
    yield laws.failures_are_retried, timeless, "Failed has no timer"
    yield laws.recorded_before_written, with_status(recorded, inventory=None), "lacks"
    unsaved = replace(recorded, step=replace(recorded.step, must_save=False))
    yield laws.recorded_before_written, unsaved, "not saved before the write"
    wait = find(steps, Event.WAITING, State.READY, saves=False)
    noisy = replace(wait, step=replace(wait.step, saves=True))
    yield laws.rest_is_quiet, noisy, "a wait in Ready writes the status"


def test_every_law_of_a_step_can_be_broken(steps: list[Taken]) -> None:
    """A law that nothing breaks is no law."""
    broken = set()
    for law, taken, words in breaking(steps):
        assert any(words in text for text in law(taken, TABLE)), words
        broken.add(law)
    assert broken == set(STEP_LAWS)


def test_a_broken_table_is_shown_by_its_rows_alone() -> None:
    """What builds on a broken part is not looked at."""
    (result,) = check(redirected(State.APPLYING, Event.WAITING, State.BUILDING))
    (item,) = result.broken
    assert item.text == "Applying does not stay on Waiting"
    assert item.story == (
        "An instance begins in Pending.",
        "Started happens: it goes to FetchingArtifact.",
        "Fetched happens: it goes to Building.",
        "Built happens: it goes to Applying.",
        "Waiting happens: it goes to Building.",
        "Then it should stay on Waiting.",
    )


def test_a_broken_definition_is_shown_by_a_step() -> None:
    """A state that rests but says Unknown breaks the rules of kstatus."""
    states = {
        **TABLE.states,
        State.READY: replace(TABLE.states[State.READY], ready="Unknown"),
    }
    result = check_steps(replace(TABLE, states=states))
    texts = {item.text for item in result.broken}
    assert "at rest with Ready=Unknown" in texts
    story = next(item.story for item in result.broken if item.text == "at rest with Ready=Unknown")
    assert story[0] == "An instance begins in Pending."
    assert story[-1] == "Then at rest with Ready=Unknown."


def test_a_table_that_does_something_else_is_shown_by_a_lifecycle() -> None:
    """Its rows keep every law, but drift is not repaired at once."""
    table = redirected(State.READY, Event.DRIFTED, State.PENDING)
    assert check_rows(table).broken == ()
    broken = check_lifecycles(table).broken
    assert any("drift: story[2]: came by" in item.text for item in broken)
    assert all(item.story for item in broken)


def test_the_command_says_that_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each part, exit code 0."""
    monkeypatch.setattr("fluxsm.simulation.check.check_steps", check_rows)
    monkeypatch.setattr("fluxsm.simulation.liveness.CASES", CASES[:2])
    done = CliRunner().invoke(check_machine.command)
    assert done.exit_code == 0
    assert [line[0] for line in done.output.splitlines()] == ["✓", "✓", "✓", "✓"]


def test_the_command_tells_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law, sentence and story, exit code 1."""
    table = redirected(State.APPLYING, Event.WAITING, State.BUILDING)
    monkeypatch.setattr("states.table.TABLE", table)
    done = CliRunner().invoke(check_machine.command)
    assert done.exit_code == 1
    assert "Applying does not stay on Waiting" in done.output
    assert "    Built happens: it goes to Applying." in done.output


def test_a_table_that_does_not_load_is_reported_too(capsys: pytest.CaptureFixture[str]) -> None:
    """`define` refuses it at import, and says which table it was."""
    table = redirected(State.APPLYING, Event.WAITING, State.BUILDING)
    with pytest.raises(UnsoundTableError) as caught:
        define(
            DEFINITIONS,
            (table.rows,),
            initial=table.initial,
            goal=table.goal,
            paused=table.paused,
            ending=table.ending,
        )
    check_machine._report_rows(caught.value)
    assert "Built happens: it goes to Applying." in capsys.readouterr().out
