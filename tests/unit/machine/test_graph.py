# SPDX-License-Identifier: Apache-2.0
"""What is drawn of the machine, and what is left out so that it can be read."""

from __future__ import annotations

import pytest

from fluxsm.machine.events import Event
from fluxsm.machine.graph import GONE, Graph, Role, around, condensed, extract, main_way, overview
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
    assert [node.name for node in main_way(condensed(TABLE))] == [
        "Pending",
        "FetchingArtifact",
        "Building",
        "Applying",
        "HealthChecking",
        "Ready",
    ]


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


def test_labels_say_the_guard_in_words() -> None:
    """In the small pictures, where there is room."""
    (edge,) = [
        edge
        for edge in around(TABLE, State.BUILDING).edges
        if (edge.source, edge.dest) == ("Building", "Migrating")
    ]
    assert edge.labels == (f"{Event.BUILT} [a version that the new CRDs drop is still stored]",)


def test_roles() -> None:
    """Main way, other ways, what interrupts, and the end."""
    roles = {node.name: node.role for node in condensed(TABLE).nodes}
    assert roles["Applying"] is Role.MAIN
    assert roles["Migrating"] is Role.SIDE
    assert roles["Failed"] is Role.REST
    assert roles["any other state"] is Role.MANY
    assert roles[GONE] is Role.END
