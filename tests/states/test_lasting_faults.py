# SPDX-License-Identifier: Apache-2.0
"""What happens with faults that last: what ends, what is shown, what is tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fluxsm.api import names
from fluxsm.api.objects import CRD, ObjectRef
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.errors import ConflictError, ForbiddenError
from fluxsm.machine.states import State
from fluxsm.simulation.faults import missing_permission, refusal
from fluxsm.simulation.registry import NEW, only
from fluxsm.simulation.world import INSTANCE, World
from states.behaviour import BEHAVIOUR
from states.guards import PASSING_TRIES
from tests.states.worlds import (
    CONTROLLER,
    DIGEST,
    GIT,
    GIT_CRD,
    REFERENCE,
    git_repository,
    installed,
    migrating,
    version,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LIMIT = timedelta(minutes=5)
FLUX_FINALIZER = "finalizers.fluxcd.io"


def warnings(world: World) -> list[str]:
    """The messages of all Warnings."""
    return [event.message for event in world.recorder.events if event.type == "Warning"]


def gone(world: World) -> bool:
    """Whether the instance is gone."""
    return world.read() is None


# Uninstallation


def test_one_warning_names_what_a_policy_keeps_and_why() -> None:
    """A policy refuses to patch one resource: gone after the limit, with growing pauses."""
    world = installed()
    world.user.create(git_repository("held", finalizers=[FLUX_FINALIZER]))
    world.cluster.gate.faults.append(
        refusal("patch", kinds=["GitRepository"], error=ForbiddenError, message="policy says no")
    )
    before = len(warnings(world))
    world.cluster.gate.log.clear()
    world.delete()
    began = world.clock.elapsed
    world.settle(LIMIT, until=lambda: gone(world))
    assert world.clock.elapsed - began == LIMIT
    [warning] = warnings(world)[before:]
    assert "GitRepository/flux-system/held: policy says no" in warning
    tries = [request for request in world.cluster.gate.log if request.verb == "patch"]
    assert len(tries) < 30


def test_what_may_not_be_watched_is_removed_all_the_same() -> None:
    """The inventory holds a kind that the role does not let us watch; the rest goes, and so it."""
    world = installed()
    world.cluster.gate.faults.append(missing_permission("watch", kinds=["Service"]))
    world.boot()
    world.delete()
    world.settle(LIMIT, until=lambda: gone(world))
    assert gone(world)
    assert world.clock.elapsed < LIMIT
    assert world.managed() == {f"Namespace/{names.DEFAULT_NAMESPACE}"}


def test_applying_names_the_kind_that_may_not_be_watched() -> None:
    """With the permission that is missing; the wait ends with a failure that says the same."""
    world = World()
    world.cluster.gate.faults.append(missing_permission("watch", kinds=["Service"]))
    world.create()
    world.settle(timedelta(seconds=5))
    assert "Service" in world.message
    assert "Forbidden" in world.message
    world.settle(2 * MINUTE, until=lambda: world.at(State.FAILED))
    assert world.reason == names.RECONCILIATION_FAILED
    assert "Service" in world.message


def test_no_finalizer_goes_while_a_controller_runs() -> None:
    """One that still runs would put it back, and prune what it has deployed."""
    world = World()
    world.controllers.pods.termination = timedelta(seconds=10)
    world.controllers.reconciling = True
    world.create()
    world.reach(State.READY, MINUTE)
    held = ObjectRef.of(world.user.create(git_repository("held")))
    world.settle()
    assert world.user.get(held)["metadata"]["finalizers"] == [FLUX_FINALIZER]
    seen: list[bool] = []

    def watch_over() -> bool:
        """After every turn: what is released, and whether a pod runs."""
        crds = list(world.cluster.store.peek(CRD.group, CRD.kind))
        held = list(world.cluster.store.peek(GIT.group, GIT.kind))
        touched = any("deletionTimestamp" in item["metadata"] for item in crds) or any(
            FLUX_FINALIZER not in (item["metadata"].get("finalizers") or []) for item in held
        )
        runs = world.controllers.pods.live("source-controller")
        assert not (touched and runs)
        seen.append(runs)
        return gone(world)

    world.delete()
    began = world.clock.elapsed
    world.settle(LIMIT, until=watch_over)
    assert gone(world)
    assert world.clock.elapsed - began >= timedelta(seconds=10)
    assert any(seen)
    assert world.managed() == {f"Namespace/{names.DEFAULT_NAMESPACE}"}


def test_a_controller_that_never_ends_is_named() -> None:
    """At the limit: success is not claimed, and what could not be touched is listed."""
    world = World()
    world.controllers.pods.termination = timedelta(hours=1)
    world.create()
    world.reach(State.READY, MINUTE)
    world.delete()
    world.settle(LIMIT, until=lambda: gone(world))
    assert gone(world)
    [warning] = [text for text in warnings(world) if "not removed within" in text]
    assert f"{CONTROLLER}: still being deleted" in warning
    assert f"{GIT_CRD}: not touched, because the controllers may still run" in warning


def test_a_kind_that_has_gone_meanwhile_holds_nothing_up() -> None:
    """The API server stops to serve a kind a moment before its definition is gone."""
    world = installed()
    held = ObjectRef.of(world.user.create(git_repository("held", finalizers=["example.com/mine"])))
    world.delete()
    world.settle(timedelta(seconds=3))
    world.cluster.unserved.add(GIT.kind)
    world.settle(timedelta(seconds=10))
    assert not gone(world)
    world.cluster.unserved.clear()
    world.user.patch(held, {"metadata": {"finalizers": None}})
    world.settle(MINUTE)
    assert gone(world)
    assert [text for text in warnings(world) if "not removed" in text] == []


def test_a_lost_status_leaves_nothing_behind() -> None:
    """A restore without status, and a deletion: what carries our labels is found."""
    world = installed()
    lost = dict.fromkeys(world.status)
    world.process.disconnected = True
    world.user.patch(INSTANCE, {"status": lost}, subresource="status")
    world.delete()
    world.boot()
    world.settle(MINUTE)
    assert gone(world)
    assert world.managed() == {f"Namespace/{names.DEFAULT_NAMESPACE}"}


def test_what_cannot_be_looked_for_is_named() -> None:
    """Nobody knows what is left of a kind that may not be listed."""
    world = installed()
    world.user.patch(INSTANCE, {"status": dict.fromkeys(world.status)}, subresource="status")
    world.cluster.gate.faults.append(refusal("list", kinds=["Service"], error=ForbiddenError))
    world.delete()
    world.boot()
    world.settle(LIMIT, until=lambda: gone(world))
    assert gone(world)
    assert any("Service" in text and "list" in text for text in warnings(world))


# What comes first


def test_a_spec_that_cannot_be_read_is_a_failure_like_any_other() -> None:
    """Failed and Stalled, naming the field; metrics follow; deletion and suspension are seen."""
    for end in ("delete", "suspend"):
        world = installed()
        world.edit(distribution={"version": ["2.x"], "registry": "r"})  # the memory admits it
        world.settle(MINUTE)
        assert world.at(State.FAILED)
        assert world.reason == names.BUILD_FAILED
        assert ".spec.distribution.version" in world.message
        assert (world.condition(names.STALLED) or {}).get("status") == "True"
        assert world.metrics.series is not None
        assert world.metrics.series["ready"] == "False"
        if end == "delete":
            world.delete()
            world.settle(MINUTE)
            assert gone(world)
            assert world.managed() == {f"Namespace/{names.DEFAULT_NAMESPACE}"}
        else:
            world.suspend()
            world.settle(MINUTE)
            assert world.at(State.SUSPENDED)


def test_a_deletion_is_seen_though_no_status_can_be_saved() -> None:
    """A status is a view: that it cannot be written stands in nobody's way."""
    world = installed()
    world.cluster.gate.faults.append(refusal("status", kinds=[names.INSTANCE_KIND]))
    world.edit(components=["source-controller", "notification-controller"])
    world.settle(MINUTE)
    world.delete()
    world.settle(MINUTE)
    assert gone(world)
    assert world.managed() == {f"Namespace/{names.DEFAULT_NAMESPACE}"}


