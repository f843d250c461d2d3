# SPDX-License-Identifier: Apache-2.0
"""The lifecycles that come with the package go as they say, and scenarios are read carefully."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluxsm.cli.simulate import command
from fluxsm.errors import UsageError
from fluxsm.machine.engine import Engine
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Row
from fluxsm.simulation import world as simulated
from fluxsm.simulation.lifecycles import lifecycle, lifecycles
from fluxsm.simulation.player import ExpectationError, play, stage
from fluxsm.simulation.scenario import load
from fluxsm.simulation.world import NAMESPACE, World, WorldError
from states.behaviour import BEHAVIOUR
from states.table import TABLE

LIFECYCLES = lifecycles()


def world(change: Callable[[Row], Row | None] = lambda row: row) -> World:
    """A world whose table is the real one after a change of its rows."""
    rows = tuple(new for row in TABLE.rows if (new := change(row)) is not None)
    return stage(replace(BEHAVIOUR, engine=Engine(replace(TABLE, rows=rows))))


@pytest.mark.parametrize("scenario", LIFECYCLES, ids=lambda scenario: scenario.name)
def test_a_lifecycle_goes_as_it_says(scenario: object) -> None:
    """Its expectations hold, and nothing is written that is not recorded."""
    play(scenario, stage())  # type: ignore[arg-type]


def test_the_lifecycles_see_every_state() -> None:
    """What no lifecycle ever shows could be broken unseen."""
    seen = set()
    for scenario in LIFECYCLES:
        world = stage()
        play(scenario, world)
        seen |= {moment.step.row.dest for moment in world.moments if moment.step}
    assert seen == {*State, None}


def test_a_lifecycle_that_goes_wrong_is_reported() -> None:
    """With the place in the story and what came instead."""

    def change(row: Row) -> Row:
        drifted = (row.source, row.event) == (State.READY, Event.DRIFTED)
        return replace(row, dest=State.PENDING) if drifted else row

    with pytest.raises(ExpectationError, match=r"drift: story\[2\]: came by"):
        play(lifecycle("drift"), world(change))


def test_going_round_in_circles_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of never coming back."""
    monkeypatch.setattr(simulated, "MAX_TURNS", 200)

    def change(row: Row) -> Row:
        applied = (row.source, row.event) == (State.APPLYING, Event.APPLIED)
        return replace(row, dest=State.APPLYING) if applied else row

    with pytest.raises(WorldError, match="round in circles in Applying"):
        play(lifecycle("install"), world(change))


def test_writing_what_is_not_recorded_is_reported() -> None:
    """The write-ahead of the inventory is watched in every simulation."""
    world = stage()
    item = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "stray", "namespace": NAMESPACE},
        "data": {},
    }
    pending = BEHAVIOUR.handlers[State.PENDING]

    def careless(observed: object, ports: object) -> object:
        world.cluster.apply_all([item])
        return pending(observed, ports)  # type: ignore[arg-type]

    handlers = {**BEHAVIOUR.handlers, State.PENDING: careless}
    world.behaviour = replace(BEHAVIOUR, handlers=handlers)  # type: ignore[arg-type]
    world.boot()
    with pytest.raises(
        WorldError, match="ConfigMap/flux-system/stray was written before it was recorded"
    ):
        play(lifecycle("install"), world)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("story: [dance]", "story[0] is not one of wait, edit", id="an unknown action"),
        pytest.param("story: [{a: 1, b: 2}]", "story[0] is not one of", id="two in one"),
        pytest.param("story: {}\nplot: []", "plot is not a part", id="an unknown part"),
        pytest.param("story: later", "story is not a list", id="no list"),
        pytest.param("- a", "document 1 is not a mapping", id="no mapping"),
        pytest.param("a: 1\n---\nb: 2", "one YAML document, not 2", id="two documents"),
        pytest.param("story: [", "bad", id="no YAML"),
        pytest.param(
            "spec: {distribution: {version: 2.x}}",
            ".spec.distribution.registry is required",
            id="a spec that the API refuses",
        ),
    ],
)
def test_a_scenario_that_is_none_is_refused(text: str, words: str) -> None:
    """With its name and the place."""
    with pytest.raises(UsageError) as caught:
        load(text, "bad")
    assert words in str(caught.value)
    assert "bad" in str(caught.value)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("wait: soon", "'soon' is not a duration"),
        ("edit: {cluster: {type: nomad}}", ".spec.cluster.type is 'nomad'"),
        ("fail: {call: everything}", "everything is not one of get, list"),
        ("fail: {}", "makes no sense"),
        ("fail: {call: get, error: Teapot}", "Teapot is not one of Conflict"),
        ("forbid: {verbs: [dance], kinds: [Pod]}", "dance is not one of get, list"),
        ("clock: {kitchen: 1h}", "kitchen is not one of operator, server"),
        ("offer: [v1.0.0]", "version v1.0.0 is not simulated"),
        ("remove: Deployment/nothing", "there is no such object"),
    ],
)
def test_an_action_that_makes_no_sense_is_refused(action: str, words: str) -> None:
    """With its place in the story."""
    with pytest.raises(UsageError) as caught:
        play(load(f"story: [{{{action}}}]", "bad"), stage())
    assert "bad: story[0]" in str(caught.value)
    assert words in str(caught.value)


