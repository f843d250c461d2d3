# SPDX-License-Identifier: Apache-2.0
"""The whole behaviour, put together: the table, signals, handlers and Kubernetes events."""

from __future__ import annotations

from fluxsm.core.kubernetes_events import events_of
from fluxsm.core.step import Behaviour
from fluxsm.machine.engine import Engine
from fluxsm.machine.states import State
from states import (
    applying,
    building,
    failed,
    fetching_artifact,
    health_checking,
    migrating,
    pending,
    ready,
    suspended,
    uninstalling,
)
from states.signals import first_signal
from states.table import TABLE

BEHAVIOUR = Behaviour(
    engine=Engine(TABLE),
    signals=first_signal,
    handlers={
        State.PENDING: pending.handle,
        State.FETCHING_ARTIFACT: fetching_artifact.handle,
        State.BUILDING: building.handle,
        State.APPLYING: applying.handle,
        State.MIGRATING: migrating.handle,
        State.HEALTH_CHECKING: health_checking.handle,
        State.READY: ready.handle,
        State.FAILED: failed.handle,
        State.SUSPENDED: suspended.handle,
        State.UNINSTALLING: uninstalling.handle,
    },
    report=events_of,
)
