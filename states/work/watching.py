# SPDX-License-Identifier: Apache-2.0
"""Wait until watches of the objects in question have begun, and say what keeps them from it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.errors import NotFoundError
from fluxsm.machine.events import Event
from states.work.serving import read_served

PATIENCE: Final = timedelta(seconds=10)
"""How long watches may take to begin, where the API server can be asked instead."""

_LOOK_AGAIN = timedelta(seconds=1)


def await_watches(kinds: Collection[Kind], ports: Ports) -> Outcome | None:
    """Wait for the first list of each kind; None when all have arrived.

    The message names each kind that the API server does not let us watch, and its reason.
    """
    if ports.live.expect(kinds):
        return None
    problems = ports.live.problems(kinds)
    text = "; ".join(problems[kind] for kind in sorted(problems, key=str))
    message = text or f"Starting to watch {', '.join(sorted(str(kind) for kind in kinds))}"
    return Outcome(event=Event.WAITING, message=message, wait="watches", after=_LOOK_AGAIN)


def is_watched(kind: Kind, ports: Ports) -> bool:
    """Whether the watches know every object of a kind."""
    return ports.live.expect((kind,))


def find(ref: ObjectRef, ports: Ports) -> Manifest | None:
    """An object as the watches know it, or as the API server has it where they do not.

    Raises:
        ClusterError: the API server does not say.
    """
    if is_watched(ref.kind, ports):
        return ports.live.get(ref)
    try:
        return read_served(ref, ports.cluster)[1]
    except NotFoundError:
        return None