def played(story: str) -> World:
    """The world after a scenario."""
    world = stage()
    play(load(f"story: {story}", "mine"), world)
    return world


def test_a_fault_of_a_scenario_is_one_of_a_kind() -> None:
    """It is answered with the error that was asked for, on the kind that was asked for."""
    world = played(
        "[fail: {call: apply, kinds: [Deployment], error: Forbidden, says: no such luck},"
        " edit: {cluster: {size: small}}, expect: Failed]"
    )
    assert "no such luck" in world.message
    asked = world.cluster.gate.log
    failed = {request.kind.kind for request in asked if request.verb == "apply"}
    assert {"Deployment", "Namespace"} < failed


def test_a_scenario_may_lose_the_answer_only() -> None:
    """The request had its effect."""
    world = played(
        "[fail: {call: delete, kinds: [Service], after: true, times: 1}, delete, wait: 1m,"
        " expect: Gone]"
    )
    assert world.read() is None


def test_a_scenario_may_forbid_and_allow_again() -> None:
    """With the message of RBAC, until `clear`."""
    world = played(
        "[forbid: {verbs: [apply], kinds: [Deployment]}, edit: {cluster: {size: small}},"
        " expect: Failed, clear, wait: 15m, expect: Ready]"
    )
    events = [moment.event.message for moment in world.moments if moment.event]
    assert any("cannot apply resource 'Deployment'" in message for message in events)


def test_a_scenario_may_set_clocks_and_let_pods_linger() -> None:
    """The world does what the scenario says."""
    world = played("[clock: {operator: -24h, server: 1m}, linger: 10s]")
    assert world.clock.offset == timedelta(hours=-24)
    assert world.server_clock.offset == timedelta(minutes=1)
    assert world.controllers.pods.termination == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("Failed", "in Ready, not in Failed"),
        ("{path: [Ready]}", "not by ['Ready']"),
        ("{conditions: {Stalled: 'True'}}", "Stalled is absent, not True"),
        ("{events: [DriftDetected]}", "no event DriftDetected, only Progressing"),
    ],
)
def test_an_expectation_that_does_not_come_true_is_reported(expected: str, words: str) -> None:
    """With what came instead."""
    with pytest.raises(ExpectationError) as caught:
        play(load(f"story: [{{expect: {expected}}}]", "hope"), stage())
    assert words in str(caught.value)


def test_the_command_tells_the_story() -> None:
    """Actions, transitions with their reasons, events, and how it ends."""
    done = CliRunner().invoke(command, ["drift"])
    assert done.exit_code == 0
    assert "► remove Deployment/source-controller" in done.output
    assert "Ready → Applying" in done.output
    assert "event Warning DriftDetected" in done.output
    assert done.output.rstrip().splitlines()[-2] == "The instance is in Ready."


def test_the_command_reads_a_file_and_standard_input(tmp_path: Path) -> None:
    """A scenario of one's own; one that is not as expected ends with 1."""
    runner = CliRunner()
    mine = tmp_path / "mine.yaml"
    mine.write_text("story: [{expect: Failed}]")
    done = runner.invoke(command, [str(mine)])
    assert done.exit_code == 1
    assert "mine.yaml: story[0]: in Ready, not in Failed" in done.output
    assert runner.invoke(command, ["-"], input="story: [delete]").exit_code == 0


def test_the_command_lists_the_lifecycles() -> None:
    """Name and first line of each."""
    done = CliRunner().invoke(command, ["--list"])
    assert [line.split()[0] for line in done.output.splitlines()] == [
        item.name for item in LIFECYCLES
    ]


@pytest.mark.parametrize(
    ("args", "words"),
    [(["nothing"], "is neither a file nor one of"), ([], "say which scenario to play")],
)
def test_the_command_says_what_is_missing(args: list[str], words: str) -> None:
    """As an error for people."""
    done = CliRunner().invoke(command, args)
    assert isinstance(done.exception, UsageError)
    assert words in str(done.exception)


def test_the_log_is_as_it_was_after_a_simulation() -> None:
    """The command only switches it off while it plays."""
    log = logging.getLogger("fluxsm")
    before = log.level
    assert CliRunner().invoke(command, ["drift"]).exit_code == 0
    assert log.level == before != logging.CRITICAL
