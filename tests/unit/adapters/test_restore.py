# SPDX-License-Identifier: Apache-2.0
"""Etcd is restored from a backup under a running operator."""

from __future__ import annotations

from datetime import timedelta

from fluxsm.machine.states import State
from fluxsm.simulation.controllers import Controllers
from fluxsm.simulation.world import World

MINUTE = timedelta(minutes=1)


def test_an_operator_goes_on_with_what_was_restored() -> None:
    """It sees the older state and writes to it: the next edit leads to Ready without failing."""
    world = World()
    world.create()
    world.reach(State.READY, within=MINUTE)
    backup = world.cluster.store.fork()
    world.edit(components=["source-controller", "notification-controller"])
    world.reach(State.READY, within=MINUTE)
    for number in range(50):
        world.annotate({"example.com/counter": str(number)})
    world.settle(within=MINUTE)

    world.cluster.store = world.user.store = backup
    world.controllers = Controllers(world.cluster)
    world.pass_time(timedelta(minutes=6))
    world.settle()
    instance = world.process.instances.current()
    assert instance is not None
    assert "example.com/counter" not in instance["metadata"].get("annotations", {})
    assert instance == world.read()

    before = len(world.steps)
    world.edit(components=["source-controller", "kustomize-controller"])
    world.settle(within=MINUTE)
    assert world.at(State.READY)
    assert State.FAILED not in [step.row.dest for step in world.steps[before:]]
    assert any("kustomize-controller" in item for item in world.managed())
    assert not any("notification-controller" in item for item in world.managed())
