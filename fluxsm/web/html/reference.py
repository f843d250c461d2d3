# SPDX-License-Identifier: Apache-2.0
"""The page that explains every state, condition and reason, from what the program is made of."""

from __future__ import annotations

from fluxsm.api import glossary
from fluxsm.machine.graph import GONE, kind
from fluxsm.machine.table import Row, StateDef, Table, guard_words
from fluxsm.web.html.builder import Html, el
from fluxsm.web.html.words import facts, state, table


def reference(found: Table) -> Html:
    """The content of the page."""
    states = [_state(found, definition) for definition in found.states.values()]
    types = [(name, words) for name, words in glossary.CONDITIONS.items()]
    return Html(
        el("h2", "States", id="states")
        + "".join(states)
        + el("h2", "Conditions", id="conditions")
        + table("conditions", ("Type", "Meaning"), types)
        + el("h2", "Reasons", id="reasons")
        + "".join(_reason(name, words) for name, words in glossary.REASONS.items())
    )


def _state(found: Table, definition: StateDef) -> Html:
    name = definition.state.value
    rows = sorted(found.leaving(definition.state), key=lambda row: not row.moves)
    lines = [(row.event.value, _when(row), _dest(found, row)) for row in rows]
    return el(
        "section",
        el("h3", state(name, kind(found, definition.state).value), id=f"state-{name}"),
        el("p", definition.meaning),
        facts(("Limit or timer", definition.timers), ("What to do", definition.advice)),
        table(f"events in {name}", ("Event", "When", "Goes to"), lines),
        class_="card",
    )


def _when(row: Row) -> str:
    guard = guard_words(row.guard) if row.guard else ""
    return f"{row.event.words}, and {guard}" if guard else row.event.words


def _dest(found: Table, row: Row) -> str | Html:
    if row.dest is None:
        return GONE
    return state(row.dest.value, kind(found, row.dest).value) if row.moves else "stays"


def _reason(name: str, words: str) -> Html:
    remedy = glossary.REMEDIES.get(name, "")
    return el(
        "section",
        el("h3", name, id=f"reason-{name}"),
        el("p", words),
        el("p", f"What to do: {remedy}") if remedy else None,
        class_="card",
    )
