# SPDX-License-Identifier: Apache-2.0
"""An API server goes on by the old CRD for some moments after it has accepted the bridge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.build.pipeline import BuildResult
from fluxsm.core.instance import Instance
from fluxsm.core.memory import Run
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Page, Ports
from fluxsm.core.runs import start
from fluxsm.core.settings import Settings
from fluxsm.errors import KindNotServedError
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.objects import migration
from fluxsm.simulation.clock import VirtualClock
from fluxsm.simulation.world import World
from states import migrating
from states.table import TABLE
from states.work.bridge import SERVING_DELAY

NEW = Kind("example.com", "v1", "Thing")


class LaggingCluster:
    """An API server that has accepted a CRD and does not serve its new version yet."""

    def __init__(self) -> None:
        self.lags = True
        self.wrote: list[str] = []

    def apply_all(self, manifests: list[Manifest]) -> list[Any]:
        """Accept everything."""
        self.wrote += ["apply"] * len(manifests)
        return [World().cluster.apply_all([manifest])[0] for manifest in manifests]

    def serves(self, kind: Kind) -> bool:
        """Whether the lag is over."""
        return kind == NEW and not self.lags

    def list_page(self, kind: Kind, **_: Any) -> Page:
        """One object, once the version is served."""
        if self.lags:
            raise KindNotServedError(f"the API server does not serve {kind}")
        return Page(items=(_object(),))

    def patch(self, ref: ObjectRef, *_: Any, subresource: str = "", **__: Any) -> Manifest:
        """Note what is written."""
        self.wrote.append(f"{ref.name} {subresource}".strip())
        return _crd("v1", "v1beta2")

    def get(self, _ref: ObjectRef) -> Manifest:
        """The CRD as the bridge has made it."""
        return _crd("v1", "v1beta2")


MIGRATED = ["apply", "one", "things.example.com status"]


def test_nothing_is_trimmed_before_the_new_version_is_served() -> None:
    """Else the objects stay in a version that nobody can read any more."""
    cluster = LaggingCluster()
    observed, _ = _go_on(_observed(), cluster, seconds=30)
    assert cluster.wrote == ["apply"]

    cluster.lags = False
    _, last = _go_on(observed, cluster, seconds=30)
    assert cluster.wrote == MIGRATED
    assert last.event is Event.MIGRATED


def test_nothing_is_rewritten_before_every_api_server_can_know_the_bridge() -> None:
    """The one that is asked serves the new version; another may store in the old one still."""
    cluster = LaggingCluster()
    cluster.lags = False
    observed, _ = _step(_observed(), cluster)
    built, messages = observed.tick, list[str]()
    while cluster.wrote == ["apply"]:
        waited = observed.tick - built
        observed, outcome = _step(observed, cluster)
        messages.append(outcome.message)
    assert waited == SERVING_DELAY
    assert "Waiting for every API server to store Thing in v1" in messages
    assert cluster.wrote == MIGRATED


@pytest.mark.parametrize("defined", [timedelta(seconds=-1), None], ids=["by it", "before it"])
def test_a_new_run_lets_definitions_settle(defined: timedelta | None) -> None:
    """Counted from when it wrote them; from its begin when a run before it may have done so."""
    cluster, observed = LaggingCluster(), _observed()
    cluster.lags = False
    (plan,) = observed.run.migration_before
    moment = None if defined is None else observed.tick + defined
    run = replace(
        observed.run,
        applied=True,
        defined=moment,
        migration_before=(),
        migration_after=(replace(plan, bridge=None),),
    )
    observed, outcome = _step(_with(observed, run), cluster)
    assert outcome.after == SERVING_DELAY + (defined or timedelta(0))
    _go_on(observed, cluster, seconds=6)
    assert cluster.wrote == MIGRATED[1:]


def test_what_is_only_renewed_need_not_settle() -> None:
    """A forced rewrite within the only stored version loses nothing by being early."""
    cluster, observed = LaggingCluster(), _observed()
    cluster.lags = False
    plan = migration.plan_after(_crd("v1"), forced=True)
    assert plan is not None
    run = replace(observed.run, applied=True, defined=observed.tick, migration_after=(plan,))
    _step(_with(observed, run), cluster)
    assert cluster.wrote == ["one"]


def test_the_wait_for_a_bridge_ends() -> None:
    """A version that never comes is a failure that says so."""
    observed, _ = _step(_observed(), LaggingCluster())
    _, outcome = _step(observed, LaggingCluster())
    limit = TABLE.states[State.MIGRATING].limit

    assert limit is not None
    assert limit.length(observed) == observed.settings.stage_timeout
    assert outcome.event is Event.WAITING
    assert outcome.message == "Waiting for example.com/v1 Thing to be served"


def test_discovery_may_be_ahead_of_the_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the kind is not there yet is a reason to wait, not a sign that nothing is stored."""
    cluster = LaggingCluster()
    monkeypatch.setattr(cluster, "serves", lambda _kind: True)
    observed, outcome = _go_on(_observed(), cluster, seconds=30)
    assert outcome.event is Event.WAITING
    assert cluster.wrote == ["apply"]

    cluster.lags = False
    _go_on(observed, cluster, seconds=1)
    assert cluster.wrote == MIGRATED


def _go_on(
    observed: Observed, cluster: LaggingCluster, *, seconds: int
) -> tuple[Observed, Outcome]:
    """Take steps for so long, or until all is migrated."""
    end = observed.tick + timedelta(seconds=seconds)
    while True:
        observed, outcome = _step(observed, cluster)
        if observed.tick > end or outcome.event is Event.MIGRATED:
            return observed, outcome


def _step(observed: Observed, cluster: LaggingCluster) -> tuple[Observed, Outcome]:
    ports = Ports(
        cluster=cluster,  # type: ignore[arg-type]
        live=World().process.live,
        distributions=None,  # type: ignore[arg-type]
        recorder=None,  # type: ignore[arg-type]
        metrics=None,  # type: ignore[arg-type]
        clock=VirtualClock(),
    )
    outcome = migrating.handle(observed, ports)
    memory = replace(
        observed.memory,
        run=outcome.run or observed.run,
        stay=replace(observed.stay, progress=outcome.progress or observed.stay.progress),
    )
    tick = observed.tick + (outcome.after or timedelta(0))
    return replace(observed, memory=memory, tick=tick), outcome


def _with(observed: Observed, run: Run) -> Observed:
    return replace(observed, memory=replace(observed.memory, run=run))


def _observed() -> Observed:
    instance = Instance(World().create())
    plan = migration.plan_before(_crd("v1beta2"), _crd("v1"))
    assert plan is not None
    build = BuildResult(version="v2.8.8", objects=(), digest="sha256:0", components=())
    memory = start(instance, timedelta(hours=1))
    run = replace(memory.run, build=build, recorded=True, migration_before=(plan,))
    return Observed(
        instance=instance,
        state=State.MIGRATING,
        memory=replace(memory, run=run),
        now=VirtualClock().now(),
        tick=timedelta(hours=1),
        settings=Settings(),
    )


def _crd(*versions: str) -> Manifest:
    """A CRD; the first version is stored, all of them may be."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com", "resourceVersion": "1"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [
                {"name": name, "served": True, "storage": place == 0}
                for place, name in enumerate(versions)
            ],
        },
        "status": {"storedVersions": list(versions)},
    }


def _object() -> Manifest:
    metadata = {"name": "one", "namespace": "apps", "resourceVersion": "1"}
    return {"apiVersion": NEW.api_version, "kind": NEW.kind, "metadata": metadata}
