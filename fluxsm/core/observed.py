# SPDX-License-Identifier: Apache-2.0
"""Everything that a handler, a signal and a guard may look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fluxsm.core.failure import Failure
from fluxsm.core.instance import Instance
from fluxsm.core.memory import Memory, Process, Run, Stay
from fluxsm.core.settings import Settings
from fluxsm.machine.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Where the machine stands, and what is known.

    Attributes:
        instance: the FluxInstance as it was read.
        state: where it stands.
        memory: what is remembered.
        now: the wall clock, for what people read.
        tick: the monotonic clock, for every duration.
        settings: the operator's flags.
        gone: whether the API server has no such instance any more.
        expired: whether the limit of the state has passed.
        failure: for guards, what the event is about when it is a fault.
    """

    instance: Instance
    state: State
    memory: Memory
    now: datetime
    tick: timedelta
    settings: Settings
    gone: bool = False
    expired: bool = False
    failure: Failure | None = None

    @property
    def process(self) -> Process:
        """What the process remembers."""
        return self.memory.process

    @property
    def run(self) -> Run:
        """What this run has found out."""
        return self.memory.run

    @property
    def stay(self) -> Stay:
        """What this stay in the state has needed so far."""
        return self.memory.stay
