# SPDX-License-Identifier: Apache-2.0
"""The runs and their states, by the steps of the machine and by the status alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fluxsm.machine.states import State
from fluxsm.web.follow import glance
from fluxsm.web.journal import RUNS, VISITS, Journal, Run
from fluxsm.web.sight import Move, Sight
from states.table import TABLE
from tests.states.worlds import CONTROLLER, WORLDS, installed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def journal_of(steps: list[Sight]) -> Journal:
    """The journal after some steps."""
    found = Journal()
    for step in steps:
        found = found.after(step)
    return found


def shown_as(run: Run) -> list[tuple[str, str]]:
    """States and what led to them."""
    return [(visit.event, visit.state) for visit in run.visits]


def test_a_run_is_shown_state_by_state() -> None:
    """From what began it to its result, with the time that each state took."""
    [run] = journal_of([Sight.of(step) for step in installed().steps]).runs
    assert (run.trigger, run.result) == ("start", "succeeded")
    assert shown_as(run) == [
        ("", "Pending"), ("Started", "FetchingArtifact"), ("Fetched", "Building"),
        ("Built", "Applying"), ("Applied", "HealthChecking"), ("Healthy", "Ready"),
    ]  # fmt: skip
    *passed, last = run.visits
    assert last.seconds is None
    assert run.seconds == sum(visit.seconds or 0 for visit in passed)


def test_drift_begins_a_run_of_its_own() -> None:
    """The one before keeps its result, and the time at rest."""
    world = installed()
    world.pass_time(timedelta(minutes=5))
    world.user.delete(CONTROLLER)
    world.settle()
    first, second = journal_of([Sight.of(step) for step in world.steps]).runs
    assert (first.result, second.trigger, second.result) == ("succeeded", "drift", "succeeded")
    assert (first.visits[-1].seconds or 0) >= 300
    assert shown_as(second)[0] == ("Drifted", "Applying")


def test_a_failure_is_shown_with_its_message() -> None:
    """And the retry is another run."""
    world = WORLDS[State.FAILED]()
    first = journal_of([Sight.of(step) for step in world.steps]).runs[-1]
    assert first.result == "failed"
    assert "no route to host" in first.visits[-2].message
    world.reach(State.READY)
    last = journal_of([Sight.of(step) for step in world.steps]).runs[-1]
    assert (last.trigger, last.result) == ("retry", "succeeded")


def test_an_uninstallation_ends_the_journal() -> None:
    """The next instance begins another one."""
    world = installed()
    world.delete()
    world.settle(timedelta(minutes=1))
    gone = journal_of([Sight.of(step) for step in world.steps])
    assert (gone.runs[-1].trigger, gone.runs[-1].result) == ("deletion", "gone")
    world.create()
    world.reach(State.READY)
    again = journal_of([Sight.of(step) for step in world.steps])
    assert [run.result for run in again.runs] == ["succeeded"]


def test_the_journal_is_bounded() -> None:
    """In runs, and in the states of one run that goes round; what is left out is counted."""
    found = journal_of([Sight.of(step) for step in installed().steps])
    for number in range(200):
        dest = "Applying" if number % 2 else "HealthChecking"
        found = found.moved(move("", dest, number))
    assert len(found.runs[-1].visits) == VISITS
    assert found.runs[-1].missed == 206 - VISITS
    for number in range(200, 300):
        found = found.moved(move("Ready", "Applying", number, begins=True))
    assert len(found.runs) == RUNS


def move(source: str, dest: str, second: int, *, begins: bool = False) -> Move:
    """A transition at a second."""
    tick = timedelta(seconds=1000 + second)
    return Move(source=source, event="X", dest=dest, at=NOW + tick, tick=tick, begins=begins)


def follow(*states: str) -> Journal:
    """The journal of a status that shows these states, one each second; `-` is no instance."""
    found = Journal()
    for second, state in enumerate(states):
        tick = timedelta(seconds=second)
        uid = "" if state == "-" else "1"
        found = glance(found, TABLE, uid=uid, state=state, at=NOW + tick, tick=tick)
    return found


def test_a_status_is_followed_run_by_run() -> None:
    """A run begins where a state that rests is left for one that works."""
    first, second = follow("Pending", "Applying", "Applying", "Ready", "", "Pending", "Failed").runs
    assert [visit.state for visit in first.visits] == ["Pending", "Applying", "Ready"]
    assert [visit.seconds for visit in first.visits] == [1.0, 2.0, 2.0]
    assert (first.trigger, first.result, first.seconds) == ("", "succeeded", 3.0)
    assert ([visit.state for visit in second.visits], second.result) == (
        ["Pending", "Failed"], "failed",
    )  # fmt: skip


def test_a_status_that_ends_is_followed_to_the_end() -> None:
    """And another instance begins again."""
    gone = follow("Ready", "Uninstalling", "-", "-")
    assert [run.result for run in gone.runs] == ["", "gone"]
    assert len(follow("Ready", "Uninstalling", "-", "Pending").runs) == 1


def test_nothing_is_followed_without_a_state() -> None:
    """An operator that writes none, and no instance at all."""
    assert follow("-", "-") == Journal()
    assert follow("", "") == Journal()


def test_a_standby_that_takes_over_begins_a_run_and_keeps_what_it_saw() -> None:
    """Its machine starts at the beginning, whatever the status says."""
    world = installed()
    sights = [Sight.of(step) for step in world.steps]
    before = glance(Journal(), TABLE, uid=sights[0].uid, state="Ready", at=NOW, tick=timedelta(0))
    for sight in sights:
        before = before.after(sight)
    assert [run.trigger for run in before.runs] == ["", "start"]
