# SPDX-License-Identifier: Apache-2.0
"""What a handler answers: an event, never a state, and what it has found out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fluxsm.api.objects import Manifest
from fluxsm.core.failure import Failure
from fluxsm.core.memory import Process, Run
from fluxsm.core.progress import Progress
from fluxsm.machine.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a look at the world.

    Attributes:
        event: what happened.
        message: what the Ready condition shows while the instance waits; for people.
        process: what the process knows now; None when that did not change.
        run: what the run knows now; None when that did not change.
        progress: how far the handler is; None when that did not change.
        after: look again after this long even if nothing happens; None means at once, unless
            the event is a wait: then only a change wakes the machine.
        wait: a name for what is waited for; with another name, a limit over waits begins again.
        expired: what a run fails with when the limit has passed; made from `message` if empty.
        failure: what is wrong, for a fault.
        taken: what others had done by hand to objects that were applied, a line for each object.
        orphaned: objects that are about to be deleted without what they deployed, a line for each.
        kept: definitions that could not be deleted for the objects that they have, likewise.
        suspended: objects that somebody has suspended since the last look, a line for each.
        manifest: the instance as answered to a write of the handler.
    """

    event: Event
    message: str = ""
    process: Process | None = None
    run: Run | None = None
    progress: Progress | None = None
    after: timedelta | None = None
    wait: str = ""
    expired: str = ""
    failure: Failure | None = None
    manifest: Manifest | None = None
    taken: tuple[str, ...] = ()
    orphaned: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()
