# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, how it is reported, and how the instance comes back by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from fluxsm import errors
from fluxsm.api import names
from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.build.distribution import Distribution
from fluxsm.core import conditions
from fluxsm.errors import (
    ArtifactError,
    BuildError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    KindNotServedError,
    UnavailableError,
)
from fluxsm.machine.states import State
from fluxsm.objects import immutable
from fluxsm.simulation.audit import orphans, picture
from fluxsm.simulation.faults import Fault
from fluxsm.simulation.registry import only, starter, starter_files
from fluxsm.simulation.requests import Request
from fluxsm.simulation.world import INSTANCE, NAMESPACE, World
from tests.states.worlds import CONTROLLER, DIGEST, REFERENCE, installed, version

MINUTE = timedelta(minutes=1)


def entries(world: World, state: State) -> list[datetime]:
    """When a state was entered."""
    return [step.observed.now for step in world.steps if step.moved and step.row.dest is state]


def away(times: int | None = None) -> Fault:
    """The API server does not answer."""
    return Fault(error=UnavailableError("the API server cannot be reached"), times=times)


def refusing(name: str, leaf: type[ClusterError], times: int | None = None) -> Fault:
    """The API server refuses the apply of an object."""

    def matches(request: Request) -> bool:
        return request.verb == "apply" and request.ref is not None and request.ref.name == name

    return Fault(error=leaf(f"{name} apply failed (Some): no"), matches=matches, times=times)


# Bad instances


def no_folder(world: World) -> None:
    """The operator's own distribution is not there."""
    world.distributions.own = BuildError("storage path /data/flux does not exist")


def no_files(world: World) -> None:
    """The operator's own distribution is empty."""
    world.distributions.own = Distribution({}, source="/data")


def broken_file(world: World) -> None:
    """A file of the distribution is no YAML."""
    files = dict(starter_files())
    for path in [path for path in files if path.endswith("source-controller.yaml")]:
        files[path] = b"a: [b"
    world.distributions.own = Distribution(files, source="/data")


def nothing(world: World) -> None:
    """Nothing is wrong with the distribution."""
    del world


PATCH = {"target": {"kind": "Deployment"}, "patch": "- op: remove\n  path: /spec/nothing\n"}


@pytest.mark.parametrize(
    ("prepare", "spec", "text"),
    [
        pytest.param(nothing, {"distribution": version("3.x")}, "3.x", id="an unknown version"),
        pytest.param(nothing, {"distribution": version("new")}, "new", id="a range that is none"),
        pytest.param(no_folder, {}, "/data/flux does not exist", id="a missing distribution"),
        pytest.param(no_files, {}, "/data", id="an empty distribution"),
        pytest.param(broken_file, {}, "source-controller.yaml", id="a broken file"),
        pytest.param(nothing, {"kustomize": {"patches": [PATCH]}}, "/spec/nothing", id="a patch"),
    ],
)
def test_what_only_a_change_can_cure_is_stalled_and_tried_again(
    prepare: Callable[[World], None], spec: dict[str, Any], text: str
) -> None:
    """One clear message, one event, a history entry; a better spec leads to Ready at once."""
    world = World()
    prepare(world)
    world.create(**spec)
    world.settle(timedelta(milliseconds=100))
    assert world.at(State.FAILED)
    assert world.reason == names.BUILD_FAILED
    assert text in world.message
    assert conditions.is_true(world.status["conditions"], names.STALLED)
    assert world.recorder.reasons == [names.BUILD_FAILED]
    assert text in world.recorder.events[0].message
    assert world.status["history"][0]["lastReconciledStatus"] == names.BUILD_FAILED
    assert world.managed() == set()
    world.distributions.own = starter()
    now = world.clock.now()
    world.edit(distribution=version("2.8.x"), kustomize=None)
    world.settle()
    assert world.at(State.READY)
    assert world.condition(names.STALLED) is None
    assert world.clock.now() == now


def test_what_is_cured_by_itself_comes_back_without_a_change() -> None:
    """The distribution folder appears later; nobody has to restart or edit anything."""
    world = World()
    world.distributions.own = BuildError("storage path /data/flux does not exist")
    world.create()
    world.settle(MINUTE)
    assert world.at(State.FAILED)
    world.distributions.own = starter()
    world.settle(timedelta(hours=1), until=lambda: world.at(State.READY))
    assert world.at(State.READY)


