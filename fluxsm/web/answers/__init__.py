# SPDX-License-Identifier: Apache-2.0
"""The answers of the JSON API, from which the page is made too.

The OpenAPI document is generated from these classes (tools/openapi.py). Times are absolute, so an
answer about an instance at rest stays the same, and with it its ETag. Names are written in
camelCase; what is not known is null.
"""

from __future__ import annotations

from fluxsm.web.answers.instance import (
    Awaited,
    Blocked,
    Component,
    Condition,
    Conflict,
    InstanceAnswer,
    Managed,
    Operator,
    Revisions,
    Timer,
    Waiting,
)
from fluxsm.web.answers.machine import MachineAnswer, Passage, RowAnswer, StateAnswer
from fluxsm.web.answers.past import (
    Configuration,
    ErrorAnswer,
    EventAnswer,
    EventsAnswer,
    HistoryAnswer,
    RunAnswer,
    VisitAnswer,
)

__all__ = [
    "Awaited",
    "Blocked",
    "Component",
    "Condition",
    "Configuration",
    "Conflict",
    "ErrorAnswer",
    "EventAnswer",
    "EventsAnswer",
    "HistoryAnswer",
    "InstanceAnswer",
    "MachineAnswer",
    "Managed",
    "Operator",
    "Passage",
    "Revisions",
    "RowAnswer",
    "RunAnswer",
    "StateAnswer",
    "Timer",
    "VisitAnswer",
    "Waiting",
]
