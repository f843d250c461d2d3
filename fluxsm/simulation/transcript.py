# SPDX-License-Identifier: Apache-2.0
"""Describe what happened in a simulated world, one line for each thing that people could see."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsm.api import duration
from fluxsm.api.objects import Manifest
from fluxsm.core.ports import KubernetesEvent
from fluxsm.core.step import Step
from fluxsm.machine.events import Event
from fluxsm.machine.table import guard_words
from fluxsm.simulation.player import GONE
from fluxsm.simulation.world import Moment


def describe(moment: Moment, columns: int | None = None) -> str | None:
    """A line about a moment, None for what nobody would see.

    Args:
        moment: what happened.
        columns: after how many columns the line is cut; None never cuts it.
    """
    at = duration.format(moment.at)
    if moment.event is not None:
        return _cut(f"{'':>9}    {_event(moment.event)}", columns)
    step = moment.step
    if step is None or not (step.moved or step.saves or step.row.event is not Event.WAITING):
        return None
    return _cut(f"{at:>9}  {_move(step)}", columns)


def _move(step: Step) -> str:
    row = step.row
    where = f"{row.source} → {row.dest or GONE}" if step.moved else f"{row.source} stays"
    why = f"{row.event}" + (f", {guard_words(row.guard)}" if row.guard else "")
    message = f": {step.outcome.message}" if step.outcome.message else ""
    return f"{where:<33} {why}{message}"


def _event(event: KubernetesEvent) -> str:
    first, *more = event.message.splitlines() or [""]
    rest = f" (and {len(more)} more lines)" if more else ""
    return f"event {event.type} {event.reason}: {first}{rest}"


def _cut(line: str, columns: int | None) -> str:
    return line if columns is None or len(line) <= columns else f"{line[: columns - 1]}…"


def conditions(instance: Manifest | None) -> Iterator[str]:
    """A line for each condition of the instance, never cut: it is what came of everything."""
    status = (instance or {}).get("status") or {}
    for item in status.get("conditions") or []:
        yield f"{item['type']}={item['status']} {item['reason']}: {item['message']}"
