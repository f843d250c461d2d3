# SPDX-License-Identifier: Apache-2.0
"""An artifact is fetched, watched and upgraded to, and a release of others never breaks Flux."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import Fetched
from fluxsm.errors import ArtifactError
from fluxsm.machine.states import State
from fluxsm.simulation.registry import MIDDLE, NEW, only
from fluxsm.simulation.world import NAMESPACE, World

ARTIFACT = "oci://registry.test/flux/manifests:latest"
FIRST, SECOND, THIRD = (f"sha256:{digit * 64}" for digit in "123")
DOWN = ArtifactError(f"{ARTIFACT}: registry.test cannot be reached")
EVERY = timedelta(minutes=1)
EMPTY = only()
DEPLOYMENT = ObjectRef(Kind("apps", "v1", "Deployment"), NAMESPACE, "source-controller")


@pytest.fixture
def world() -> World:
    """An instance that is Ready with an artifact, which is asked for each minute."""
    found = World()
    found.distributions.push(ARTIFACT, FIRST, only(MIDDLE))
    create(found)
    found.reach(State.READY)
    return found


def create(world: World, **distribution: str) -> None:
    """Create an instance with the artifact."""
    world.create(
        annotations={names.RECONCILE_ARTIFACT_EVERY: "1m"},
        distribution={
            "version": "2.x", "registry": "ghcr.io/fluxcd", "artifact": ARTIFACT, **distribution
        },
    )  # fmt: skip


def pull_secret(world: World, password: str, *, replace: bool = False) -> None:
    """Put the pull secret into the cluster, or another one in its place."""
    body: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "regcred", "namespace": NAMESPACE},
        "data": {"password": base64.b64encode(password.encode()).decode()},
    }
    if replace:
        current = world.user.get(ObjectRef.of(body))
        body["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"]
        world.user.replace(body)
    else:
        world.user.create(body)


def version_of(world: World) -> str:
    """The version that is installed."""
    return str(world.status["lastAppliedRevision"]).partition("@")[0]


def test_the_digest_of_the_artifact_is_in_the_status(world: World) -> None:
    """It is what later checks compare with."""
    assert world.status["lastArtifactRevision"] == FIRST
    assert version_of(world) == MIDDLE


def test_a_new_artifact_is_installed_within_the_interval(world: World) -> None:
    """The registry is asked for the digest only, and pulled from when that differs."""
    calls = world.distributions.calls
    calls.clear()
    world.settle(EVERY * 2)
    assert set(calls) == {f"digest {ARTIFACT}"}
    world.distributions.push(ARTIFACT, SECOND, only(NEW))
    world.settle(EVERY, until=lambda: version_of(world) == NEW)
    assert world.status["lastArtifactRevision"] == SECOND
    assert version_of(world) == NEW


def test_a_broken_artifact_blocks_the_upgrade_and_nothing_else(world: World) -> None:
    """Flux stays Ready on what it runs; the condition tells why it is not upgraded."""
    world.distributions.push(ARTIFACT, SECOND, EMPTY)
    world.settle(EVERY * 2, until=lambda: world.condition(names.UPGRADE_BLOCKED) is not None)
    blocked = world.condition(names.UPGRADE_BLOCKED)
    assert blocked is not None
    assert blocked["reason"] == names.BUILD_FAILED
    assert (world.condition(names.READY) or {})["status"] == "True"
    assert version_of(world) == MIDDLE
    assert world.status["lastArtifactRevision"] == FIRST
    assert any(
        event.type == "Warning" and event.reason == names.BUILD_FAILED
        for event in world.recorder.events
    )


def test_the_next_good_artifact_unblocks(world: World) -> None:
    """And it is installed."""
    world.distributions.push(ARTIFACT, SECOND, EMPTY)
    world.settle(EVERY * 2, until=lambda: world.condition(names.UPGRADE_BLOCKED) is not None)
    world.distributions.push(ARTIFACT, THIRD, only(NEW))
    world.settle(EVERY, until=lambda: version_of(world) == NEW)
    world.settle(timedelta(0))
    assert world.condition(names.UPGRADE_BLOCKED) is None
    assert world.status["lastArtifactRevision"] == THIRD


def test_a_broken_artifact_is_not_tried_at_each_check(world: World) -> None:
    """It is tried again with growing delays; the checks in between only look for another one."""
    world.distributions.push(ARTIFACT, SECOND, EMPTY)
    world.settle(timedelta(hours=3))
    pulls = world.distributions.calls.count(f"fetch {ARTIFACT}")
    checks = world.distributions.calls.count(f"digest {ARTIFACT}")
    assert checks > 100
    assert pulls < 30


def test_going_back_to_the_installed_artifact_unblocks(world: World) -> None:
    """A release that was withdrawn is noticed at the next check."""
    world.distributions.push(ARTIFACT, SECOND, EMPTY)
    world.settle(timedelta(hours=1))
    assert world.condition(names.UPGRADE_BLOCKED) is not None
    world.distributions.push(ARTIFACT, FIRST, only(MIDDLE))
    world.settle(EVERY, until=lambda: world.condition(names.UPGRADE_BLOCKED) is None)
    assert world.condition(names.UPGRADE_BLOCKED) is None


def test_a_check_that_fails_changes_no_condition(world: World) -> None:
    """A Warning event says so, and the registry is asked again."""
    before = world.status["conditions"]
    world.distributions.down = DOWN
    world.settle(
        EVERY, until=lambda: any(n.reason == "ArtifactFailed" for n in world.recorder.events)
    )
    assert world.status["conditions"] == before
    assert world.recorder.events[-1].type == "Warning"


@pytest.mark.parametrize("restarted", [False, True], ids=["as it was", "after a restart"])
def test_drift_is_repaired_while_the_registry_is_away(world: World, restarted: bool) -> None:
    """What is installed comes from memory, or by its digest from the cache."""
    world.distributions.down = DOWN
    pinned = f"{ARTIFACT}@{FIRST}"
    world.distributions.cached[pinned] = Fetched(distribution=only(MIDDLE), digest=FIRST)
    if restarted:
        world.boot()
        world.settle(timedelta(seconds=2))
        assert world.condition(names.UPGRADE_BLOCKED) is not None
    managed = world.managed()
    deployment = next(item for item in managed if item.startswith("Deployment"))
    world.user.delete(DEPLOYMENT)
    assert deployment not in world.managed()
    world.settle(timedelta(seconds=2))
    assert world.managed() == managed
    assert (world.condition(names.READY) or {})["status"] == "True"


def test_without_registry_and_cache_flux_stays_ready() -> None:
    """After a restart nothing is known of the installed artifact; that is no reason to demote."""
    world = World()
    world.distributions.push(ARTIFACT, FIRST, only(MIDDLE))
    create(world)
    world.reach(State.READY)
    world.distributions.down = DOWN
    world.boot()
    world.settle(timedelta(seconds=2))
    assert (world.condition(names.READY) or {})["status"] == "True"
    assert (world.condition(names.UPGRADE_BLOCKED) or {})["reason"] == names.ARTIFACT_FAILED


def test_a_first_installation_that_cannot_be_fetched_fails() -> None:
    """Then nothing runs yet, and Ready says so."""
    world = World()
    world.distributions.down = DOWN
    create(world)
    world.reach(State.FAILED)
    assert world.reason == names.ARTIFACT_FAILED
    assert world.condition(names.STALLED) is None
    assert "registry.test cannot be reached" in world.message


def test_a_corrected_pull_secret_is_noticed() -> None:
    """Long before the back-off would have ended."""
    world = World()
    world.distributions.down = DOWN
    pull_secret(world, "wrong")
    create(world, artifactPullSecret="regcred")
    world.settle(timedelta(hours=1))
    assert world.reason == names.ARTIFACT_FAILED
    world.distributions.down = None
    world.distributions.push(ARTIFACT, FIRST, only(MIDDLE))
    pull_secret(world, "right", replace=True)
    world.settle(timedelta(seconds=10), until=lambda: world.process.state is State.READY)
    assert world.process.state is State.READY


def test_a_pull_secret_that_appears_is_noticed() -> None:
    """The message names it while it is missing."""
    world = World()
    world.distributions.push(ARTIFACT, FIRST, only(MIDDLE))
    create(world, artifactPullSecret="regcred")
    world.settle(timedelta(hours=1), until=lambda: world.process.state is State.READY)
    assert f"Secret/{NAMESPACE}/regcred" in world.message
    assert "artifactPullSecret" in world.message
    pull_secret(world, "right")
    world.settle(timedelta(seconds=10), until=lambda: world.process.state is State.READY)
    assert world.process.state is State.READY


def test_a_minor_that_the_operator_does_not_know_is_named() -> None:
    """It is refused, but nobody has to wonder why it is not installed."""
    world = World(supported_minors=frozenset({"2.7"}))
    world.distributions.push(ARTIFACT, FIRST, only(MIDDLE, NEW))
    create(world)
    world.reach(State.READY)
    assert version_of(world) == MIDDLE
    messages = [n.message for n in world.recorder.events if n.reason == names.OUTDATED_VERSION]
    assert len(messages) == 1
    assert NEW in messages[0]
    assert "--supported-minors" in messages[0]
    condition = world.condition(names.OUTDATED) or {}
    assert (condition["status"], condition["reason"]) == ("True", names.OUTDATED_VERSION)
    assert condition["message"] in messages[0]


def test_a_minor_that_is_refused_is_named_until_it_is_not_offered_any_more() -> None:
    """Also after drift was repaired, and by a process that has just started."""
    world = World(supported_minors=frozenset({"2.7"}))
    world.distributions.push(ARTIFACT, FIRST, only(MIDDLE, NEW))
    create(world)
    world.reach(State.READY)
    before = world.condition(names.OUTDATED)
    world.controllers.healthy = lambda _: False
    world.user.delete(DEPLOYMENT)
    world.settle(timedelta(minutes=1))
    assert world.status["state"] == State.HEALTH_CHECKING
    world.controllers.healthy = lambda _: True
    world.settle(timedelta(minutes=1))
    assert world.condition(names.OUTDATED) == before
    world.settle(timedelta(hours=3))
    world.boot()
    world.settle(timedelta(hours=3))
    assert world.condition(names.OUTDATED) == before
    world.distributions.push(ARTIFACT, SECOND, only(MIDDLE))
    world.settle(EVERY * 2, until=lambda: world.condition(names.OUTDATED) is None)
    assert world.condition(names.OUTDATED) is None


MIRROR = "mirror.test/flux"
IMAGE = f"{MIRROR}/source-controller:v1.7.4"


def images_of(world: World) -> list[str]:
    """The digests in the status."""
    return [str(image.get("digest", "")) for image in world.status["components"]]


def test_digests_that_the_distribution_lacks_are_asked_for_when_wanted() -> None:
    """Of the registry that the images come from; the machine waits for the answer."""
    world = World(resolve_digests=True)
    world.distributions.slow = 1
    world.distributions.push(IMAGE, SECOND, EMPTY)
    world.create(distribution={"version": "2.7.x", "registry": MIRROR})
    world.reach(State.READY)
    assert images_of(world) == [SECOND]
    deployment = world.user.get(DEPLOYMENT)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == f"{IMAGE}@{SECOND}"


def test_digests_that_cannot_be_had_are_a_failure() -> None:
    """What was to be pinned is not installed unpinned."""
    world = World(resolve_digests=True)
    world.create(distribution={"version": "2.7.x", "registry": MIRROR})
    world.reach(State.FAILED)
    assert world.reason == names.ARTIFACT_FAILED
    assert IMAGE in world.message


def test_digests_are_not_asked_for_by_default() -> None:
    """The tags of the manifests are used."""
    world = World()
    world.create(distribution={"version": "2.7.x", "registry": MIRROR})
    world.reach(State.READY)
    assert images_of(world) == [""]
    assert world.distributions.calls == []


def test_listed_digests_are_not_asked_for() -> None:
    """The distribution knows them."""
    world = World(resolve_digests=True)
    world.create()
    world.reach(State.READY)
    assert world.distributions.calls == []


def test_a_version_that_the_range_rules_out_is_named() -> None:
    """As the reference does."""
    world = World()
    world.distributions.push(ARTIFACT, FIRST, only(MIDDLE, NEW))
    create(world, version="2.7.x")
    world.reach(State.READY)
    messages = [n.message for n in world.recorder.events if n.reason == names.OUTDATED_VERSION]
    assert messages == [f"Flux {MIDDLE} is outdated, the latest version is {NEW}"]


class TestVerified:
    """Whose signature the installed artifact has, and never that of another one."""

    SIGNER = "the key /keys/cosign.pub"

    @pytest.fixture
    def signed(self) -> World:
        """An instance that is Ready with a signed artifact."""
        found = World()
        found.distributions.push(ARTIFACT, FIRST, only(MIDDLE), verified=self.SIGNER)
        create(found)
        found.reach(State.READY)
        return found

    def test_it_is_reported_in_status_and_event(self, signed: World) -> None:
        """With reference, digest and signer."""
        condition = signed.condition(names.VERIFIED)
        assert condition is not None
        shown = (condition["status"], condition["reason"], condition["message"])
        message = f"{only(MIDDLE).source} ({FIRST}) is signed by {self.SIGNER}"
        assert shown == ("True", names.SUCCEEDED, message)
        events = [item for item in signed.recorder.events if item.reason == names.VERIFIED]
        assert [(item.type, item.message) for item in events] == [("Normal", message)]

    def test_it_is_reported_for_each_new_artifact(self, signed: World) -> None:
        """And not again by the timer, which finds the same one."""
        signed.distributions.push(ARTIFACT, SECOND, only(NEW), verified=self.SIGNER)
        signed.settle(EVERY * 2, until=lambda: version_of(signed) == NEW)
        assert SECOND in (signed.condition(names.VERIFIED) or {})["message"]
        signed.settle(timedelta(hours=3))
        reasons = [item.reason for item in signed.recorder.events]
        assert reasons.count(names.VERIFIED) == 2

    def test_an_artifact_that_is_refused_changes_nothing(
        self, signed: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The one that runs is still verified; why the other is not taken is reported too."""

        def refuse(*_: object) -> None:
            raise ArtifactError(f"{ARTIFACT}: the artifact is not signed")

        monkeypatch.setattr(signed.distributions, "fetch", refuse)
        signed.distributions.push(ARTIFACT, SECOND, only(NEW))
        signed.settle(EVERY * 2, until=lambda: signed.condition(names.UPGRADE_BLOCKED) is not None)
        assert FIRST in (signed.condition(names.VERIFIED) or {})["message"]
        assert (signed.condition(names.READY) or {})["status"] == "True"

    def test_a_signed_artifact_that_cannot_be_built_is_not_the_one_that_runs(self) -> None:
        """Even in a process that has not seen the installed one."""
        world = World()
        world.distributions.push(ARTIFACT, FIRST, only(MIDDLE), verified=self.SIGNER)
        create(world)
        world.reach(State.READY)
        world.distributions.push(ARTIFACT, SECOND, EMPTY, verified=self.SIGNER)
        world.boot()
        world.settle(EVERY, until=lambda: world.condition(names.UPGRADE_BLOCKED) is not None)
        assert world.condition(names.UPGRADE_BLOCKED)
        assert FIRST in (world.condition(names.VERIFIED) or {})["message"]

    def test_it_goes_when_nobody_asks_for_it_any_more(self, signed: World) -> None:
        """What was not verified is not called so."""
        signed.distributions.push(ARTIFACT, FIRST, only(MIDDLE))
        signed.boot()
        signed.settle(EVERY)
        assert signed.condition(names.VERIFIED) is None
