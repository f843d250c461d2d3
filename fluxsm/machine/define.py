# SPDX-License-Identifier: Apache-2.0
"""Refuse an unsound table at import, so that no process ever runs one."""

from __future__ import annotations

from collections.abc import Iterable

from fluxsm.machine.laws import violations
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, StateDef, Table


class UnsoundTableError(Exception):
    """The table breaks one of its laws; the message lists every complaint.

    Attributes:
        table: the table, for those who want to know how it breaks them.
    """

    def __init__(self, complaints: Iterable[str], table: Table) -> None:
        super().__init__("the table is unsound:\n- " + "\n- ".join(complaints))
        self.table = table


def define(
    states: Iterable[StateDef],
    groups: Iterable[tuple[Row, ...]],
    *,
    initial: State,
    goal: State,
    paused: State,
    ending: State,
) -> Table:
    """Make a table, or refuse it.

    Args:
        states: what each state means.
        groups: rows, in order of precedence.
        initial: the first state of an instance.
        goal: the state that must be reachable from everywhere once faults stop.
        paused: the state in which nothing is done because somebody wants that.
        ending: the state that a deletion leads to.

    Raises:
        UnsoundTableError: the table breaks a law of `fluxsm.machine.laws`.
    """
    definitions = tuple(states)
    table = Table(
        states={definition.state: definition for definition in definitions},
        rows=tuple(row for group in groups for row in group),
        initial=initial,
        goal=goal,
        paused=paused,
        ending=ending,
    )
    complaints = [violation.text for _, violation in violations(table)]
    if len(table.states) != len(definitions):
        complaints.insert(0, "a state is defined twice")
    if complaints:
        raise UnsoundTableError(complaints, table)
    return table
