# SPDX-License-Identifier: Apache-2.0
"""The page about conditions and reasons; what a state shows is asked of the projection itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from fluxsm.api import glossary, names
from fluxsm.api.instance import parse_instance
from fluxsm.core.memory import Failure, Run, Trigger
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
    reasons = markdown.table(("Reason", "Meaning"), glossary.REASONS.items())
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

Of conditions and of events.

"""


def of_state(definition: StateDef) -> str:
    """What the conditions can be in a state, as text."""
    if definition.ready == "kept":
        return "as they were; a new instance is Ready=True (ReconciliationDisabled)"
    return "; or ".join(dict.fromkeys(_shown(definition)))


def _shown(definition: StateDef) -> Iterator[str]:
    for run in _runs(definition):
        row = Row(State.PENDING, Event.STARTED, definition.state)
        if definition.state is State.PENDING:
            row = Row(State.READY, Event.CHANGED, definition.state)
        spec = {"distribution": {"version": "2.x", "registry": "r"}}
        manifest = {"metadata": {"generation": 1}, "spec": spec}
        instance = parse_instance(manifest)
        status = project(manifest, instance, row, definition, run, "", _NOW)
        yield ", ".join(
            f"{item['type']}={item['status']} ({item['reason']})" for item in status["conditions"]
        )


def _runs(definition: StateDef) -> Iterator[Run]:
    """Runs that differ in what a state shows of them."""
    plain = Run(trigger=Trigger.CHANGE, started=_NOW, generation=1, annotations={})
    if definition.ready != "False":
        yield plain
    if definition.ready == "True":
        for reason, cure in _FAILURES[:2]:
            failure = Failure(reason=reason, message="", cure=cure)
            yield Run(
                trigger=Trigger.TIMER, started=_NOW, generation=1, annotations={}, blocked=failure
            )
    if definition.ready == "False":
        for reason, cure in _FAILURES:
            failure = Failure(reason=reason, message="", cure=cure)
            yield Run(
                trigger=Trigger.CHANGE, started=_NOW, generation=1, annotations={}, failure=failure
            )
