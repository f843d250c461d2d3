# SPDX-License-Identifier: Apache-2.0
"""The page about events: those that people read, and those that move the machine."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from fluxsm.core.kubernetes_events import RULES
from fluxsm.machine.events import SIGNALS, Event
from fluxsm.machine.render import markdown
from states.table import TABLE


def page() -> str:
    """The page."""
    kubernetes = markdown.table(("Type and reason", "When"), _kubernetes())
    moving = markdown.table(("Event", "What happened", "Comes from"), _moving())
    return f"{_KUBERNETES}{kubernetes}{_MOVING}{moving}"


_KUBERNETES = """# Events

## Kubernetes events

Recorded on the FluxInstance after the status was saved, in this order. A run that nobody asked for
and that changes nothing reports nothing. Failures, changes and blocked upgrades also go to
notification-controller when it is installed. The annotation `fluxcd.controlplane.io/state` of an
event is the state in which the instance was afterwards; `fluxsm history` puts them together.

"""
_MOVING = """
## Events of the machine

What handlers answer, and signals, which may interrupt any state and are looked at first.

"""


def _kubernetes() -> Iterator[tuple[str, str]]:
    """Each rule by the first line of its description, up to the colon and after it."""
    for rule in RULES:
        head, _, when = (inspect.getdoc(rule) or "").splitlines()[0].partition(": ")
        yield head, when


def _moving() -> Iterator[tuple[str, str, str]]:
    for event in Event:
        if event in SIGNALS:
            origin = "a signal"
        else:
            origin = ", ".join(
                state.value
                for state, definition in TABLE.states.items()
                if event in definition.answers
            )
        yield event.value, event.words, origin
