# SPDX-License-Identifier: Apache-2.0
"""The page about conditions and reasons; what a state shows is asked of the projection itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fluxsm.api import glossary, names
from fluxsm.core.failure import Failure
from fluxsm.core.instance import Instance
from fluxsm.core.memory import Memory
from fluxsm.core.observed import Observed
from fluxsm.core.runs import start
from fluxsm.core.settings import Settings
from fluxsm.core.status import project
from fluxsm.errors import Cure
from fluxsm.machine.events import Event
from fluxsm.machine.render import markdown
from fluxsm.machine.states import State
from fluxsm.machine.table import Row, StateDef
from states.table import TABLE

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_FAILURES = (
    (names.ARTIFACT_FAILED, Cure.TIME),
    (names.BUILD_FAILED, Cure.CHANGE),
    (names.HEALTH_CHECK_FAILED, Cure.TIME),
    (names.RECONCILIATION_FAILED, Cure.TIME),
)


def page() -> str:
    """The page."""
    types = markdown.table(("Type", "Meaning"), glossary.CONDITIONS.items())
    reasons = markdown.table(
        ("Reason", "Meaning", "What to do"),
        [
            (reason, meaning, glossary.REMEDIES.get(reason, "Nothing."))
            for reason, meaning in glossary.REASONS.items()
        ],
    )
    states = markdown.table(
        ("State", "Conditions"),
        [(state.value, of_state(definition)) for state, definition in TABLE.states.items()],
    )
    return f"{_TYPES}{types}{_REASONS}{reasons}\n## By state\n\n{states}"


_TYPES = """# Conditions

Conditions follow the rules of kstatus: `Reconciling` and `Stalled` exclude each other, and neither
stands beside `Ready=True`. Each carries the `observedGeneration` that it is about.

## Types

"""
_REASONS = """
## Reasons

Of conditions and of events; `fluxsm explain` shows those of an instance.

"""


def of_state(definition: StateDef) -> str:
    """What the conditions can be in a state, as text."""
    if definition.pauses:
        return (
            "as they were, without Reconciling; a new instance is Ready=True"
            " (ReconciliationDisabled), one that was interrupted is Ready=False"
        )
    return "; or ".join(dict.fromkeys(_shown(definition)))


def _shown(definition: StateDef) -> Iterator[str]:
    source = State.READY if definition.state is State.PENDING else State.PENDING
    row = Row(source, Event.STARTED, definition.state)
    spec = {"distribution": {"version": "2.x", "registry": "r"}}
    instance = Instance({"metadata": {"generation": 1}, "spec": spec})
    for memory in _memories(definition, instance):
        seen = Observed(
            instance=instance,
            state=source,
            memory=memory,
            now=_NOW,
            tick=timedelta(0),
            settings=Settings(),
        )
        status = project(seen, row, TABLE.states[source], definition, memory, "")
        yield ", ".join(
            f"{item['type']}={item['status']} ({item['reason']})" for item in status["conditions"]
        )


def _memories(definition: StateDef, instance: Instance) -> Iterator[Memory]:
    """Memories that differ in what a state shows of them."""
    plain = start(instance, timedelta(0))
    failures = [Failure(reason=reason, message="", cure=cure) for reason, cure in _FAILURES]
    if not definition.fails:
        yield plain
    for failure in failures[:2] if definition.succeeds else failures:
        if definition.succeeds:
            yield replace(plain, process=replace(plain.process, blocked=failure))
        elif definition.fails:
            yield replace(plain, run=replace(plain.run, failure=failure))
        else:
            yield replace(plain, run=replace(plain.run, retries=failure))