def test_an_instance_that_is_gone_is_asked_about_once() -> None:
    """Deleted by hand while the watch is idle: one answer says so, and the watch reads again."""
    world = installed()
    world.process.disconnected = True
    world.user.patch(INSTANCE, {"metadata": {"finalizers": None}})
    world.user.delete(INSTANCE)
    world.cluster.gate.log.clear()
    world.user.apply_all([])
    world.clock.advance(timedelta(hours=2))
    world.settle(timedelta(hours=1))
    saves = [request for request in world.cluster.gate.log if request.call == "status"]
    assert len(saves) <= 1


# Clocks


@pytest.mark.parametrize("shift", [timedelta(days=-1), timedelta(days=1)], ids=["back", "forward"])
def test_the_wall_clock_decides_nothing(shift: timedelta) -> None:
    """Neither a retry nor a limit is moved by it."""
    world = World()
    world.controllers.healthy = lambda _: False
    world.create(annotations={names.RECONCILE_TIMEOUT: "20s"})
    world.pass_time(timedelta(seconds=10))
    assert world.at(State.HEALTH_CHECKING)
    world.clock.shift(shift)
    world.pass_time(timedelta(seconds=9))
    assert world.at(State.HEALTH_CHECKING)
    world.pass_time(timedelta(seconds=1.5))
    assert world.at(State.FAILED)
    world.clock.shift(-2 * shift)
    world.controllers.healthy = lambda _: True
    world.reach(State.READY, MINUTE)


