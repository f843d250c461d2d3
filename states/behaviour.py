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
        State.PENDING: pending.run,
        State.FETCHING_ARTIFACT: fetching_artifact.run,
        State.BUILDING: building.run,
        State.APPLYING: applying.run,
        State.MIGRATING: migrating.run,
        State.HEALTH_CHECKING: health_checking.run,
        State.READY: ready.run,
        State.FAILED: failed.run,
        State.SUSPENDED: suspended.run,
        State.UNINSTALLING: uninstalling.run,
    },
    report=events_of,
)
