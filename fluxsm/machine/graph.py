# SPDX-License-Identifier: Apache-2.0
"""The machine as a graph to be drawn: what every renderer starts from.

`extract` reads a table; the views leave something out so that a picture can be read. Rows that
lead from many states to the same place are drawn once, from a node that stands for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from fluxsm.machine.events import FAULTS, SIGNALS
from fluxsm.machine.explore import reachable, shortest_path
from fluxsm.machine.states import State
from fluxsm.machine.table import Guard, Row, StateDef, Table, guard_name

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


class Kind(Enum):
    """What being in a state means to people: the colour of a node, and its word in a legend."""

    READY = "Ready"
    WORKING = "working"
    WAITING = "waiting"
    FAILED = "failed"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node.

    Attributes:
        name: the state, a text for several states, or `GONE`.
        role: where it belongs in the picture.
        kind: what being there means, None for a node that stands for several states.
        definition: of the state, None for other nodes.
    """

    name: str
    role: Role
    kind: Kind | None = None
    definition: StateDef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """All rows between two nodes that are written beside one arrow.

    Attributes:
        source: name of a node.
        dest: name of a node.
        labels: what each row says: the event, and its guard in brackets.
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
        main: the nodes of the main way that are drawn, in the order in which they are entered.
        rows: the rows that are drawn, for renderers that write them out.
        current: the name of the node to be highlighted; empty where there is none.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    initial: str
    main: tuple[str, ...]
    rows: tuple[Row, ...]
    current: str = ""


def kind(table: Table, state: State) -> Kind:
    """What being in a state means, from its definition and from where its rows lead."""
    definition = table.states[state]
    if state is table.goal:
        return Kind.READY
    if table.goal not in reachable(state, table.rows):
        return Kind.LEAVING
    if definition.ready == "False":
        return Kind.FAILED
    return Kind.WORKING if definition.moving else Kind.WAITING


def kinds(graph: Graph) -> tuple[Kind, ...]:
    """The kinds of the nodes of a graph, in the order of the legend."""
    used = {node.kind for node in graph.nodes}
    return tuple(kind for kind in Kind if kind in used)


def highlight(graph: Graph, state: State) -> Graph:
    """The same graph with one state highlighted."""
    return replace(graph, current=state.value)


def short_guard(guard: Guard) -> str:
    """A guard in the few words that fit beside an arrow."""
    return guard_name(guard).replace("_", " ")


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
    """One state, highlighted, with the rows that enter it and the rows that leave it."""
    moves = [row for row in table.rows if row.dest is not row.source]
    leaving = [(state.value, row) for row in moves if row.source is state]
    entering = _lifted(table, [row for row in moves if row.dest is state])
    graph = _graph(table, [*entering, *leaving], initial=state is table.initial)
    return highlight(graph, state)


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
    """The states in which work towards the goal goes on."""
    return {state for state in table.states if kind(table, state) is Kind.WORKING}


def _is_calm(row: Row) -> bool:
    return row.event not in FAULTS | SIGNALS


def _graph(table: Table, drawn: Iterable[tuple[str, Row]], *, initial: bool = True) -> Graph:
    pairs = list(drawn)
    labels: dict[tuple[str, str], list[str]] = {}
    for source, row in pairs:
        dest = row.dest.value if row.dest else GONE
        labels.setdefault((source, dest), []).append(_label(row))
    edges = tuple(
        Edge(source=source, dest=dest, labels=tuple(texts))
        for (source, dest), texts in labels.items()
    )
    used = {name for edge in edges for name in (edge.source, edge.dest)}
    main = _main_way(table)
    nodes = [node for node in _state_nodes(table, main) if node.name in used]
    known = {node.name for node in nodes} | {GONE}
    many = dict.fromkeys(edge.source for edge in edges if edge.source not in known)
    nodes += [Node(name=name, role=Role.MANY) for name in many]
    if GONE in used:
        nodes.append(Node(name=GONE, role=Role.END, kind=Kind.LEAVING))
    return Graph(
        nodes=tuple(nodes),
        edges=edges,
        initial=table.initial.value if initial else "",
        main=tuple(state.value for state in main if state.value in used),
        rows=tuple(row for _, row in pairs),
    )


def _label(row: Row) -> str:
    """The event, and the guard in brackets."""
    return f"{row.event.value} [{short_guard(row.guard)}]" if row.guard else row.event.value


def _main_way(table: Table) -> list[State]:
    """The shortest way to the goal without faults and signals, and without guards if there is one.

    A row without a guard is what happens where nothing special is so.
    """
    calm = [row for row in table.rows if _is_calm(row)]
    plain = [row for row in calm if row.guard is None]
    way = shortest_path(table.initial, table.goal, plain)
    if way is None:
        way = shortest_path(table.initial, table.goal, calm) or ()
    return [table.initial, *(row.dest for row in way if row.dest)]


def _state_nodes(table: Table, main: Iterable[State]) -> list[Node]:
    calm = [row for row in table.rows if _is_calm(row)]
    sides = reachable(table.initial, calm)
    return [
        Node(
            name=state.value,
            role=_role(state, set(main), sides),
            kind=kind(table, state),
            definition=definition,
        )
        for state, definition in table.states.items()
    ]


def _role(state: State, main: set[State], sides: set[State | None]) -> Role:
    if state in main:
        return Role.MAIN
    return Role.SIDE if state in sides else Role.REST
