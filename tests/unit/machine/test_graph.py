# SPDX-License-Identifier: Apache-2.0
"""What is drawn of the machine, and what is left out so that it can be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fluxsm.machine.events import Event
from fluxsm.machine.graph import (
    GONE,
    Graph,
    Kind,
    Role,
    around,
    condensed,
    extract,
    highlight,
    kind,
    overview,
)
from fluxsm.machine.states import State
from states.table import TABLE


def arrows(graph: Graph) -> set[tuple[str, str]]:
    """Source and destination of every edge."""
    return {(edge.source, edge.dest) for edge in graph.edges}


def test_the_whole_table_is_extracted() -> None:
    """Every state and every row, in their order."""
    graph = extract(TABLE)
    assert graph.rows == TABLE.rows
    assert [node.name for node in graph.nodes] == [*(state.value for state in State), GONE]
    assert sum(len(edge.labels) for edge in graph.edges) == len(TABLE.rows)


def test_the_overview_is_the_way_to_ready() -> None:
    """No fault, no signal, nothing after Ready."""
    graph = overview(TABLE)
    assert {node.name for node in graph.nodes} == {
        "Pending",
        "FetchingArtifact",
        "Building",
        "Applying",
        "Migrating",
        "HealthChecking",
        "Ready",
    }
    assert not any(edge.source == "Ready" for edge in graph.edges)


def test_the_main_way_is_the_one_without_guards() -> None:
    """What stands in the middle of the picture."""
    assert condensed(TABLE).main == (
        "Pending",
        "FetchingArtifact",
        "Building",
        "Applying",
        "HealthChecking",
        "Ready",
    )


def test_guards_are_on_the_main_way_only_where_there_is_no_other() -> None:
    """A table in which everything is guarded still has one."""
    guarded = [replace(row, guard=row.guard or (lambda _: True)) for row in TABLE.rows]
    assert condensed(replace(TABLE, rows=tuple(guarded))).main == (
        "Pending",
        "FetchingArtifact",
        "Building",
        "Migrating",
        "Ready",
    )


def test_kinds() -> None:
    """What colours a state has, by its definition and its rows."""
    assert {state: kind(TABLE, state) for state in State} == {
        State.PENDING: Kind.WORKING,
        State.FETCHING_ARTIFACT: Kind.WORKING,
        State.BUILDING: Kind.WORKING,
        State.APPLYING: Kind.WORKING,
        State.MIGRATING: Kind.WORKING,
        State.HEALTH_CHECKING: Kind.WORKING,
        State.READY: Kind.READY,
        State.FAILED: Kind.FAILED,
        State.SUSPENDED: Kind.WAITING,
        State.UNINSTALLING: Kind.LEAVING,
    }


def test_a_state_is_highlighted_without_changing_the_rest() -> None:
    """In its own picture it always is."""
    graph = condensed(TABLE)
    assert graph.current == ""
    assert highlight(graph, State.FAILED) == replace(graph, current="Failed")
    assert around(TABLE, State.FAILED).current == "Failed"


def test_states_that_do_the_same_are_drawn_as_one() -> None:
    """The signals would hide everything else."""
    found = arrows(condensed(TABLE))
    assert ("any other state", "Uninstalling") in found
    assert ("any working state", "Failed") in found
    assert ("any other state but Uninstalling", "Suspended") in found
    assert ("Applying", "Failed") not in found


def test_the_condensed_picture_leaves_out_only_what_stays() -> None:
    """Every row that leads elsewhere is in some arrow."""
    graph = condensed(TABLE)
    drawn = {(row.event, row.dest, row.guard) for row in graph.rows}
    moving = {(row.event, row.dest, row.guard) for row in TABLE.rows if row.dest is not row.source}
    assert drawn == moving


@pytest.mark.parametrize("state", list(State), ids=str)
def test_the_picture_of_a_state_has_all_ways_in_and_out(state: State) -> None:
    """What leaves it is drawn row by row, what enters it may be drawn as one."""
    graph = around(TABLE, state)
    out = {row for row in TABLE.leaving(state) if row.dest is not state}
    assert {row for row in graph.rows if row.source is state} == out
    entering = {
        (row.event, row.guard)
        for row in TABLE.rows
        if row.dest is state and row.source is not state
    }
    assert {(row.event, row.guard) for row in graph.rows if row.dest is state} == entering


def test_labels_say_the_guard_in_few_words() -> None:
    """The table below the picture says it in full."""
    (edge,) = [
        edge
        for edge in around(TABLE, State.BUILDING).edges
        if (edge.source, edge.dest) == ("Building", "Migrating")
    ]
    assert edge.labels == (f"{Event.BUILT} [blocks new crds]",)


def test_roles() -> None:
    """Main way, other ways, what interrupts, and the end."""
    roles = {node.name: node.role for node in condensed(TABLE).nodes}
    assert roles["Applying"] is Role.MAIN
    assert roles["Migrating"] is Role.SIDE
    assert roles["Failed"] is Role.REST
    assert roles["any other state"] is Role.MANY
    assert roles[GONE] is Role.END