def test_an_instance_of_another_name_is_not_looked_at() -> None:
    """Nor one in another namespace: nothing is ever written because of it."""
    world = World()
    world.user.create(
        {
            "apiVersion": names.API_VERSION,
            "kind": names.INSTANCE_KIND,
            "metadata": {"name": "other", "namespace": NAMESPACE},
            "spec": {"distribution": version("2.x")},
        }
    )
    assert world.settle() is None
    assert world.process.state is None
    assert world.cluster.gate.mutations() == []


def test_a_spec_that_cannot_even_be_read_is_reported_in_the_status() -> None:
    """Another CRD may have admitted it; it is neither applied nor forgotten."""
    world = World()
    world.create(sync={"kind": "Nonsense"})
    world.settle()
    assert world.reason == names.BUILD_FAILED
    assert "sync" in world.message
    world.edit(sync=None)
    world.settle()
    assert world.at(State.READY)


def test_an_installed_instance_is_never_downgraded_to_another_minor() -> None:
    """It says so and stays Stalled; it can still be uninstalled in full."""
    world = installed()
    world.edit(distribution=version("2.7.x"))
    world.settle(timedelta(milliseconds=100))
    assert world.at(State.FAILED)
    assert "is not supported" in world.message
    world.delete()
    world.settle()
    assert world.managed() == {f"Namespace/{NAMESPACE}"}


# Every leaf of the tree of errors


@pytest.mark.parametrize("error", [ArtifactError, errors.AbsentArtifactError])
def test_the_registry_that_is_down_is_retried(error: type[ArtifactError]) -> None:
    """ArtifactError: Ready=False/ArtifactFailed with the URL, exactly one event, no history."""
    world = World()
    world.distributions.down = error(f"{REFERENCE}: no such host")
    world.create(distribution=version("2.x", artifact=REFERENCE))
    world.settle(timedelta(milliseconds=100))
    assert (world.reason, REFERENCE in world.message) == (names.ARTIFACT_FAILED, True)
    retrying = world.condition(names.RECONCILING) or {}
    assert retrying["reason"] == names.PROGRESSING_WITH_RETRY
    assert world.condition(names.STALLED) is None
    assert world.recorder.reasons == [names.ARTIFACT_FAILED]
    assert "history" not in world.status
    world.distributions.push(REFERENCE, DIGEST, starter())
    world.distributions.down = None
    world.settle(MINUTE, until=lambda: world.at(State.READY))
    assert world.at(State.READY)


