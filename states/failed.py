# SPDX-License-Identifier: Apache-2.0
"""Failed: wait for the next try. Every failure is tried again; no state is a dead end.

Secrets are not watched. So while a pull secret may be what is wrong, it is looked at now and then:
whoever corrects it should not have to wait for the end of a long back-off.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from fluxsm.api import names
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.core.progress import SecretSeen
from fluxsm.machine.events import Event
from states.fetching_artifact import secret_version

LOOK: Final = timedelta(seconds=10)
"""How often the pull secret is looked at."""


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Answer Due when the back-off has passed, or when the pull secret has changed."""
    stay, failure = observed.stay, observed.run.failure
    left = (stay.entered if stay.due_at is None else stay.due_at) - observed.tick
    if left <= timedelta(0):
        return Outcome(event=Event.DUE)
    waiting = Outcome(event=Event.WAITING, message=failure.message if failure else "", after=left)
    if failure is None or failure.reason != names.ARTIFACT_FAILED:
        return waiting
    return _watch_secret(observed, ports, waiting)


def _watch_secret(observed: Observed, ports: Ports, waiting: Outcome) -> Outcome:
    version, progress = secret_version(observed, ports.cluster), observed.stay.progress
    if version is None:
        return waiting
    if isinstance(progress, SecretSeen) and progress.version != version:
        return Outcome(event=Event.DUE, message="the pull secret has changed")
    seen = SecretSeen(version=version)
    return replace(waiting, progress=seen, after=min(waiting.after or LOOK, LOOK))