# What passes


def test_a_conflict_over_the_finalizer_is_no_failure() -> None:
    """Another writer annotates the new instance: tried again, and nothing is reported."""
    world = World()
    world.cluster.gate.faults.append(
        refusal("patch", kinds=[names.INSTANCE_KIND], error=ConflictError, times=1)
    )
    world.create()
    world.reach(State.READY, MINUTE)
    assert State.FAILED not in world.path
    assert warnings(world) == []


def test_a_kind_that_an_api_server_does_not_know_is_not_migrated() -> None:
    """404 for a kind is not 404 for an object: nothing is trimmed until the objects are there."""
    world = migrating()
    world.settle(until=lambda: world.at(State.MIGRATING))
    world.cluster.unserved.add("GitRepository")
    world.settle(timedelta(seconds=30))
    assert "v1beta2" in world.user.get(GIT_CRD)["status"]["storedVersions"]
    world.cluster.unserved.clear()
    world.reach(State.READY, timedelta(minutes=10))
    assert world.user.get(GIT_CRD)["status"]["storedVersions"] == ["v1"]


def test_an_object_whose_version_is_retired_is_pruned() -> None:
    """The inventory lists it at a version that its definition has dropped since."""
    world = installed(
        components=["source-controller", "kustomize-controller"],
        sync={"kind": "GitRepository", "url": "https://example.com/a", "ref": "main", "path": "x"},
    )
    entries = world.status["inventory"]["entries"]
    for entry in entries:
        if entry["id"].endswith("GitRepository"):
            entry["v"] = "v1beta1"
    world.user.patch(
        INSTANCE, {"status": {"inventory": {"entries": entries}}}, subresource="status"
    )
    world.boot()
    world.edit(sync=None)
    world.settle(MINUTE)
    assert world.at(State.READY)
    assert not any(name.startswith("GitRepository/") for name in world.managed())


# What is shown


def unhealthy() -> World:
    """An instance that waits for its health."""
    world = World()
    world.controllers.healthy = lambda _: False
    world.create()
    world.settle(timedelta(seconds=10))
    assert world.at(State.HEALTH_CHECKING)
    return world


def test_nothing_claims_to_be_in_progress_while_suspended() -> None:
    """Suspended while health was waited for: Ready is decided, and Reconciling goes."""
    world = unhealthy()
    world.suspend()
    world.settle(MINUTE)
    ready_ = world.condition(names.READY) or {}
    assert (ready_["status"], ready_["reason"]) == ("False", names.HEALTH_CHECK_CANCELED)
    assert world.condition(names.RECONCILING) is None


