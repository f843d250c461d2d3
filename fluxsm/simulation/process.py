# SPDX-License-Identifier: Apache-2.0
"""One process of the operator: the real reconciler and watches, without threads.

All that is in here is lost with the process. A new one knows nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from fluxsm.adapters.kube.watch import FIRST_PAUSE, LONGEST_PAUSE, Watch
from fluxsm.adapters.kube.watches import LiveObjects, SingletonWatch
from fluxsm.core.ports import Clock, Cluster, Distributions, Metrics, Ports, Recorder
from fluxsm.core.settings import Settings
from fluxsm.core.step import Behaviour, Step
from fluxsm.machine.states import State
from fluxsm.runtime.reconciler import Reconciler

WATCH_AGAIN: Final = timedelta(seconds=5)
"""When a watch that could not be opened is tried again."""


class Process:
    """A running operator that receives events and acts when it is called.

    Attributes:
        disconnected: watches whose news are held back, as a slow connection would.
        woken: whether a watch has reported something since the last turn.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        distributions: Distributions,
        recorder: Recorder,
        metrics: Metrics,
        clock: Clock,
        settings: Settings,
        behaviour: Behaviour,
        on_step: Callable[[Step], None],
    ) -> None:
        self.woken = False
        self.disconnected = False
        self._watches: list[Watch] = []
        self._clock = clock
        self._pauses: dict[int, tuple[float, float]] = {}
        self.live = LiveObjects(cluster, clock, self.wake, begin=self._watches.append)
        self.instances = SingletonWatch(cluster, clock, settings.namespace, self.wake)
        self.ports = Ports(
            cluster=cluster,
            live=self.live,
            distributions=distributions,
            recorder=recorder,
            metrics=metrics,
            clock=clock,
        )
        self._reconciler = Reconciler(
            instances=self.instances,
            behaviour=behaviour,
            ports=self.ports,
            settings=settings,
            on_step=on_step,
        )

    @property
    def state(self) -> State | None:
        """The current state, None without an instance."""
        return self._reconciler.state

    @property
    def watching(self) -> int:
        """How many watches were begun."""
        return len(self._watches)

    def receive(self) -> None:
        """Receive everything that watches have to report."""
        if self.disconnected:
            return
        self.instances.listen()
        for watch in list(self._watches):
            self._listen(watch)

    def _listen(self, watch: Watch) -> None:
        """Let a watch listen, unless it failed a moment ago: then it pauses as real ones do."""
        due, pause = self._pauses.get(id(watch), (0.0, FIRST_PAUSE))
        if self._clock.monotonic() < due:
            return
        watch.listen()
        if not watch.problem:
            self._pauses.pop(id(watch), None)
            return
        longer = min(pause * 2, LONGEST_PAUSE)
        self._pauses[id(watch)] = (self._clock.monotonic() + pause, longer)

    def turn(self) -> timedelta | None:
        """Take one step; without a first list there is none to take."""
        self.woken = False
        if not self.instances.synced:
            return WATCH_AGAIN
        return self._reconciler.turn()

    def wake(self) -> None:
        """Take a step soon."""
        self.woken = True
