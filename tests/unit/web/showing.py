# SPDX-License-Identifier: Apache-2.0
"""A page about a world in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fluxsm.api.objects import Kind, Manifest
from fluxsm.objects import inventory
from fluxsm.objects.applied_state import ObjectIdentity
from fluxsm.objects.health import assess
from fluxsm.objects.kstatus import Health
from fluxsm.simulation.world import NAMESPACE, World
from fluxsm.web.board import Board
from fluxsm.web.facts import Server
from states.table import TABLE

EVENT = Kind("", "v1", "Event")


class WorldSources:
    """Implements `fluxsm.web.board.Sources` for a world.

    Attributes:
        leading: whether the machine of the world runs in the process that shows it.
        missing: what is not known, and why.
        reported: the FluxReport.
        recorded: Kubernetes events.
        looks: how often somebody has looked.
    """

    def __init__(self, world: World, *, leading: bool = True) -> None:
        self.leading = leading
        self.missing: dict[str, str] = {}
        self.reported: Manifest | None = None
        self.recorded: tuple[Manifest, ...] = ()
        self.looks = 0
        self._world = world

    def look(self) -> None:
        """Count it."""
        self.looks += 1

    def leads(self) -> bool:
        """As the test says."""
        return self.leading

    def instance(self) -> Manifest | None:
        """The instance as it is stored."""
        return self._world.read()

    def report(self) -> Manifest | None:
        """As the test says."""
        return self.reported

    def events(self) -> tuple[Manifest, ...]:
        """As the test says."""
        return self.recorded

    def unknown(self) -> Mapping[str, str]:
        """As the test says."""
        return self.missing

    def health(self, instance: Manifest, now: datetime) -> Mapping[ObjectIdentity, Health]:
        """Of every object that is stored."""
        found = {}
        for entry in inventory.of_status(instance):
            obj = self._world.cluster.store.get(entry.ref.identity)
            found[entry.ref.identity] = assess(obj, now)
        return found


def server(*, follows: bool = False) -> Server:
    """Who serves the page."""
    return Server(name="flux-operator-0", version="v1", namespace=NAMESPACE, follows=follows)


def shown(world: World, *, leading: bool = True) -> tuple[Board, WorldSources]:
    """A board that has seen everything that happened in a world."""
    sources = WorldSources(world, leading=leading)
    board = Board(TABLE, server(follows=not leading), world.clock, sources)
    for step in world.steps:
        board.on_step(step)
    return board, sources
