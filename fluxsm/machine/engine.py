# SPDX-License-Identifier: Apache-2.0
"""Take one row of a table, with the `transitions` library as the engine.

The only importer of `transitions`. Its machine is set to make no transitions of its own, each
guard is made to return a real bool, and no work happens in callbacks: they only remember which
row was taken, because an exception in a callback would leave the new state set.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, cast

from transitions import EventData, Machine

from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Guard, Row, Table

_GONE = "(gone)"

# The library logs every callback at INFO; the operator logs one line per transition itself.
logging.getLogger("transitions").setLevel(logging.WARNING)


class NoRowError(Exception):
    """The table has no row for the event: a handler broke its contract."""


class _Position:
    """The model that the library moves: a state, and the row that was taken."""

    state: str
    taken: Row | None = None


class Engine:
    """Advances a state by an event. Holds no state between calls, so threads may share it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._machine = Machine(
            model=None,
            states=[*(state.value for state in table.states), _GONE],
            initial=table.initial.value,
            auto_transitions=False,
            send_event=True,
        )
        for row in table.rows:
            self._machine.add_transition(
                trigger=row.event.value,
                source=row.source.value,
                dest=row.dest.value if row.dest else _GONE,
                conditions=[partial(_holds, row.guard)] if row.guard else None,
                before=[partial(_remember, row)],
            )

    def advance(self, state: State, event: Event, observed: object) -> Row:
        """The row that answers an event.

        Args:
            state: where the instance is.
            event: what happened.
            observed: what the guards look at.

        Raises:
            NoRowError: the table does not answer the event in this state.
            TypeError: a guard did not return a bool.
        """
        if not self.table.rows_for(state, event):
            raise NoRowError(f"no row for {event} in {state}")
        position = _Position()
        self._machine.add_model(position, initial=state.value)
        try:
            self._machine.events[event.value].trigger(position, observed=observed)
        finally:
            self._machine.remove_model(position)
        if position.taken is None:
            raise NoRowError(f"no guard holds for {event} in {state}")
        return position.taken


def _holds(guard: Guard, data: EventData) -> bool:
    value: Any = guard(data.kwargs["observed"])
    if not isinstance(value, bool):
        raise TypeError(f"guard {guard!r} returned {value!r}; a guard returns True or False")
    return value


def _remember(row: Row, data: EventData) -> None:
    cast("_Position", data.model).taken = row
