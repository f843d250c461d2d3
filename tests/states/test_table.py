# SPDX-License-Identifier: Apache-2.0
"""What can be read off the table: interruptions, paths, and that nothing else names a state."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from fluxsm.machine.events import FAULTS, SIGNALS, Event
from fluxsm.machine.explore import reachable, shortest_path
from fluxsm.machine.states import State
from states.table import TABLE

STATES = Path(__file__).resolve().parents[2] / "states"
HANDLERS = sorted(
    path
    for path in STATES.rglob("*.py")
    if path.stem not in {"__init__", "table", "definitions", "signals", "guards", "behaviour"}
)
HAPPY = [
    State.PENDING,
    State.FETCHING_ARTIFACT,
    State.BUILDING,
    State.APPLYING,
    State.HEALTH_CHECKING,
    State.READY,
]


def test_the_way_to_ready_is_the_one_that_is_documented() -> None:
    """Where no guard holds: Pending, fetch, build, apply, check health, Ready."""
    path = shortest_path(
        State.PENDING, State.READY, [r for r in TABLE.rows if r.event not in FAULTS and not r.guard]
    )
    assert path is not None
    assert [path[0].source, *(row.dest for row in path)] == HAPPY


@pytest.mark.parametrize("state", list(State), ids=str)
def test_every_state_answers_every_signal(state: State) -> None:
    """Delete, suspend, resume, a change and a deadline always have an answer."""
    limited = TABLE.states[state].limit is not None
    for signal in SIGNALS if limited else SIGNALS - {Event.EXPIRED}:
        rows = TABLE.rows_for(state, signal)
        assert rows
        assert rows[-1].guard is None


@pytest.mark.parametrize("state", [s for s in State if s is not State.UNINSTALLING], ids=str)
def test_ready_can_be_reached_from_everywhere(state: State) -> None:
    """No state is a dead end once faults stop."""
    calm = [row for row in TABLE.rows if row.event not in FAULTS | {Event.DELETED}]
    assert State.READY in reachable(state, calm)


def test_uninstalling_leads_nowhere_but_to_the_end() -> None:
    """A deleted instance is gone in the end, whatever happens on the way."""
    assert reachable(State.UNINSTALLING, TABLE.rows) == {State.UNINSTALLING, None}


def test_a_blocked_upgrade_never_leads_to_failed() -> None:
    """What nobody asked for does not demote a running Flux."""
    assert State.FAILED not in {row.dest for row in TABLE.rows if row.event is Event.BLOCKED}


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.stem)
def test_no_handler_names_a_state(path: Path) -> None:
    """Only rows name destinations."""
    tree = ast.parse(path.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert "State" not in names | imported


def test_the_table_fits_one_screen() -> None:
    """A reviewer can prove a property by reading one page."""
    assert len((STATES / "table.py").read_text().splitlines()) <= 80


def test_reading_the_table_loads_no_client_library() -> None:
    """The table can be looked at, drawn and simulated without Kubernetes."""
    code = "import states.table, sys; print('kubernetes' in sys.modules, 'oras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


SHARED = sorted(
    path
    for folder in ("core", "report", "runtime", "adapters")
    for path in (STATES.parent / "fluxsm" / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", SHARED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_serves_every_state_names_none(path: Path) -> None:
    """Step, status, events, metrics and report read the definition of a state instead."""
    named = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "State"
    }
    assert named == set()
