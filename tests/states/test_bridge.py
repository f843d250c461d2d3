# SPDX-License-Identifier: Apache-2.0
"""An API server goes on by the old CRD for some moments after it has accepted the bridge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fluxsm.api.instance import parse_instance
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.build.pipeline import BuildResult
from fluxsm.errors import NotFoundError
from fluxsm.machine.alphabet import Event, State
from fluxsm.ports import Ports
from fluxsm.rules import migration
from fluxsm.run import Trigger, begin
from fluxsm.settings import Settings
from fluxsm.step import Observed, Outcome
from states import migrating, signals
from tests.fakes.clock import FakeClock
from tests.fakes.world import World

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

    def list(self, kind: Kind, **_: Any) -> Any:
        """One object, once the version is served."""
        if self.lags:
            raise NotFoundError(f"the API server does not serve {kind}")
        yield _object()

    def patch(self, ref: ObjectRef, *_: Any, subresource: str = "", **__: Any) -> Manifest:
        """Note what is written."""
        self.wrote.append(f"{ref.name} {subresource}".strip())
        return _crd("v1", "v1beta2")

    def get(self, _ref: ObjectRef) -> Manifest:
        """The CRD as the bridge has made it."""
        return _crd("v1", "v1beta2")


def test_nothing_is_trimmed_before_the_new_version_is_served() -> None:
    """Else the objects stay in a version that nobody can read any more."""
    cluster = LaggingCluster()
    observed = _observed()
    observed, first = _step(observed, cluster)
    observed, second = _step(observed, cluster)

    assert [first.event, second.event] == [Event.WAITING, Event.WAITING]
    assert cluster.wrote == ["apply"]

    cluster.lags = False
    observed, _ = _step(observed, cluster)
    assert cluster.wrote == ["apply", "one", "things.example.com status"]
    _, last = _step(observed, cluster)
    assert last.event is Event.MIGRATED


def test_the_wait_for_a_bridge_ends() -> None:
    """A version that never comes is a failure that says so."""
    observed, _ = _step(_observed(), LaggingCluster())
    later = replace(observed, now=observed.now + observed.settings.crd_timeout)
    outcome = signals.expired(later)

    assert outcome is not None
    assert "Waiting for example.com/v1 Thing" in outcome.message


def test_discovery_may_be_ahead_of_the_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the kind is not there yet is a reason to wait, not a sign that nothing is stored."""
    cluster = LaggingCluster()
    observed, _ = _step(_observed(), cluster)
    monkeypatch.setattr(cluster, "serves", lambda _kind: True)

    observed, outcome = _step(observed, cluster)
    assert outcome.event is Event.WAITING
    assert cluster.wrote == ["apply"]

    cluster.lags = False
    _step(observed, cluster)
    assert cluster.wrote == ["apply", "one", "things.example.com status"]


def _step(observed: Observed, cluster: LaggingCluster) -> tuple[Observed, Outcome]:
    ports = Ports(
        cluster=cluster,  # type: ignore[arg-type]
        live=World().process.live,
        distributions=None,  # type: ignore[arg-type]
        recorder=None,  # type: ignore[arg-type]
        metrics=None,  # type: ignore[arg-type]
        clock=FakeClock(),
    )
    outcome = migrating.run(observed, ports)
    run = replace(observed.run, **outcome.facts)
    return replace(observed, run=run, now=observed.now + timedelta(seconds=1)), outcome


def _observed() -> Observed:
    manifest = World().create()
    now = FakeClock().now()
    instance = parse_instance(manifest)
    plan = migration.plan_before(_crd("v1beta2"), _crd("v1"))
    assert plan is not None
    build = BuildResult(version="v2.8.8", objects=(), digest="sha256:0", components=())
    run = replace(begin(Trigger.CHANGE, instance, now), build=build, recorded=True)
    return Observed(
        instance=instance,
        manifest=manifest,
        state=State.MIGRATING,
        run=replace(run, migration_before=(plan,)),
        now=now,
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
