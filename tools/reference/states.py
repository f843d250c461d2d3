# SPDX-License-Identifier: Apache-2.0
"""The page about the states, and their picture."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from fluxsm.machine.events import Event
from fluxsm.machine.graph import around, condensed, overview, short_guard
from fluxsm.machine.render import markdown, mermaid, svg
from fluxsm.machine.states import State
from fluxsm.machine.table import guard_words
from states.behaviour import BEHAVIOUR
from states.table import TABLE
from tools.reference.conditions import of_state

_INTRO = """# States

A FluxInstance is always in one of these states; `kubectl get fluxinstance -o wide` shows which.
Every transition is a row of [states/table.py](../../states/table.py), from which this page is made.

## The way to Ready

When nothing fails and nobody interferes. Colours say what a state means, here and below: the
picture of the whole machine lists them.

"""
_FULL = """
## The whole machine

States that do the same are drawn as one; events that leave a state where it is are left out, and
listed below. What is written in brackets must hold: see [guards](#guards).

![The state machine](states.svg)

The same as Mermaid:

"""


def page() -> str:
    """The page."""
    text = _INTRO + _fence(mermaid.render(overview(TABLE), legend=False))
    text += _FULL + _fence(mermaid.render(condensed(TABLE)))
    text += "\n## Guards\n\n" + _guards()
    return text + "".join(_state(state) for state in TABLE.states)


def picture() -> str:
    """The SVG."""
    return svg.render(condensed(TABLE))


def _fence(text: str) -> str:
    return f"```mermaid\n{text}```\n"


def _guards() -> str:
    guards = dict.fromkeys(row.guard for row in TABLE.rows if row.guard)
    lines = [(short_guard(guard), guard_words(guard)) for guard in guards]
    return markdown.table(("Guard", "Holds when"), lines)


def _state(state: State) -> str:
    definition = TABLE.states[state]
    return (
        "\n".join(
            [
                f"\n## {state}\n",
                f"{definition.meaning}\n",
                _fence(mermaid.render(around(TABLE, state), direction="LR", legend=False)),
                f"* **What it does.** {_does(state)}",
                f"* **Conditions.** {of_state(definition)}",
                f"* **Timers.** {definition.timers}",
                f"* **What to do.** {definition.advice}\n",
                markdown.table(("Event", "When", "Goes to"), _leaving(state)),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _does(state: State) -> str:
    """The first line of the handler's own description."""
    return (inspect.getdoc(BEHAVIOUR.handlers[state]) or "").splitlines()[0]


def _leaving(state: State) -> Iterator[tuple[str, str, str]]:
    """The rows of a state: those that lead away first."""
    rows = sorted(TABLE.leaving(state), key=lambda row: row.dest is row.source)
    for row in rows:
        dest = "stays" if row.dest is row.source else str(row.dest or "its end")
        yield row.event.value, _when(row.event, guard_words(row.guard)), dest


def _when(event: Event, guard: str) -> str:
    words = EVENTS[event]
    return words if guard == "always" else f"{words}, and {guard}"


EVENTS = {
    Event.STARTED: "the finalizer is in place",
    Event.FETCHED: "the distribution is at hand",
    Event.BUILT: "the objects are built",
    Event.RECORDED: "the inventory lists what is about to be written",
    Event.APPLIED: "everything is applied, and what is stale removed",
    Event.MIGRATED: "nothing is left to be rewritten",
    Event.HEALTHY: "everything is healthy, or nobody waits for it",
    Event.WAITING: "something is not done yet",
    Event.BLOCKED: "an upgrade that nobody asked for cannot be fetched or built",
    Event.FAULT: "something failed",
    Event.DUE: "the timer of the state has run out",
    Event.DRIFTED: "somebody else changed or deleted a managed object",
    Event.NEW_ARTIFACT: "the artifact has another digest",
    Event.UNINSTALLED: "the finalizer is gone",
    Event.DELETED: "somebody deletes the instance",
    Event.SUSPENDED: "the annotation disables the instance",
    Event.RESUMED: "the annotation enables the instance again",
    Event.CHANGED: "the spec or an annotation has changed",
    Event.EXPIRED: "the time limit of the wait has passed",
}
"""What happened, in words."""
