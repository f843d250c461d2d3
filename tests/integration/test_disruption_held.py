# SPDX-License-Identifier: Apache-2.0
"""Disruptions in FetchingArtifact and Migrating, which only last when something holds them up.

A registry that does not answer holds up the one, many objects the other. The leader is killed in
both, and they get all other disruptions.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.controlplane.cluster import Cluster
from tests.integration.disruption import (
    DISRUPTIONS,
    FLAGS,
    Disruption,
    Subject,
    the_process_is_asked_to_end,
)
from tests.integration.instance import RECONCILE, Instance
from tests.integration.process import Process, eventually, spec
from tests.integration.proxy import Proxy, through
from tests.integration.resources import Stored, check_survived, store_in_all_versions
from tests.registry.fixtures import distribution, push
from tests.registry.server import Registry

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

NAMESPACE = names.DEFAULT_NAMESPACE
SIX = list(names.COMPONENTS[:6])

LEASE = (
    "--leader-election-lease-duration=8s",
    "--leader-election-renew-deadline=6s",
    "--leader-election-retry-period=500ms",
)
"""Long enough for a leader that shares its processor with the rewriting of many objects."""

Start = Callable[..., Process]


class LateRegistry:
    """Takes connections and sends nothing, until `answer` is called."""

    def __init__(self, folder: Path) -> None:
        """Take a port."""
        self._registry = Registry(folder)
        self.host = self._registry.host
        host, _, port = self.host.partition(":")
        self._listener = socket.create_server((host, int(port)))

    def answer(self) -> None:
        """Be a registry with Flux in it."""
        self._listener.close()
        self._registry.start()
        push(self.host, distribution("v2.8.8"))

    def close(self) -> None:
        """End."""
        self._listener.close()
        self._registry.stop()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[LateRegistry]:
    """A registry that does not answer at first."""
    found = LateRegistry(tmp_path / "registry")
    yield found
    found.close()


@pytest.fixture
def start(own: Cluster, upstream: Path, tmp_path: Path) -> Iterator[Start]:
    """Start an operator by the name of its user; in the end another one takes the instance away."""
    instance = Instance(own, NAMESPACE)
    started: list[Process] = []

    def begin(user: str, *flags: str) -> Process:
        flags = (*flags, f"--artifact-cache={tmp_path / 'cache'}")
        process = Process(own, NAMESPACE, user=user, storage=upstream, flags=flags)
        started.append(process)
        process.start()
        return process

    yield begin
    for process in started:
        process.kill()
    if instance.read():
        cleaner = begin("fluxsm", "--enable-leader-election=false")
        try:
            instance.delete()
            instance.goes(seconds=40)
        finally:
            cleaner.kill()


@pytest.fixture
def pair(own: Cluster, start: Start) -> tuple[Process, Process, Instance]:
    """A leader, one that waits, and the instance."""
    first = start("fluxsm", *LEASE)
    eventually(lambda: first.leads, "leader")
    second = start("other", *LEASE)
    eventually(lambda: second.says("has started"), "second process")
    return first, second, Instance(own, NAMESPACE)


@pytest.fixture
def subject(own: Cluster, proxy: Proxy, start: Start) -> Subject:
    """An operator alone, behind a network that can stop to answer."""
    process = start("fluxsm", *FLAGS, f"--kubeconfig={through(proxy, own)}")
    eventually(lambda: process.says("has started"), "process")
    return Subject(process, Instance(own, NAMESPACE), proxy)


def of_registry(registry: LateRegistry) -> Manifest:
    """A small instance with an artifact."""
    artifact = f"oci://{registry.host}/flux/manifests:latest"
    return spec(
        distribution={"version": "2.8.x", "registry": "ghcr.io/fluxcd", "artifact": artifact}
    )


def grown_old(first: Process, instance: Instance) -> list[Stored]:
    """An installation of long ago, with a resource in each version that was ever stored."""
    old = {"version": "2.3.0", "registry": "ghcr.io/fluxcd"}
    instance.create(spec(distribution=old, components=SIX, wait=False))
    instance.becomes_ready()
    instance.annotate({RECONCILE: "disabled"})
    first.reaches("Suspended")
    stored = store_in_all_versions(instance.cluster, NAMESPACE)
    instance.patch(spec={"distribution": {"version": "2.8.8"}})
    return stored


def test_the_other_fetches_what_a_killed_leader_could_not(
    pair: tuple[Process, Process, Instance], registry: LateRegistry
) -> None:
    """The leader died while it waited for the registry."""
    first, second, instance = pair
    instance.create(of_registry(registry))
    first.reaches("FetchingArtifact")
    first.kill()
    assert first.transitions()[-1].dest == "FetchingArtifact"
    registry.answer()
    instance.becomes_ready()
    assert second.leads


def test_the_other_migrates_what_a_killed_leader_left(
    pair: tuple[Process, Process, Instance],
) -> None:
    """The leader died between two rewrites; nothing is lost, and nothing stays behind."""
    first, second, instance = pair
    stored = grown_old(first, instance)
    instance.annotate({RECONCILE: None})
    first.reaches("Migrating")
    first.kill()
    assert first.transitions()[-1].dest == "Migrating"
    instance.becomes_ready(seconds=90)
    assert second.leads
    check_survived(instance.cluster, stored)


@pytest.mark.parametrize(
    "disruption",
    [
        pytest.param(item, marks=() if item is the_process_is_asked_to_end else pytest.mark.slow)
        for item in DISRUPTIONS
    ],
)
def test_an_artifact_is_fetched_all_the_same(
    subject: Subject, registry: LateRegistry, disruption: Disruption
) -> None:
    """The disruption comes while the registry keeps everybody waiting."""
    subject.instance.create(of_registry(registry))
    subject.process.reaches("FetchingArtifact")
    disruption(subject, "FetchingArtifact")
    subject.clear()
    registry.answer()
    subject.instance.becomes_ready(seconds=90)


@pytest.mark.slow
@pytest.mark.parametrize("disruption", DISRUPTIONS)
def test_a_migration_goes_on_all_the_same(subject: Subject, disruption: Disruption) -> None:
    """The disruption comes between two rewrites."""
    stored = grown_old(subject.process, subject.instance)
    subject.instance.annotate({RECONCILE: None})
    subject.process.reaches("Migrating")
    disruption(subject, "Migrating")
    subject.clear()
    subject.instance.becomes_ready(seconds=90)
    check_survived(subject.instance.cluster, stored)
