# SPDX-License-Identifier: Apache-2.0
"""The starter distribution is announced, and kept out of a cluster with a real Flux."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.build import yaml
from fluxsm.build.distribution import STARTER_FILE, Distribution
from fluxsm.core.ports import Fetched
from fluxsm.machine.states import State
from fluxsm.objects.definition import describes_spec
from fluxsm.simulation.registry import MIDDLE, NEW, only, starter, starter_files
from fluxsm.simulation.world import World
from tests.states.worlds import DIGEST, GIT_CRD, REFERENCE, version

STARTER = Distribution({**starter_files(), STARTER_FILE: b""}, source="/data")
REAL = only(NEW, MIDDLE)
COMPONENTS = ["source-controller", "kustomize-controller"]
CLOSED = {"type": "object", "properties": {"url": {"type": "string"}}}


def evaluating() -> World:
    """An empty cluster whose operator has the starter distribution."""
    world = World()
    world.distributions.own = STARTER
    return world


def announced(world: World) -> int:
    """How many events were about the starter distribution."""
    found = [event for event in world.recorder.events if event.reason == names.STARTER_DISTRIBUTION]
    assert all(event.type == "Warning" and "/data is" in event.message for event in found)
    return len(found)


def closed(release: str = NEW) -> Manifest:
    """The definition of Git repositories of a real release, whose schema says what a spec has."""
    objects = starter().component(release, "source-controller")
    found = copy.deepcopy(next(x for x in objects if x["metadata"]["name"] == GIT_CRD.name))
    for item in found["spec"]["versions"]:
        item["schema"]["openAPIV3Schema"]["properties"]["spec"] = CLOSED
    return found


def released() -> Distribution:
    """A distribution whose definition of Git repositories is that of a real release."""
    objects = starter().component(MIDDLE, "source-controller")
    rest = [item for item in objects if item["metadata"]["name"] != GIT_CRD.name]
    path = f"flux/{MIDDLE}/source-controller.yaml"
    files = {name: data for name, data in starter_files().items() if f"/{MIDDLE}/" in name}
    files[path] = yaml.dump_all([closed(MIDDLE), *rest]).encode()
    return Distribution(files, source=REFERENCE)


def test_each_spec_is_announced_once() -> None:
    """Not each run, and not by each process; the condition stays."""
    world = evaluating()
    world.create()
    world.reach(State.READY)
    assert announced(world) == 1
    world.boot()
    world.settle()
    assert announced(world) == 1
    world.edit(components=COMPONENTS)
    world.reach(State.READY)
    assert announced(world) == 2
    found = world.condition(names.STARTER_DISTRIBUTION)
    assert found is not None
    assert found["status"] == "True"
    assert "for evaluation only" in found["message"]


def test_a_real_distribution_ends_the_warning() -> None:
    """The condition is gone with the first run that installs another one."""
    world = evaluating()
    world.create()
    world.reach(State.READY)
    world.distributions.own = REAL
    world.edit(components=COMPONENTS)
    world.reach(State.READY)
    assert world.condition(names.STARTER_DISTRIBUTION) is None
    assert announced(world) == 1


@pytest.mark.parametrize("labels", [{names.PART_OF_LABEL: "flux"}, {"team": "a"}])
def test_a_schema_is_never_opened(labels: dict[str, str]) -> None:
    """However the definition is labelled; nothing is applied, and only a change can help."""
    world = evaluating()
    live = closed()
    live["metadata"]["labels"] = labels
    world.cluster.as_manager("flux").create(live)
    world.create()
    world.reach(State.FAILED)
    stalled = world.condition(names.STALLED)
    assert stalled is not None
    assert stalled["reason"] == names.BUILD_FAILED
    assert GIT_CRD.name in stalled["message"]
    assert describes_spec(world.cluster.get(GIT_CRD))
    assert "inventory" not in world.status
    world.distributions.own = REAL
    world.edit(components=COMPONENTS)
    world.reach(State.READY)


def test_an_upgrade_to_the_starter_distribution_is_blocked() -> None:
    """What runs goes on running, as with any release that cannot be built."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, released())
    world.create(
        annotations={names.RECONCILE_ARTIFACT_EVERY: "1m"},
        distribution=version("2.x", artifact=REFERENCE),
    )
    world.reach(State.READY)
    files = Distribution({**starter_files(), STARTER_FILE: b""}, source=REFERENCE)
    world.distributions.registry[REFERENCE] = Fetched(
        distribution=files, digest="sha256:" + "2" * 64
    )
    world.pass_time(timedelta(minutes=2))
    blocked = world.condition(names.UPGRADE_BLOCKED)
    assert blocked is not None
    assert "starter distribution" in blocked["message"]
    assert describes_spec(world.cluster.get(GIT_CRD))


def test_a_schema_is_open_at_its_root_or_at_the_spec() -> None:
    """A mark further down opens one field only."""
    values = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    found = closed()
    schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = {"type": "object", "properties": {"values": values}}
    found["spec"]["versions"] = found["spec"]["versions"][:1]
    assert describes_spec(found)
    schema["x-kubernetes-preserve-unknown-fields"] = True
    assert not describes_spec(found)
    assert not any(
        describes_spec(item)
        for name in starter().components(NEW)
        for item in starter().component(NEW, name)
    )
