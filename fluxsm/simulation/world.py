# SPDX-License-Identifier: Apache-2.0
"""Everything put together: a cluster with its controllers, a registry, a user, and the operator.

Nothing happens until `settle` or `pass_time` lets requests, watches and time take their course.
After every step the invariants are checked, whatever the world is used for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.crd import instance_crd, report_crd
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import KubernetesEvent
from fluxsm.core.settings import Settings
from fluxsm.core.step import Behaviour, Step
from fluxsm.errors import NotFoundError
from fluxsm.machine.states import State
from fluxsm.objects import inventory
from fluxsm.simulation import invariants
from fluxsm.simulation.activity import Activity
from fluxsm.simulation.api_server import ApiServer
from fluxsm.simulation.clock import OtherClock, VirtualClock
from fluxsm.simulation.controllers import Controllers
from fluxsm.simulation.copies import copy
from fluxsm.simulation.metrics import MetricsLog
from fluxsm.simulation.process import Process
from fluxsm.simulation.recorder import EventLog
from fluxsm.simulation.registry import Registry
from fluxsm.simulation.store import Store
from states.behaviour import BEHAVIOUR

NAMESPACE: Final = names.DEFAULT_NAMESPACE
INSTANCE: Final = ObjectRef(
    Kind(names.GROUP, names.VERSION, names.INSTANCE_KIND), NAMESPACE, names.SINGLETON
)
MAX_TURNS: Final = 2_000
"""Turns without a rest after which the machine goes round in circles, plus one for each second."""

_NOW: Final = timedelta(0)


class WorldError(Exception):
    """The machine did what it must never do; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that people could see.

    Attributes:
        at: when, since the beginning.
        step: the step that was taken and saved, or None.
        event: the event that was recorded, or None.
    """

    at: timedelta
    step: Step | None = None
    event: KubernetesEvent | None = None


class World:
    """A cluster in which an operator may run.

    Attributes:
        clock: of the operator.
        server_clock: of the API server.
        activity: how much the operator asks and says, by the hour.
        moments: everything that happened, in order, of all processes.
    """

    def __init__(self, behaviour: Behaviour = BEHAVIOUR, **settings: Any) -> None:
        self.clock = VirtualClock()
        self.server_clock = OtherClock(self.clock)
        self.activity = Activity(self.clock)
        self.cluster = ApiServer(self.server_clock)
        self.cluster.store = empty_cluster().fork()
        self.cluster.gate.on_request = self.activity.add_request
        self.cluster.on_created = self._check_recorded
        self.controllers = Controllers(self.cluster)
        self.distributions = Registry()
        self.recorder = EventLog()
        self.recorder.on_record = self._on_record
        self.metrics = MetricsLog()
        self.settings = Settings(**settings)
        self.behaviour = behaviour
        self.moments: list[Moment] = []
        self.user = self.cluster.as_manager("kubectl-edit")
        self._pending: list[KubernetesEvent] = []
        self._broken: list[str] = []
        self._due: timedelta | None = None
        self._received: Hashable = None
        self.process = self.boot()

    # The operator

    def boot(self) -> Process:
        """Start a new operator; whatever the old one knew is lost."""
        self._due = None
        self.process = Process(
            cluster=self.cluster,
            distributions=self.distributions,
            recorder=self.recorder,
            metrics=self.metrics,
            clock=self.clock,
            settings=self.settings,
            behaviour=self.behaviour,
            on_step=self._on_step,
        )
        return self.process

    def settle(
        self,
        within: timedelta = timedelta(seconds=10),
        until: Callable[[], bool] = lambda: False,
    ) -> timedelta | None:
        """Take a step, then go on until nothing is due within some time, or until something is so.

        Returns:
            When the operator wants to look again.

        Raises:
            WorldError: it never comes to rest, or an invariant does not hold.
        """
        self._due = self.clock.elapsed
        return self._go_on(within, until)

    def pass_time(self, duration: timedelta) -> None:
        """Let everything happen that is due within some time, no more, until the time is over.

        Raises:
            WorldError: it never comes to rest, or an invariant does not hold.
        """
        end = self.clock.elapsed + duration
        self._go_on(duration, lambda: False)
        self.clock.advance(max(_NOW, end - self.clock.elapsed))

    def reach(self, state: State, within: timedelta = timedelta(seconds=10)) -> None:
        """Go on until the operator is in a state.

        Raises:
            WorldError: it does not get there.
        """
        self.settle(within, until=lambda: self.process.state is state)
        if self.process.state is not state:
            raise WorldError(f"in {self.process.state}, not in {state}: {self.message}")

    def _go_on(self, within: timedelta, until: Callable[[], bool]) -> timedelta | None:
        end = self.clock.elapsed + within
        for _ in range(MAX_TURNS + int(within.total_seconds())):
            self._listen()
            if self.process.woken or (self._due is not None and self._due <= self.clock.elapsed):
                self._turn()
                if until():
                    break
                continue
            moments = [at for at in (self._due, self.controllers.due) if at is not None]
            if not moments or min(moments) > end:
                break
            self.clock.advance(max(_NOW, min(moments) - self.clock.elapsed))
        else:
            raise WorldError(f"it goes round in circles in {self.state}: {self.path[-20:]}")
        return None if self._due is None else self._due - self.clock.elapsed

    def _turn(self) -> None:
        with self.activity.counting_lines():
            delay = self.process.turn()
        self._due = None if delay is None else self.clock.elapsed + delay
        self._listen()
        found = self.cluster.store.get(INSTANCE.identity)
        if found is not None:
            self._broken += invariants.check_saved(found, self.behaviour.engine.table)
        if self._broken:
            raise WorldError("; ".join(self._broken))

    def _listen(self) -> None:
        """Let others do what is due, and the operator know of it."""
        self.controllers.run()
        if self._received is None or self._received != self._news():
            with self.activity.counting_lines():
                self.process.receive()
            self._received = None if self.cluster.gate.faults else self._news()

    def _news(self) -> Hashable:
        """What watches depend on: while it stays the same there is nothing to receive."""
        cluster, process = self.cluster, self.process
        return (
            *(cluster.store.revision, cluster.store.compacted, frozenset(cluster.unserved)),
            *(
                cluster.stutters,
                id(process),
                process.watching,
                process.disconnected,
                self.clock.elapsed,
            ),
        )

    def _on_step(self, step: Step) -> None:
        at = self.clock.elapsed
        self.moments.append(Moment(at=at, step=step))
        self.moments += [Moment(at=at, event=event) for event in self._pending]
        self._pending.clear()
        self._broken += invariants.check_step(step, self.behaviour.engine.table)

    def _on_record(self, event: KubernetesEvent) -> None:
        self._pending.append(event)
        self.activity.add_event(event)

    def _check_recorded(self, manifest: Manifest) -> None:
        """What is written has to be in the saved inventory, or a crash could orphan it."""
        ref = ObjectRef.of(manifest)
        found = self.cluster.store.get(INSTANCE.identity)
        listed = inventory.ids(inventory.of_status(found)) if found else frozenset()
        if inventory.Entry.of(ref).id not in listed:
            self._broken.append(f"{ref} was written before it was recorded")

    # The user

    def create(self, *, annotations: Mapping[str, str] | None = None, **spec: Any) -> Manifest:
        """Create the instance with one small component, unless the spec says otherwise."""
        wanted = {
            "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
            "components": ["source-controller"],
        }
        body: Manifest = {
            "apiVersion": names.API_VERSION,
            "kind": names.INSTANCE_KIND,
            "metadata": {"name": names.SINGLETON, "namespace": NAMESPACE},
            "spec": {**wanted, **spec},
        }
        if annotations:
            body["metadata"]["annotations"] = dict(annotations)
        return self.user.create(copy(body))

    def edit(self, **spec: Any) -> Manifest:
        """Merge fields into the spec."""
        return self.user.patch(INSTANCE, {"spec": spec})

    def annotate(self, annotations: Mapping[str, str | None]) -> Manifest:
        """Set annotations of the instance; None removes one."""
        return self.user.patch(INSTANCE, {"metadata": {"annotations": dict(annotations)}})

    def suspend(self) -> None:
        """Disable the instance."""
        self.annotate({names.RECONCILE: names.DISABLED})

    def resume(self) -> None:
        """Enable the instance."""
        self.annotate({names.RECONCILE: "enabled"})

    def delete(self) -> None:
        """Ask for the deletion of the instance."""
        self.user.delete(INSTANCE)

    # What can be seen

    @property
    def state(self) -> State | None:
        """Where the machine stands, None without an instance."""
        return self.process.state

    @property
    def steps(self) -> list[Step]:
        """Every step that was taken and saved, of all processes."""
        return [moment.step for moment in self.moments if moment.step is not None]

    def read(self) -> Manifest | None:
        """The instance, None when there is none."""
        try:
            return self.user.get(INSTANCE)
        except NotFoundError:
            return None

    def at(self, state: State | None) -> bool:
        """Whether the operator is in a state."""
        return self.process.state is state

    @property
    def status(self) -> Manifest:
        """The saved status."""
        return (self.read() or {}).get("status") or {}

    def condition(self, type_: str) -> Mapping[str, Any] | None:
        """A saved condition, None when it is not there."""
        found = (item for item in self.status.get("conditions", []) if item["type"] == type_)
        return next(found, None)

    @property
    def reason(self) -> str:
        """The reason of the saved Ready condition."""
        return str((self.condition(names.READY) or {}).get("reason", ""))

    @property
    def message(self) -> str:
        """The message of the saved Ready condition."""
        return str((self.condition(names.READY) or {}).get("message", ""))

    @property
    def path(self) -> list[State | None]:
        """The states that were entered, in order."""
        return [step.row.dest for step in self.steps if step.moved]

    def managed(self) -> set[str]:
        """The objects in the cluster that carry the owner label, as text."""
        return {
            str(ObjectRef.of(item))
            for item in self.cluster.store.everything()
            if (item["metadata"].get("labels") or {}).get(names.OWNER_NAME_LABEL)
        }


@cache
def empty_cluster() -> Store:
    """The namespace and our own CRDs, as an installation of the operator brings them."""
    cluster = ApiServer(VirtualClock(), manager="kubectl-create")
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for crd in (instance_crd(), report_crd()):
        cluster.create(crd)
    Controllers(cluster).run()
    return cluster.store