def test_a_suspension_before_anything_was_written_leaves_ready_as_it_was() -> None:
    """The registry is slow; nothing was changed yet, so what runs is still Ready."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, only(NEW))
    world.create(distribution=version("2.x", artifact=REFERENCE))
    world.reach(State.READY, MINUTE)
    world.distributions.slow = 1_000
    world.annotate({names.REQUESTED_AT: "1"})
    world.settle(timedelta(seconds=20))
    assert (world.condition(names.READY) or {})["status"] == "Unknown"
    world.suspend()
    world.settle(MINUTE)
    assert (world.condition(names.READY) or {})["status"] == "True"
    assert world.condition(names.RECONCILING) is None


def test_a_failure_stays_visible_while_it_is_retried() -> None:
    """An alert on Ready=False fires and stays, from the first failure to the success."""
    world = unhealthy()
    world.annotate({names.RECONCILE_TIMEOUT: "20s"})
    world.settle(2 * MINUTE, until=lambda: world.at(State.FAILED))
    seen = set()

    def note() -> bool:
        condition = world.condition(names.READY) or {}
        seen.add((condition.get("status"), condition.get("reason")))
        return False

    world.settle(5 * MINUTE, until=note)
    assert seen == {("False", names.HEALTH_CHECK_FAILED)}
    world.controllers.healthy = lambda _: True
    world.reach(State.READY, timedelta(minutes=20))


def test_an_edit_after_a_failure_starts_with_unknown() -> None:
    """What has not failed yet is not shown as failed."""
    world = unhealthy()
    world.annotate({names.RECONCILE_TIMEOUT: "20s"})
    world.settle(2 * MINUTE, until=lambda: world.at(State.FAILED))
    world.edit(components=["source-controller", "notification-controller"])
    world.settle(timedelta(seconds=10))
    assert (world.condition(names.READY) or {})["status"] == "Unknown"


def test_a_limit_is_about_what_is_waited_for_now() -> None:
    """The CRDs were there in time; what is slow is the next stage."""
    world = World()
    world.controllers.establishing = False
    world.create()
    world.settle(timedelta(seconds=40))
    assert "CustomResourceDefinition" in world.message
    world.controllers.establishing = True
    world.cluster.gate.faults.append(missing_permission("watch", kinds=["Deployment"]))
    world.settle(timedelta(seconds=45))
    assert world.at(State.APPLYING)
    assert "CustomResourceDefinition" not in world.message
    world.settle(MINUTE, until=lambda: world.at(State.FAILED))
    assert world.at(State.FAILED)
    assert "Deployment" in world.message


# Upgrades


def test_a_look_for_newer_versions_never_fails_a_build() -> None:
    """A release candidate that is asked for by name, and nothing else on offer."""
    world = World(supported_minors=frozenset({"2.8"}))
    world.distributions.push(REFERENCE, DIGEST, only(NEW))
    world.create(distribution=version(NEW.removeprefix("v"), artifact=REFERENCE))
    world.reach(State.READY, MINUTE)
    assert world.status["lastAppliedRevision"].startswith(NEW)


@pytest.mark.parametrize(
    ("key", "asks"),
    [("example.com/team", False), (names.REQUESTED_AT, True), (names.RECONCILE_TIMEOUT, True)],
)
def test_only_what_is_documented_asks(key: str, asks: bool) -> None:
    """Any other annotation means nothing, also while an upgrade is blocked."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, only(NEW))
    world.create(distribution=version("2.x", artifact=REFERENCE))
    world.reach(State.READY, MINUTE)
    world.distributions.push(REFERENCE, DIGEST.replace("1", "2"), only())
    world.settle(timedelta(minutes=11))
    assert (world.condition(names.UPGRADE_BLOCKED) or {}).get("status") == "True"
    world.annotate({key: "1m"})
    world.settle(timedelta(seconds=1))
    assert ((world.condition(names.READY) or {})["status"] == "True") is not asks


# Defects


@pytest.mark.parametrize("state", [State.HEALTH_CHECKING, State.READY], ids=str)
def test_a_defect_of_a_handler_is_reported(state: State) -> None:
    """In an event, and in the status where the run fails; without its text, with growing pauses."""

    def broken(observed: Observed, ports: Ports) -> Outcome:
        raise KeyError("a secret", observed, ports)

    handlers = {**BEHAVIOUR.handlers, state: broken}
    world = World(behaviour=replace(BEHAVIOUR, handlers=handlers))
    world.create()
    world.settle(MINUTE)
    assert any("internal error (KeyError)" in text for text in warnings(world))
    assert not any("secret" in text for text in warnings(world))
    assert len(world.steps) < 300
    if state is State.HEALTH_CHECKING:
        assert "internal error (KeyError)" in world.message


def test_a_retry_does_not_insist_within_a_state() -> None:
    """What may pass is tried some seconds long once; a run that retries it tries it twice."""
    world = installed()
    world.cluster.gate.faults.append(refusal("apply", kinds=["Deployment"]))
    world.edit(components=["source-controller", "notification-controller"])
    world.pass_time(HOUR)
    runs = sum(step.moved and step.row.dest is State.FAILED for step in world.steps)
    applied = world.activity.hour().requests["apply", "Deployment"]
    assert runs > 5
    assert applied <= 2 * (1 + PASSING_TRIES + 2 * runs)
