# SPDX-License-Identifier: Apache-2.0
"""The process is killed at every single write, before it is sent and after it was committed.

A new process, which knows nothing, must lead to the same world as if nothing had happened, and on
no way there may an object exist that nobody would ever remove.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from fluxsm.machine.states import State
from fluxsm.simulation.audit import orphans, picture, unreadable
from fluxsm.simulation.faults import Crash, Fault, When
from fluxsm.simulation.world import NAMESPACE, World
from tests.states.worlds import git_repository, installed, old_flux, version

LONG = timedelta(minutes=2)


def install() -> World:
    """A first installation."""
    world = World()
    world.create()
    return world


def upgrade() -> World:
    """An upgrade over a storage version, with objects that must be rewritten first."""
    world = World()
    old_flux(world)
    world.create(distribution=version("2.7.x"), migrateResources=False)
    world.settle()
    world.edit(distribution=version("2.8.x"), migrateResources=True)
    return world


def removal() -> World:
    """A component and the network policies are dropped from the spec."""
    world = installed(components=["source-controller", "notification-controller"])
    world.edit(components=["source-controller"], cluster={"networkPolicy": False})
    return world


def uninstallation() -> World:
    """The instance is deleted, with custom resources that a Flux finalizer holds back."""
    world = installed()
    world.user.create(git_repository("held", finalizers=["finalizers.fluxcd.io"]))
    world.delete()
    return world


SCENARIOS = (install, upgrade, removal, uninstallation)


def finish(world: World) -> None:
    """Let everything take its course; a process that ends is started again at once."""
    for _ in range(3):
        try:
            world.settle(LONG)
        except Crash:
            assert orphans(world) == []
            world.boot()
        else:
            return
    raise AssertionError("the process ends again and again")


def check_end(world: World, expected: World) -> None:
    """The world is the one that an undisturbed run leads to."""
    assert world.process.state is expected.process.state
    assert picture(world) == picture(expected)
    assert (orphans(world), unreadable(world)) == ([], [])


ALL = slice(None)
SAMPLES: dict[When, slice] = {"before": slice(0, None, 6), "after": slice(3, None, 6)}


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"], ids=["unsent", "unanswered"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_crash_at_any_write_changes_nothing_in_the_end(
    scenario: Callable[[], World], when: When
) -> None:
    """For every k: die at the k-th write, start again, arrive at the same world."""
    check_crashes(scenario, when, ALL)


@pytest.mark.parametrize("when", ["before", "after"], ids=["unsent", "unanswered"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_crash_at_some_writes_changes_nothing_in_the_end(
    scenario: Callable[[], World], when: When
) -> None:
    """The same for a sample of the writes, from the first to the last."""
    check_crashes(scenario, when, SAMPLES[when])


def check_crashes(scenario: Callable[[], World], when: When, numbers: slice) -> None:
    """Crash at each of the numbered writes, and compare the end with an undisturbed one."""
    expected = scenario()
    begun = len(expected.cluster.gate.mutations())
    expected.settle(LONG)
    writes = expected.cluster.gate.mutations()[begun:]
    assert len(writes) > 2
    for number, write in list(enumerate(writes))[numbers]:
        world = scenario()
        fault = Fault(
            error=Crash(f"at {write}"),
            matches=lambda request: request.mutates,
            when=when,
            skip=number,
        )
        world.cluster.gate.faults.append(fault)
        finish(world)
        assert fault.times == 0, f"write {number} never came"
        check_end(world, expected)


def test_the_scenarios_lead_where_they_should() -> None:
    """So that the comparison above is with the right world."""
    ends = [scenario() for scenario in SCENARIOS]
    for world in ends:
        world.settle(LONG)
    assert [world.process.state for world in ends] == [State.READY, State.READY, State.READY, None]
    assert State.MIGRATING in ends[1].path
    assert f"Deployment/{NAMESPACE}/notification-controller" not in ends[2].managed()
    assert ends[3].managed() == {f"Namespace/{NAMESPACE}"}