def test_a_missing_pull_secret_is_an_artifact_failure() -> None:
    """It names the Secret and the field; once it is there, the fetch goes on."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, starter())
    world.create(distribution=version("2.x", artifact=REFERENCE, artifactPullSecret="pull"))
    world.settle(timedelta(milliseconds=100))
    assert world.reason == names.ARTIFACT_FAILED
    assert f"Secret/{NAMESPACE}/pull" in world.message
    world.user.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "pull", "namespace": NAMESPACE},
        }
    )
    world.settle(MINUTE, until=lambda: world.at(State.READY))
    assert world.at(State.READY)


@pytest.mark.parametrize(
    "leaf",
    [InvalidError, ForbiddenError, ConflictError, KindNotServedError, UnavailableError],
    ids=lambda leaf: leaf.__name__,
)
def test_a_refused_apply_is_reported_and_tried_again(leaf: type[ClusterError]) -> None:
    """Ready=False/ReconciliationFailed names the object; what was applied is not orphaned."""
    world = World()
    world.cluster.gate.faults.append(refusing("source-controller", leaf))
    world.create()
    world.reach(State.FAILED)
    assert world.reason == names.RECONCILIATION_FAILED
    assert "source-controller" in world.message
    assert world.recorder.reasons.count(names.RECONCILIATION_FAILED) == 1
    assert orphans(world) == []
    world.cluster.gate.clear()
    world.settle(MINUTE, until=lambda: world.at(State.READY))
    assert world.at(State.READY)


def test_a_controller_that_does_not_come_up_fails_the_health_check() -> None:
    """HealthError: after the time limit, naming the Deployment and what it lacks."""
    world = World()
    world.controllers.healthy = lambda _: False
    world.create(annotations={names.RECONCILE_TIMEOUT: "20s"})
    began = world.clock.now()
    world.reach(State.FAILED, MINUTE)
    assert world.clock.now() - began == timedelta(seconds=20)
    assert world.reason == names.HEALTH_CHECK_FAILED
    assert "timeout waiting" in world.message
    assert f"{CONTROLLER} status: 'InProgress'" in world.message
    assert world.status["history"][0]["lastReconciledStatus"] == names.HEALTH_CHECK_FAILED
    world.controllers.healthy = lambda _: True
    world.reach(State.READY)


def test_health_is_not_waited_for_where_it_is_not_wanted() -> None:
    """`wait: false` is Ready as soon as everything is applied."""
    world = World()
    world.controllers.healthy = lambda _: False
    world.create(wait=False)
    now = world.clock.now()
    world.reach(State.READY)
    assert world.clock.now() == now


def test_a_crd_that_is_never_established_fails_its_stage() -> None:
    """After a minute, and nothing of the later stages is written."""
    world = World()
    world.controllers.establishing = False
    world.create()
    began = world.clock.now()
    world.reach(State.FAILED, timedelta(minutes=2))
    assert world.clock.now() - began == world.settings.stage_timeout
    assert "CustomResourceDefinition/" in world.message
    assert not [ref for ref in world.managed() if ref.startswith(("Deployment", "Service"))]
    world.controllers.establishing = True
    world.reach(State.READY)


def test_a_resource_that_cannot_be_migrated_is_a_visible_failure() -> None:
    """MigrationError: never only a log line; the retry finds the rest again."""
    from tests.states.worlds import GIT, migrating

    world = migrating()

    def matches(request: Request) -> bool:
        return request.verb == "patch" and request.kind == GIT

    world.cluster.gate.faults.append(Fault(error=InvalidError("no"), matches=matches))
    world.reach(State.FAILED)
    assert "could not be migrated to v1" in world.message
    world.reach(State.READY)


def test_an_inventory_that_makes_no_sense_is_a_failure_not_a_defect() -> None:
    """MalformedError: entries that name nothing are left out, a list that is none is reported."""
    world = installed()
    world.user.patch(
        INSTANCE, {"status": {"inventory": {"entries": [{"id": "x", "v": "v1"}]}}},
        subresource="status",
    )  # fmt: skip
    world.boot()
    world.settle(MINUTE)
    assert world.at(State.READY)
    assert orphans(world) == []


LEAVES = {
    errors.AbsentArtifactError: test_the_registry_that_is_down_is_retried,
    errors.BuildError: test_what_only_a_change_can_cure_is_stalled_and_tried_again,
    errors.ConflictError: test_a_refused_apply_is_reported_and_tried_again,
    errors.KindNotServedError: test_a_refused_apply_is_reported_and_tried_again,
    errors.InvalidError: test_a_refused_apply_is_reported_and_tried_again,
    errors.ForbiddenError: test_a_refused_apply_is_reported_and_tried_again,
    errors.UnavailableError: test_a_refused_apply_is_reported_and_tried_again,
    errors.HealthError: test_a_controller_that_does_not_come_up_fails_the_health_check,
    errors.MigrationError: test_a_resource_that_cannot_be_migrated_is_a_visible_failure,
    errors.MalformedError: test_an_inventory_that_makes_no_sense_is_a_failure_not_a_defect,
}
ELSEWHERE = {
    errors.ExpiredError: "tests/unit/adapters: a list or watch that starts over",
    errors.LeadershipError: "tests/unit/process: the process ends",
    errors.UsageError: "the command line",
}


def leaves(root: type[errors.FluxsmError]) -> set[type[errors.FluxsmError]]:
    """The classes of the tree that have no subclass."""
    below = {cls for cls in root.__subclasses__() if cls.__module__ == errors.__name__}
    return set().union(*(leaves(cls) for cls in below)) if below else {root}


def test_every_leaf_of_the_tree_is_driven_to_its_condition() -> None:
    """A new kind of error needs a test that shows what people see of it."""
    assert leaves(errors.FluxsmError) == LEAVES.keys() | ELSEWHERE.keys()


# Back-off


def test_failures_are_retried_with_a_delay_that_doubles() -> None:
    """0.75 s, 1.5 s, 3 s, ..., never more than the limit; a success starts it again."""
    world = World(max_retry=timedelta(seconds=10))
    world.cluster.gate.faults.append(refusing("source-controller", InvalidError))
    world.create()
    world.settle(timedelta(seconds=45))
    times = entries(world, State.FAILED)
    delays = [(later - sooner).total_seconds() for sooner, later in pairwise(times)]
    assert delays[:6] == [0.75, 1.5, 3.0, 6.0, 10.0, 10.0]
    world.cluster.gate.clear()
    world.reach(State.READY, MINUTE)
    world.cluster.gate.faults.append(refusing("source-controller", InvalidError))
    world.user.delete(CONTROLLER)
    done = len(entries(world, State.FAILED))
    world.settle(timedelta(seconds=2))
    again = entries(world, State.FAILED)[done:]
    assert (again[1] - again[0]).total_seconds() == 0.75


def test_an_edit_starts_the_back_off_again() -> None:
    """Whoever has just fixed the spec does not wait for the punishment of the old one."""
    world = World()
    world.create(distribution=version("9.x"))
    world.settle(MINUTE)
    world.edit(distribution=version("8.x"))
    world.settle(timedelta(seconds=1))
    first, second = entries(world, State.FAILED)[-2:]
    assert (second - first).total_seconds() == 0.75


# The API server


@pytest.mark.parametrize("skip", range(0, 40, 3))
def test_an_api_server_that_goes_away_loses_nothing(skip: int) -> None:
    """After so many requests it is away for a while; the instance becomes Ready by itself."""
    world = World()
    world.create()
    fault = away()
    fault.skip = skip
    world.cluster.gate.faults.append(fault)
    world.settle(MINUTE)
    world.cluster.gate.clear()
    world.settle(timedelta(minutes=3), until=lambda: world.at(State.READY))
    assert world.at(State.READY)
    world.settle(timedelta(minutes=3))
    assert world.reason == names.RECONCILIATION_SUCCEEDED
    assert orphans(world) == []
    assert picture(world) == picture(installed())


def test_a_status_that_conflicts_is_saved_on_top_of_the_newer_object() -> None:
    """A condition that somebody else has just added stays."""
    world = World()
    world.create()
    world.reach(State.APPLYING)
    world.process.disconnected = True
    foreign = {"type": "Foreign", "status": "True", "reason": "Mine", "message": ""}
    foreign |= {"lastTransitionTime": "2026-01-01T00:00:00Z"}
    world.user.patch(INSTANCE, {"status": {"conditions": [foreign]}}, subresource="status")
    world.process.turn()
    world.process.disconnected = False
    world.settle()
    assert world.at(State.READY)
    assert world.condition("Foreign") is not None


def test_nothing_is_written_before_the_inventory_is_saved() -> None:
    """While the status cannot be saved, the machine stays where it is."""
    world = World()

    def matches(request: Request) -> bool:
        return request.subresource == "status"

    fault = Fault(error=UnavailableError("down"), matches=matches, times=None)
    world.cluster.gate.faults.append(fault)
    world.create()
    world.settle(MINUTE)
    assert [r for r in world.cluster.gate.mutations() if r.verb == "apply"] == []
    world.cluster.gate.clear()
    world.settle(MINUTE, until=lambda: world.at(State.READY))
    assert world.at(State.READY)


# A release that nobody asked for


def blocked() -> World:
    """A Ready instance whose artifact has been replaced by a useless one."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, only("v2.8.8"))
    world.create(distribution=version("2.8.x", artifact=REFERENCE))
    world.settle()
    world.distributions.push(REFERENCE, DIGEST.replace("1", "3"), only("v2.7.5"))
    world.settle(timedelta(minutes=11), until=lambda: bool(world.condition("UpgradeBlocked")))
    return world


