# SPDX-License-Identifier: Apache-2.0
"""A world in which one operator runs: a cluster, a registry, a clock, and whoever interferes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core.ports import KubernetesEvent, Ports
from fluxsm.core.settings import Settings
from fluxsm.core.step import Behaviour, Step
from fluxsm.machine.states import State
from fluxsm.objects.timestamp import format_time
from fluxsm.runtime.reconciler import INSTANCE, Reconciler
from fluxsm.simulation.cluster import MemoryCluster, StoreView
from fluxsm.simulation.faults import Faults
from fluxsm.simulation.registry import Registry
from states.behaviour import BEHAVIOUR

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
REF: Final = ObjectRef(INSTANCE, names.DEFAULT_NAMESPACE, names.SINGLETON)
MAX_TURNS: Final = 60
"""Turns without a rest after which the machine is going round in circles."""


class WorldError(Exception):
    """The machine did what it must never do; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that people could see.

    Attributes:
        at: when, since the beginning.
        step: the step that was taken and saved, or None.
        notice: the event that was recorded, or None.
    """

    at: timedelta
    step: Step | None = None
    notice: KubernetesEvent | None = None


@dataclass(slots=True)
class Time:
    """Implements A `Clock` whose time passes only when it is told to; chance does nothing.

    Attributes:
        elapsed: since the beginning.
    """

    elapsed: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """The time in this world."""
        return BEGIN + self.elapsed

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return self.elapsed.total_seconds()

    def random(self) -> float:
        """The middle, so that jitter is nothing."""
        return 0.5


class World:
    """One operator and everything around it. Nothing happens until `settle` is called.

    Attributes:
        moments: everything that happened, in order.
        faults: what fails.
        cluster: the objects.
        registry: the distributions.
    """

    def __init__(self, behaviour: Behaviour = BEHAVIOUR) -> None:
        self.moments: list[Moment] = []
        self._notices: list[KubernetesEvent] = []
        self.faults = Faults()
        self.cluster = MemoryCluster(self.faults)
        self.registry = Registry(self.faults)
        self._time = Time()
        self._due: timedelta | None = None
        self._behaviour = behaviour
        self.restart()

    # The operator

    @property
    def state(self) -> State | None:
        """Where the machine stands, None without an instance."""
        return self._reconciler.state

    def restart(self) -> None:
        """Start a new operator; what the old one remembered is lost."""
        ports = Ports(
            cluster=self.cluster,
            live=StoreView(self.cluster),
            distributions=self.registry,
            recorder=self,
            metrics=_Unmeasured(),
            clock=self._time,
        )
        self._reconciler = Reconciler(
            instances=self,
            behaviour=self._behaviour,
            ports=ports,
            settings=Settings(supported_minors=self.registry.minors, notifications_disabled=True),
            on_step=self._note,
        )

    def settle(self, within: timedelta = timedelta(0), *, woken: bool = True) -> None:
        """Let everything happen that is due within some time.

        Args:
            within: how much time passes.
            woken: whether something has happened that a watch would tell.

        Raises:
            WorldError: the machine goes round in circles, or wrote what no inventory lists.
        """
        end = self._time.elapsed + within
        if woken:
            self._due = self._time.elapsed
        turns = 0
        while self._due is not None and self._due <= end:
            turns = turns + 1 if self._due <= self._time.elapsed else 0
            if turns > MAX_TURNS:
                raise WorldError(f"it goes round in circles in {self.state}")
            self._time.elapsed = max(self._due, self._time.elapsed)
            delay = self._reconciler.turn()
            self._due = None if delay is None else self._time.elapsed + delay
            if self.cluster.unlisted:
                raise WorldError(f"{self.cluster.unlisted[0]} was written before it was recorded")
        self._time.elapsed = end

    def _note(self, step: Step) -> None:
        at = self._time.elapsed
        self.moments.append(Moment(at=at, step=step))
        self.moments += [Moment(at=at, notice=notice) for notice in self._notices]
        self._notices.clear()

    def record(self, instance: Manifest, notice: KubernetesEvent, *, address: str = "") -> None:  # noqa: ARG002
        """Note an event of the step that is about to be noted; a `fluxsm.core.ports.Recorder`."""
        self._notices.append(notice)

    # The instance

    def current(self) -> Manifest | None:
        """The instance, None when there is none."""
        return copy.deepcopy(self.cluster.objects.get(REF.identity))

    def put(self, manifest: Manifest) -> None:
        """Nothing to note: the store has it already."""

    def refresh(self) -> None:
        """Nothing to read: `current` is what is stored."""

    def apply(self, spec: Mapping[str, Any], annotations: Mapping[str, str]) -> None:
        """Create the instance, or give it another spec and other annotations."""
        old = self.current() or {}
        metadata = {
            **old.get("metadata", {}),
            "name": REF.name,
            "namespace": REF.namespace,
            "annotations": dict(annotations),
        }
        head = {"apiVersion": INSTANCE.api_version, "kind": INSTANCE.kind}
        self.cluster.write({**old, **head, "metadata": metadata, "spec": dict(spec)})

    def delete(self) -> None:
        """Ask for the deletion of the instance."""
        old = self.current()
        if old is None:
            return
        if not old["metadata"].get("finalizers"):
            self.cluster.remove(REF)
            return
        old["metadata"]["deletionTimestamp"] = format_time(self._time.now())
        self.cluster.write(old)


class _Unmeasured:
    """Implements `fluxsm.core.ports.Metrics` for a world in which nobody counts."""

    def transition(self, source: str, event: str, dest: str, seconds: float) -> None:
        pass

    def instance(self, labels: Mapping[str, str] | None) -> None:
        pass

    def drift(self, count: int) -> None:
        pass

    def blocked(self, reason: str) -> None:
        pass
