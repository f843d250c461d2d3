# SPDX-License-Identifier: Apache-2.0
"""The machine as a graph to be drawn: what every renderer starts from.

`extract` reads a table; the views leave something out so that a picture can be read. Rows that
lead from many states to the same place are drawn once, from a node that stands for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from fluxsm.machine.events import FAULTS, SIGNALS
from fluxsm.machine.explore import reachable, shortest_path
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, StateDef, Table, guard_name, guard_words

GONE = "Gone"
"""The name of the end: the object does not exist any more."""


class Role(Enum):
    """What a node is in the picture."""

    MAIN = "main"
    """On the shortest way from the beginning to the goal."""

    SIDE = "side"
    """On another way to the goal."""

    REST = "rest"
    """Reached only by a fault or a signal."""

    MANY = "many"
    """Stands for several states."""

    END = "end"
    """The object is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node.

    Attributes:
        name: the state, a text for several states, or `GONE`.
        role: where it belongs in the picture.
        definition: of the state, None for other nodes.
    """

    name: str
    role: Role
    definition: StateDef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """All rows between two nodes that are written beside one arrow.

    Attributes:
        source: name of a node.
        dest: name of a node.
        labels: what each row says: the event, and its guard in words.
    """

    source: str
    dest: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes in reading order, and edges in the order of the table.

    Attributes:
        nodes: all nodes.
        edges: all edges.
        initial: the name of the node in which everything begins; empty where it is left out.
        rows: the rows that are drawn, for renderers that write them out.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    initial: str
    rows: tuple[Row, ...]

    def node(self, name: str) -> Node:
        """The node of a name."""
        return next(node for node in self.nodes if node.name == name)


def extract(table: Table) -> Graph:
    """The whole table, row for row."""
    return _graph(table, [(row.source.value, row) for row in table.rows])


def overview(table: Table) -> Graph:
    """The way to the goal when nothing fails and nobody interferes."""
    on_the_way = reachable(table.initial, [row for row in table.rows if _is_calm(row)])
    rows = [
        row
        for row in table.rows
        if _is_calm(row) and row.dest is not row.source and row.source in on_the_way
    ]
    rows = [row for row in rows if row.source is not table.goal]
    return _graph(table, [(row.source.value, row) for row in rows])


def condensed(table: Table) -> Graph:
    """Every row that leads somewhere else; many states that do the same are drawn as one."""
    return _graph(table, _lifted(table, [row for row in table.rows if row.dest is not row.source]))


def around(table: Table, state: State) -> Graph:
    """One state, the rows that enter it and the rows that leave it."""
    moves = [row for row in table.rows if row.dest is not row.source]
    leaving = [(state.value, row) for row in moves if row.source is state]
    entering = _lifted(table, [row for row in moves if row.dest is state])
    return _graph(table, [*entering, *leaving], initial=state is table.initial, brief=False)


def _lifted(table: Table, rows: Iterable[Row]) -> list[tuple[str, Row]]:
    """Rows with the name of the node that they are drawn from."""
    found: list[tuple[str, Row]] = []
    for row in rows:
        alike = _alike(table, row)
        source = row.source.value if len(alike) < _MANY else _name(table, alike, row.dest)
        if not any(name == source and _same(row, other) for name, other in found):
            found.append((source, row))
    return found


_MANY = 4
"""States that do the same from which on they are drawn as one."""


def _same(row: Row, other: Row) -> bool:
    return (row.event, row.dest, row.guard) == (other.event, other.dest, other.guard)


def _alike(table: Table, row: Row) -> list[State]:
    """The other states whose row for the same event leads to the same place, in reading order."""
    sources = {other.source for other in table.rows if _same(row, other)} - {row.dest}
    return [state for state in table.states if state in sources]


def _name(table: Table, states: Iterable[State], dest: State | None) -> str:
    """Several states in words, by what they are or by what they are not."""
    chosen = list(states)
    others = [state for state in table.states if state not in chosen and state is not dest]
    if set(chosen) | {dest} == _working(table) | {dest}:
        return "any working state"
    if not others:
        return "any other state"
    if len(others) < len(chosen):
        return f"any other state but {_listed(others)}"
    return _listed(chosen)


def _listed(states: Iterable[State]) -> str:
    names = [state.value for state in states]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _working(table: Table) -> set[State]:
    """The states in which something is on its way to the goal."""
    return {
        state
        for state, definition in table.states.items()
        if definition.moving and table.goal in reachable(state, table.rows)
    }


def _is_calm(row: Row) -> bool:
    return row.event not in FAULTS | SIGNALS


def _graph(
    table: Table, drawn: Iterable[tuple[str, Row]], *, initial: bool = True, brief: bool = True
) -> Graph:
    pairs = list(drawn)
    labels: dict[tuple[str, str], list[str]] = {}
    for source, row in pairs:
        dest = row.dest.value if row.dest else GONE
        labels.setdefault((source, dest), []).append(_label(row, brief=brief))
    edges = tuple(
        Edge(source=source, dest=dest, labels=tuple(texts))
        for (source, dest), texts in labels.items()
    )
    used = {name for edge in edges for name in (edge.source, edge.dest)}
    nodes = [node for node in _state_nodes(table) if node.name in used]
    known = {node.name for node in nodes} | {GONE}
    many = dict.fromkeys(edge.source for edge in edges if edge.source not in known)
    nodes += [Node(name=name, role=Role.MANY) for name in many]
    if GONE in used:
        nodes.append(Node(name=GONE, role=Role.END))
    return Graph(
        nodes=tuple(nodes),
        edges=edges,
        initial=table.initial.value if initial else "",
        rows=tuple(row for _, row in pairs),
    )


def _label(row: Row, *, brief: bool) -> str:
    """The event, and the guard: as a sentence, or in a large picture as its name."""
    if row.guard is None:
        return row.event.value
    guard = guard_name(row.guard).replace("_", " ") if brief else guard_words(row.guard)
    return f"{row.event.value} [{guard}]"


def _state_nodes(table: Table) -> list[Node]:
    calm = [row for row in table.rows if _is_calm(row)]
    straight = shortest_path(table.initial, table.goal, [row for row in calm if row.guard is None])
    main = {table.initial, table.goal} | {row.dest for row in straight or ()}
    sides = reachable(table.initial, calm)
    return [
        Node(name=state.value, role=_role(state, main, sides), definition=definition)
        for state, definition in table.states.items()
    ]


def _role(state: State, main: set[State | None], sides: set[State | None]) -> Role:
    if state in main:
        return Role.MAIN
    return Role.SIDE if state in sides else Role.REST


def main_way(graph: Graph) -> list[Node]:
    """The nodes of the main way, each after the one that leads to it; none without a beginning."""
    nodes = {node.name: node for node in graph.nodes if node.role is Role.MAIN}
    found = [nodes[graph.initial]] if graph.initial else []
    while found:
        ahead = [edge.dest for edge in graph.edges if edge.source == found[-1].name]
        fresh = [name for name in ahead if name in nodes and nodes[name] not in found]
        if not fresh:
            break
        found.append(nodes[fresh[0]])
    return found