def test_an_upgrade_that_nobody_asked_for_never_demotes_a_running_flux() -> None:
    """Ready stays True on the running revision; UpgradeBlocked and a Warning say why."""
    world = blocked()
    assert world.at(State.READY)
    assert (world.condition(names.READY) or {})["status"] == "True"
    condition = world.condition(names.UPGRADE_BLOCKED) or {}
    assert condition["reason"] == names.BUILD_FAILED
    (event,) = [item for item in world.recorder.events if "is kept" in item.message]
    assert (event.type, event.reason) == ("Warning", names.BUILD_FAILED)
    assert world.status["lastArtifactRevision"] == DIGEST
    assert world.status["lastAppliedRevision"].startswith("v2.8.8")


def test_a_blocked_upgrade_is_tried_again_and_then_unblocked() -> None:
    """Without anybody doing anything but publishing a better artifact."""
    world = blocked()
    saved = world.read()
    world.settle(timedelta(minutes=5))
    assert world.read() == saved, "the same reason is not written again"
    tries = world.metrics.blocks
    assert len(tries) > 1
    assert set(tries) == {names.BUILD_FAILED}
    better = DIGEST.replace("1", "4")
    world.distributions.push(REFERENCE, better, starter())
    world.settle(timedelta(minutes=40))
    assert world.at(State.READY)
    assert world.condition(names.UPGRADE_BLOCKED) is None
    assert world.status["lastArtifactRevision"] == better
    seen = len(tries)
    world.settle(timedelta(hours=2))
    assert len(world.metrics.blocks) == seen


