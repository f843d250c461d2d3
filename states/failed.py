# SPDX-License-Identifier: Apache-2.0
"""Failed: wait for the next try. Every failure is tried again; no state is a dead end.

Secrets are not watched. So while a pull secret may be what is wrong, it is looked at now and then:
whoever corrects it should not have to wait for the end of a long back-off.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fluxsm.api import names
from fluxsm.core.ports import Ports
from fluxsm.core.step import Observed, Outcome
from fluxsm.machine.events import Event
from states.fetching_artifact import secret_version
from states.work import timers

_LOOK = timedelta(seconds=5)
"""How often the pull secret is looked at."""

_SECRET = "secret"  # noqa: S105 the name of a note


def run(observed: Observed, ports: Ports) -> Outcome:
    """Answer Due when the back-off has passed, or when the pull secret has changed."""
    due = observed.run.due or timers.next_try(observed, ports.clock.random())
    left = due - observed.now
    if left <= timedelta(0):
        return Outcome(event=Event.DUE)
    failure = observed.run.failure
    waiting = Outcome(event=Event.WAITING, message=failure.message if failure else "", after=left)
    if failure is None or failure.reason != names.ARTIFACT_FAILED:
        return waiting
    return _watch_secret(observed, ports, waiting)


def _watch_secret(observed: Observed, ports: Ports, waiting: Outcome) -> Outcome:
    seen, known = secret_version(observed, ports.cluster), observed.run.notes.get(_SECRET)
    if seen is None:
        return waiting
    if known is not None and seen != known:
        return Outcome(event=Event.DUE, message="the pull secret has changed")
    after = min(waiting.after or _LOOK, _LOOK)
    return replace(waiting, facts={"notes": {_SECRET: seen}}, after=after)
