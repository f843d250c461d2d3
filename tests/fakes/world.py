# SPDX-License-Identifier: Apache-2.0
"""Everything put together: a cluster with its controllers, a registry, a user, and the operator.

`settle` lets events and time take their course. After every step the laws are checked, whatever
the test is about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.settings import Settings
from fluxsm.core.step import Step
from fluxsm.errors import NotFoundError
from fluxsm.machine.states import State
from tests.fakes.clock import FakeClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.controllers import Controllers
from tests.fakes.distributions import FakeDistributions
from tests.fakes.listeners import FakeMetrics, FakeRecorder
from tests.fakes.process import Process
from tests.fakes.store import Store
from tests.states import laws

CRDS = Path(__file__).resolve().parents[2] / "manifests" / "crd"
NAMESPACE = names.DEFAULT_NAMESPACE
INSTANCE = ObjectRef(
    Kind(names.GROUP, names.VERSION, names.INSTANCE_KIND), NAMESPACE, names.SINGLETON
)
MAX_TURNS = 2_000


class World:
    """A cluster in which an operator may run.

    Attributes:
        steps: every step that was taken and saved, of all processes.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(self.clock)
        self.cluster.store = empty_cluster().fork()
        self.controllers = Controllers(self.cluster)
        self.distributions = FakeDistributions()
        self.recorder = FakeRecorder()
        self.metrics = FakeMetrics()
        self.settings = Settings(**settings)
        self.steps: list[Step] = []
        self.user = self.cluster.as_manager("kubectl-edit")
        self.process = self.boot()

    # The operator

    def boot(self) -> Process:
        """Start a new operator; whatever the old one knew is lost."""
        self.process = Process(
            cluster=self.cluster,
            distributions=self.distributions,
            recorder=self.recorder,
            metrics=self.metrics,
            clock=self.clock,
            settings=self.settings,
            on_step=self._check,
        )
        return self.process

    def settle(
        self,
        within: timedelta = timedelta(seconds=10),
        until: Callable[[], bool] = lambda: False,
    ) -> timedelta | None:
        """Go on until nothing is due within some time, or until something is so.

        Returns:
            When the operator wants to look again.

        Raises:
            AssertionError: it never comes to rest.
        """
        limit = self.clock.now() + within
        for _ in range(MAX_TURNS):
            delay = self._turn()
            if until():
                return delay
            if self.process.woken or delay == timedelta(0):
                continue
            if delay is None or self.clock.now() + delay > limit:
                return delay
            self.clock.advance(delay)
        raise AssertionError(f"no rest after {MAX_TURNS} turns: {self.path[-20:]}")

    def reach(self, state: State, within: timedelta = timedelta(seconds=10)) -> None:
        """Go on until the operator is in a state.

        Raises:
            AssertionError: it does not get there.
        """
        self.settle(within, until=lambda: self.process.state is state)
        assert self.process.state is state, f"in {self.process.state}: {self.message}"

    def _turn(self) -> timedelta | None:
        self.controllers.run()
        self.process.hear()
        delay = self.process.turn()
        self.controllers.run()
        self.process.hear()
        found = self.read()
        if found is not None:
            laws.check_saved(found)
        return delay

    def _check(self, step: Step) -> None:
        self.steps.append(step)
        laws.check_step(step)

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
        return self.user.create(json.loads(json.dumps(body)))

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
    cluster = FakeCluster(FakeClock(), manager="kubectl-create")
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for path in sorted(CRDS.glob("*.yaml")):
        cluster.create(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader))
    Controllers(cluster).run()
    return cluster.store