def test_drift_is_repaired_while_an_upgrade_is_blocked() -> None:
    """The running revision is looked after from the last good artifact."""
    world = blocked()
    world.user.delete(CONTROLLER)
    now = world.clock.now()
    world.settle(timedelta(milliseconds=1))
    assert world.clock.now() - now < timedelta(seconds=1)
    assert str(CONTROLLER) in world.managed()
    assert world.condition(names.UPGRADE_BLOCKED)


def test_an_edit_that_cannot_be_built_is_a_failure() -> None:
    """Somebody asked for it, so the failure has to be reported."""
    world = installed()
    world.edit(distribution=version("3.x"))
    world.settle(timedelta(milliseconds=1))
    assert world.at(State.FAILED)
    assert world.condition(names.UPGRADE_BLOCKED) is None


def test_a_registry_that_does_not_answer_a_check_changes_no_condition() -> None:
    """The look at the digest fails with a Warning only, and is repeated."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, starter())
    world.create(distribution=version("2.x", artifact=REFERENCE))
    world.settle()
    before = world.status["conditions"]
    world.distributions.down = ArtifactError(f"{REFERENCE}: timed out")
    world.settle(timedelta(minutes=11))
    assert world.status["conditions"] == before
    assert world.recorder.events[-1].reason == names.ARTIFACT_FAILED
    assert world.at(State.READY)


# What is not ours, and what cannot be changed


def test_a_foreign_object_is_never_touched() -> None:
    """What does not carry our label keeps its resourceVersion through a whole life."""
    world = World()
    foreign = [
        world.user.create(
            {"apiVersion": "v1", "kind": kind, "metadata": {"name": "mine", "namespace": NAMESPACE}}
        )
        for kind in ("ConfigMap", "ServiceAccount")
    ]
    world.create()
    world.settle()
    world.delete()
    world.settle()
    for item in foreign:
        assert world.user.get(ObjectRef.of(item)) == item


def test_an_immutable_field_fails_before_anything_is_applied() -> None:
    """The claim is not made again; reverting the change is enough."""
    claim = ObjectRef(Kind("", "v1", "PersistentVolumeClaim"), NAMESPACE, "source-controller")
    world = installed(storage={"class": "standard", "size": "1Gi"})
    uid, sent = world.user.get(claim)["metadata"]["uid"], len(world.cluster.gate.mutations())
    world.edit(storage={"class": "fast", "size": "1Gi"})
    world.settle(timedelta(seconds=5))
    assert world.reason == names.BUILD_FAILED
    assert world.condition(names.STALLED)
    assert "it is 'standard' and should become 'fast'" in world.message
    written = world.cluster.gate.mutations()[sent:]
    assert {request.kind.kind for request in written} == {names.INSTANCE_KIND}
    assert world.user.get(claim)["metadata"]["uid"] == uid
    world.edit(storage={"class": "standard", "size": "1Gi"})
    world.settle()
    assert world.at(State.READY)


def test_a_claim_that_is_on_its_way_out_is_not_compared() -> None:
    """Who follows the remedy gets the new claim by the next try."""
    claim = ObjectRef(Kind("", "v1", "PersistentVolumeClaim"), NAMESPACE, "source-controller")
    world = installed(storage={"class": "standard", "size": "1Gi"})
    world.edit(storage={"class": "fast", "size": "1Gi"})
    world.settle(timedelta(seconds=5))
    world.user.delete(claim)
    world.pass_time(timedelta(minutes=5))
    assert world.at(State.READY)
    assert world.user.get(claim)["spec"]["storageClassName"] == "fast"


def test_a_kind_of_which_nothing_is_known_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the API server would refuse fails before the apply all the same, by a dry run."""
    monkeypatch.setattr(immutable, "FIELDS", {})
    world = installed(storage={"class": "standard", "size": "1Gi"})
    sent = len(world.cluster.gate.mutations())
    world.edit(storage={"class": "fast", "size": "1Gi"})
    world.settle(timedelta(seconds=5))
    assert world.reason == names.BUILD_FAILED
    assert "spec.storageClassName: field is immutable" in world.message
    written = world.cluster.gate.mutations()[sent:]
    assert {request.kind.kind for request in written} == {names.INSTANCE_KIND}
