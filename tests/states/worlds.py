# SPDX-License-Identifier: Apache-2.0
"""Worlds in which a test begins, one in each state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import ArtifactError
from fluxsm.machine.states import State
from fluxsm.simulation.registry import MIDDLE, starter
from fluxsm.simulation.world import NAMESPACE, World

GIT = Kind("source.toolkit.fluxcd.io", "v1", "GitRepository")
GIT_CRD = ObjectRef(
    Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
    "",
    "gitrepositories.source.toolkit.fluxcd.io",
)
CONTROLLER = ObjectRef(Kind("apps", "v1", "Deployment"), NAMESPACE, "source-controller")
REFERENCE = "oci://registry.example/manifests:latest"
DIGEST = "sha256:" + "1" * 64


def version(text: str, **fields: Any) -> dict[str, Any]:
    """The distribution block of a spec."""
    return {"version": text, "registry": "ghcr.io/fluxcd", **fields}


def installed(**spec: Any) -> World:
    """A world with a Ready instance."""
    world = World()
    world.create(**spec)
    world.reach(State.READY)
    world.settle()
    return world


def old_flux(world: World) -> None:
    """Git repositories that an old Flux has left, stored in a version that is going away."""
    admin = world.cluster.as_manager("kubectl-create")
    objects = starter().component(MIDDLE, "source-controller")
    crd = next(item for item in objects if item["metadata"]["name"] == GIT_CRD.name)
    crd["metadata"]["labels"] = {names.PART_OF_LABEL: "flux"}
    for item in crd["spec"]["versions"]:
        item["storage"] = item["name"] == "v1beta2"
    admin.create(crd)
    world.controllers.run()
    for name in ("one", "two"):
        admin.create(git_repository(name, "v1beta2"))


def git_repository(name: str, version_: str = "v1", **metadata: Any) -> Manifest:
    """A custom resource of the user."""
    return {
        "apiVersion": f"{GIT.group}/{version_}",
        "kind": GIT.kind,
        "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
        "spec": {"url": "https://example.com/repo", "interval": "1m"},
    }


def pending() -> World:
    """A world whose spec changed in the middle of a fetch."""
    world = fetching()
    world.edit(wait=True, components=["source-controller", "kustomize-controller"])
    world.reach(State.PENDING)
    return world


def fetching() -> World:
    """A world that waits for the registry."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, starter())
    world.distributions.slow = 1_000
    world.create(distribution=version("2.x", artifact=REFERENCE))
    world.reach(State.FETCHING_ARTIFACT)
    world.distributions.slow = 0
    return world


def on_the_way(state: State) -> Callable[[], World]:
    """A first installation that has just entered a state."""

    def make() -> World:
        world = World()
        world.create()
        world.reach(state)
        return world

    return make


def migrating() -> World:
    """A world in which an old Flux has left objects that must be rewritten."""
    world = World()
    old_flux(world)
    world.create()
    world.reach(State.MIGRATING)
    return world


def unhealthy() -> World:
    """A world that waits for a controller that does not come up."""
    world = World()
    world.controllers.healthy = lambda _: False
    world.create()
    world.reach(State.HEALTH_CHECKING)
    world.settle(timedelta(seconds=2))
    world.controllers.healthy = lambda _: True
    return world


def failed() -> World:
    """A world whose registry was down."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, starter())
    world.distributions.down = ArtifactError(f"{REFERENCE}: no route to host")
    world.create(distribution=version("2.x", artifact=REFERENCE))
    world.reach(State.FAILED)
    world.distributions.down = None
    return world


def suspended() -> World:
    """A world whose installed instance is disabled."""
    world = installed()
    world.suspend()
    world.settle()
    return world


def uninstalling() -> World:
    """A world that has just begun to uninstall."""
    world = installed()
    world.delete()
    world.reach(State.UNINSTALLING)
    return world


WORLDS: dict[State, Callable[[], World]] = {
    State.PENDING: pending,
    State.FETCHING_ARTIFACT: fetching,
    State.BUILDING: on_the_way(State.BUILDING),
    State.APPLYING: on_the_way(State.APPLYING),
    State.MIGRATING: migrating,
    State.HEALTH_CHECKING: unhealthy,
    State.READY: installed,
    State.FAILED: failed,
    State.SUSPENDED: suspended,
    State.UNINSTALLING: uninstalling,
}
"""A world in each state."""
