# SPDX-License-Identifier: Apache-2.0
"""Whole lifecycles of an instance, from creation to deletion."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.errors import ForbiddenError, UnavailableError
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.machine.table import Row
from fluxsm.objects import inventory
from fluxsm.simulation.audit import orphans, picture, plain, unreadable
from fluxsm.simulation.faults import Fault
from fluxsm.simulation.registry import NEW, only, starter
from fluxsm.simulation.world import INSTANCE, NAMESPACE, World
from states.table import TABLE
from tests.states import invariants
from tests.states.worlds import (
    CONTROLLER,
    DIGEST,
    GIT,
    GIT_CRD,
    REFERENCE,
    WORLDS,
    git_repository,
    installed,
    migrating,
    old_flux,
    version,
)

HAPPY = [
    State.FETCHING_ARTIFACT,
    State.BUILDING,
    State.APPLYING,
    State.HEALTH_CHECKING,
    State.READY,
]
MINUTE = timedelta(minutes=1)
KUSTOMIZE = ObjectRef(CONTROLLER.kind, NAMESPACE, "kustomize-controller")


def taken(world: World) -> list[Row]:
    """The rows that were taken, without waits."""
    return [step.row for step in world.steps if step.moved]


def test_an_installation_goes_the_documented_way() -> None:
    """From Pending to Ready, and each row that was taken follows on the one before it."""
    world = installed()
    assert world.path == HAPPY
    rows = taken(world)
    assert rows[0].source is TABLE.initial
    assert all(first.dest is second.source for first, second in pairwise(rows))


def test_the_status_of_an_installation_is_complete() -> None:
    """Revisions, artifact, components, inventory and history say what was installed."""
    status = installed().status
    revision = status["lastAppliedRevision"]
    assert revision.startswith(f"{NEW}@sha256:")
    assert status["lastAttemptedRevision"] == revision
    assert "lastArtifactRevision" not in status
    assert [item["name"] for item in status["components"]] == ["source-controller"]
    (snapshot,) = status["history"]
    assert snapshot["digest"] == revision.partition("@")[2]
    assert snapshot["metadata"] == {"flux": NEW}
    assert snapshot["lastReconciledStatus"] == names.RECONCILIATION_SUCCEEDED
    ids = {entry["id"] for entry in status["inventory"]["entries"]}
    assert f"{NAMESPACE}_source-controller_apps_Deployment" in ids
    assert f"_{GIT_CRD.name}_apiextensions.k8s.io_CustomResourceDefinition" in ids


def test_everything_installed_is_in_the_inventory_and_nothing_else() -> None:
    """What carries our label is what is listed."""
    world = installed()
    listed = inventory.of_status(world.read() or {})
    assert {str(entry.ref) for entry in listed} == world.managed()


def test_an_installation_costs_little_more_than_its_objects() -> None:
    """One request for each object, and at most twenty for the rest."""
    world = installed()
    assert len(world.cluster.gate.asked()) <= len(world.managed()) + 20


@pytest.mark.parametrize("old", [False, True], ids=["fresh", "over a bridge"])
def test_the_inventory_is_saved_before_the_first_write(*, old: bool) -> None:
    """A crash right after any write finds the object in the list."""
    world = World()
    if old:
        old_flux(world)
    world.cluster.store.on_write = lambda _: _check_listed(world)
    world.create()
    world.settle()
    assert world.at(State.READY)


def _check_listed(world: World) -> None:
    assert orphans(world) == []


def test_a_quiet_look_asks_nothing() -> None:
    """A periodic run with nothing to do: no request at all, no event, the same history."""
    world = installed()
    before = (len(world.cluster.gate.asked()), len(world.recorder.events), picture(world))
    world.settle(timedelta(minutes=61))
    assert world.path == [*HAPPY, State.PENDING, *HAPPY]
    after = (len(world.cluster.gate.asked()), len(world.recorder.events), picture(world))
    assert after == before


def test_a_requested_look_costs_three_requests_at_most() -> None:
    """It answers the request in the status; objects keep their resourceVersion."""
    world = installed()
    requests = len(world.cluster.gate.asked())
    versions = {ref: item for ref, item in picture(world).items() if "FluxInstance" not in ref}
    world.annotate({names.REQUESTED_AT: "now"})
    world.settle()
    assert world.at(State.READY)
    assert world.status["lastHandledReconcileAt"] == "now"
    assert len(world.cluster.gate.asked()) - requests <= 3
    assert world.status["history"][0]["totalReconciliations"] == 2
    assert {r: i for r, i in picture(world).items() if "FluxInstance" not in r} == versions


def test_a_restart_finds_everything_in_place() -> None:
    """A new process applies once, since it knows of no answer, and changes nothing."""
    world = installed()
    before = picture(world)
    world.boot()
    world.settle()
    assert world.at(State.READY)
    assert picture(world) == before


def test_a_changed_spec_is_picked_up_at_once_while_waiting() -> None:
    """Health is waited for, the spec changes, and the wait is over without any time passing."""
    world = World()
    world.controllers.healthy = lambda _: False
    world.create()
    world.settle(timedelta(seconds=2))
    assert world.at(State.HEALTH_CHECKING)
    now = world.clock.now()
    world.controllers.healthy = lambda _: True
    world.edit(components=["source-controller", "kustomize-controller"])
    world.reach(State.READY)
    assert world.clock.now() == now
    assert "HealthCheckCanceled" in world.recorder.reasons
    assert f"Deployment/{NAMESPACE}/kustomize-controller" in world.managed()


@pytest.mark.parametrize("state", list(WORLDS), ids=str)
def test_every_scene_is_what_it_says(state: State) -> None:
    """The worlds of the next tests are in the state that they are named after."""
    assert WORLDS[state]().at(state)


@pytest.mark.parametrize("state", [s for s in WORLDS if s is not State.UNINSTALLING], ids=str)
def test_a_suspension_is_noticed_in_every_state(state: State) -> None:
    """At once, without another write to the cluster; and a resume leads to Ready."""
    world = WORLDS[state]()
    world.suspend()
    writes = len(world.cluster.gate.mutations())
    assert world.settle() is None
    assert world.at(State.SUSPENDED)
    written = {str(request.ref) for request in world.cluster.gate.mutations()[writes:]}
    assert written <= {str(INSTANCE)}
    world.resume()
    world.settle(MINUTE)
    assert world.at(State.READY)
    assert (orphans(world), unreadable(world)) == ([], [])


@pytest.mark.parametrize("state", list(WORLDS), ids=str)
def test_a_deletion_is_noticed_in_every_state(state: State) -> None:
    """The instance goes, and with it everything that it installed, unless it was suspended."""
    world = WORLDS[state]()
    world.delete()
    world.settle(timedelta(minutes=6))
    assert world.read() is None
    assert world.at(None)
    kept = world.managed() - {f"Namespace/{NAMESPACE}"}
    assert bool(kept) is (state is State.SUSPENDED)


@pytest.mark.parametrize(
    "state", [s for s in WORLDS if s not in {State.UNINSTALLING, State.SUSPENDED}], ids=str
)
def test_a_changed_spec_is_noticed_in_every_state(state: State) -> None:
    """The next revision is the one of the new spec."""
    world = WORLDS[state]()
    world.edit(cluster={"networkPolicy": False})
    world.settle(MINUTE)
    assert world.at(State.READY)
    assert not [ref for ref in world.managed() if ref.startswith("NetworkPolicy")]
    assert orphans(world) == []


@pytest.mark.parametrize("state", list(WORLDS), ids=str)
def test_a_restart_in_any_state_leads_to_the_same_end(state: State) -> None:
    """Nothing that is lost with the process is needed."""
    world, undisturbed = WORLDS[state](), WORLDS[state]()
    world.boot()
    for each in (world, undisturbed):
        each.settle(MINUTE)
    assert picture(world) == picture(undisturbed)


@pytest.mark.parametrize("state", list(WORLDS), ids=str)
def test_a_lost_status_leads_to_the_same_place(state: State) -> None:
    """The saved state is a view: without it everything is worked out again."""
    world = WORLDS[state]()
    kept = (world.status.get("inventory"), world.process.state)
    world.user.patch(
        INSTANCE,
        {"status": {key: None for key in world.status if key != "inventory"}},
        subresource="status",
    )
    world.boot()
    world.settle(MINUTE)
    if state in {State.SUSPENDED, State.UNINSTALLING}:
        assert world.process.state in {State.SUSPENDED, None}
    else:
        assert world.at(State.READY), kept
    assert orphans(world) == []


def test_a_status_that_is_lost_while_ready_is_worked_out_again() -> None:
    """Without a restart, at once, and with everything that it said."""
    world = installed()
    before = plain(world.status)
    lost = dict.fromkeys(world.status)
    world.user.patch(INSTANCE, {"status": lost}, subresource="status")
    world.settle()
    assert plain(world.status) == before


def test_a_status_that_is_lost_while_suspended_is_worked_out_again() -> None:
    """Ready is decided again when the next event wakes the operator, without a resume."""
    world = World()
    world.create()
    world.reach(State.READY)
    world.suspend()
    world.reach(State.SUSPENDED)
    lost = dict.fromkeys(world.status)
    world.user.patch(INSTANCE, {"status": lost}, subresource="status")
    world.edit(components=["source-controller", "notification-controller"])
    world.settle()
    assert world.at(State.SUSPENDED)
    assert world.reason == names.RECONCILIATION_DISABLED


def test_a_component_that_is_dropped_is_removed() -> None:
    """Its Deployment leaves the cluster and the inventory."""
    world = installed(components=["source-controller", "kustomize-controller"])
    world.edit(components=["source-controller"], cluster={"networkPolicy": False})
    world.settle()
    assert world.at(State.READY)
    assert f"Deployment/{NAMESPACE}/kustomize-controller" not in world.managed()
    ids = {entry["id"] for entry in world.status["inventory"]["entries"]}
    assert f"{NAMESPACE}_kustomize-controller_apps_Deployment" not in ids
    assert f"{NAMESPACE}_allow-egress_networking.k8s.io_NetworkPolicy" not in ids
    assert [item["name"] for item in world.status["components"]] == ["source-controller"]
    assert len(world.status["history"]) == 2
    assert orphans(world) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"labels": {names.OWNER_NAME_LABEL: None}}, id="without our label"),
        pytest.param({"annotations": {names.PRUNE: "Disabled"}}, id="with pruning disabled"),
    ],
)
def test_an_object_that_is_not_ours_any_more_is_never_removed(change: Manifest) -> None:
    """Neither by garbage collection nor by the uninstallation."""
    world = installed(components=["source-controller", "kustomize-controller"])
    world.process.disconnected = True  # the change comes just before the removal
    world.user.patch(
        KUSTOMIZE,
        {"metadata": change},
    )
    world.edit(components=["source-controller"])
    world.process.instances.listen()
    for _ in range(12):
        world.process.turn()
        world.process.instances.listen()
    world.process.disconnected = False
    world.settle()
    world.delete()
    world.settle()
    found = world.user.get(KUSTOMIZE)
    assert found["metadata"]["name"] == "kustomize-controller"


def test_an_upgrade_over_a_storage_version_loses_nothing() -> None:
    """Old objects are rewritten before the version in which they lie is dropped."""
    world = World()
    old_flux(world)
    world.create()
    world.settle()
    assert world.at(State.READY)
    assert world.path[2:4] == [State.MIGRATING, State.APPLYING]
    assert world.user.get(GIT_CRD)["status"]["storedVersions"] == ["v1"]
    assert unreadable(world) == []
    assert len(list(world.user.list(GIT))) == 2


def test_a_storage_version_that_changes_is_migrated_after_health() -> None:
    """So that a failed upgrade can still be reverted."""
    world = World()
    old_flux(world)
    world.create(distribution=version("2.7.x"))
    world.settle()
    assert world.path[-3:] == [State.HEALTH_CHECKING, State.MIGRATING, State.READY]
    assert world.user.get(GIT_CRD)["status"]["storedVersions"] == ["v1"]
    stored = world.cluster.store.stored_at
    assert {stored[key] for key in stored if key[1] == "GitRepository"} == {"v1"}


def test_no_migration_is_made_where_it_is_not_wanted() -> None:
    """`migrateResources: false` leaves the objects as they are, forced or not."""
    world = World()
    old_flux(world)
    world.create(
        distribution=version("2.7.x"),
        migrateResources=False,
        annotations={names.FORCE_AT: "1", names.REQUESTED_AT: "1"},
    )
    world.settle()
    assert State.MIGRATING not in world.path
    assert world.user.get(GIT_CRD)["status"]["storedVersions"] == ["v1beta2", "v1"]


def test_a_forced_migration_is_done_once() -> None:
    """The same token again means nothing; the next one does."""
    world = installed()
    for token, forced in (("1", True), ("1", False), ("2", True)):
        done = len(world.path)
        world.annotate({names.FORCE_AT: token, names.REQUESTED_AT: token, "again": str(done)})
        world.settle()
        assert (State.MIGRATING in world.path[done:]) is forced, token
    assert world.status["lastHandledForceAt"] == "2"


def test_a_forced_migration_stays_wanted_until_it_is_done() -> None:
    """A failure on the way does not use the token up."""
    world = installed()
    world.cluster.gate.faults.append(
        Fault(
            error=ForbiddenError("listing: forbidden"),
            matches=lambda request: request.verb == "list" and request.kind == GIT,
        )
    )
    world.annotate({names.FORCE_AT: "1", names.REQUESTED_AT: "1"})
    world.reach(State.FAILED)
    assert world.status.get("lastHandledForceAt") is None
    world.reach(State.READY)
    assert world.status["lastHandledForceAt"] == "1"
    assert world.path[-2:] == [State.MIGRATING, State.READY]


def test_uninstalling_spares_what_flux_deployed() -> None:
    """Workloads survive; custom resources that a Flux finalizer held back are gone."""
    world = installed()
    held = git_repository("held", finalizers=["finalizers.fluxcd.io"])
    world.user.create(held)
    before = world.user.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "workload", "namespace": NAMESPACE},
        }
    )
    world.delete()
    world.settle()
    assert world.read() is None
    assert world.managed() == {f"Namespace/{NAMESPACE}"}
    assert world.user.get(ObjectRef.of(before)) == before
    assert world.metrics.series is None


def test_late_news_of_the_end_begin_nothing() -> None:
    """Once it let go, the operator does not touch what its watch still shows of the instance."""
    world = installed()
    world.delete()
    world.reach(State.UNINSTALLING)
    while world.steps[-1].row.dest is not None:
        world.controllers.run()
        world.process.receive()
        world.process.turn()
    taken = len(world.steps)
    assert world.process.instances.current() is not None
    assert world.process.turn() is None
    assert len(world.steps) == taken
    assert world.process.state is None


def test_uninstalling_asks_again_only_for_what_was_refused() -> None:
    """One object that resists for a while costs no request for the others."""
    world = installed()
    world.cluster.gate.faults.append(
        Fault(
            error=UnavailableError("try later"),
            matches=lambda request: (request.verb, request.ref) == ("delete", GIT_CRD),
            times=2,
        )
    )
    world.cluster.gate.log.clear()
    world.delete()
    world.settle(MINUTE)
    assert world.read() is None
    asked = Counter(
        request.ref for request in world.cluster.gate.log if request.verb in {"get", "delete"}
    )
    assert asked.pop(GIT_CRD) == 3
    assert asked
    assert set(asked.values()) == {1}


def test_what_is_on_its_way_out_is_not_asked_to_go_again() -> None:
    """The answer to its deletion was lost, and something holds it back for a while."""
    world = installed()
    held = world.user.create(git_repository("held", finalizers=["example.com/mine"]))
    lost = Fault(
        error=UnavailableError("no answer"),
        matches=lambda request: (request.verb, request.ref) == ("delete", GIT_CRD),
        when="after",
    )
    world.cluster.gate.faults.append(lost)
    world.cluster.gate.log.clear()
    world.delete()
    world.settle(MINUTE)
    assert lost.times == 0
    world.user.patch(ObjectRef.of(held), {"metadata": {"finalizers": None}})
    world.settle()
    assert world.read() is None
    log = world.cluster.gate.log
    assert [item.verb for item in log if item.ref == GIT_CRD and item.mutates] == ["delete"]


def test_uninstalling_says_what_it_could_not_remove() -> None:
    """A finalizer of somebody else holds a CRD back; after the time limit that is reported."""
    world = installed()
    world.user.create(git_repository("held", finalizers=["example.com/mine"]))
    world.delete()
    began = world.clock.now()
    world.settle(timedelta(minutes=6))
    assert world.read() is None
    assert world.clock.now() - began >= world.settings.uninstall_timeout
    (event,) = [item for item in world.recorder.events if "not removed" in item.message]
    assert event.type == "Warning"
    assert GIT_CRD.name in event.message


def test_an_instance_made_suspended_is_initialised_and_left_alone() -> None:
    """It gets its finalizer and Ready=True/ReconciliationDisabled; then it can be deleted."""
    world = World()
    world.create(annotations={names.RECONCILE: "Disabled"})
    assert world.settle() is None
    found = world.read() or {}
    assert names.FINALIZER in found["metadata"]["finalizers"]
    assert world.reason == names.RECONCILIATION_DISABLED
    assert world.managed() == set()
    assert world.recorder.reasons == [names.RECONCILIATION_DISABLED]
    world.delete()
    world.settle()
    assert world.read() is None


def test_a_suspension_together_with_an_edit_changes_nothing() -> None:
    """The edit waits until the instance is enabled; deleted then, it is uninstalled in full."""
    world = installed(components=["source-controller", "kustomize-controller"])
    world.user.patch(
        INSTANCE,
        {
            "metadata": {"annotations": {names.RECONCILE: names.DISABLED}},
            "spec": {"components": ["source-controller"]},
        },
    )
    assert world.settle() is None
    assert f"Deployment/{NAMESPACE}/kustomize-controller" in world.managed()
    assert world.recorder.reasons[-1] == names.RECONCILIATION_DISABLED
    world.resume()
    world.delete()
    world.settle()
    assert world.managed() == {f"Namespace/{NAMESPACE}"}


def test_each_trigger_while_suspended_is_answered_with_a_warning() -> None:
    """So that whoever asks for a run learns why there is none."""
    world = installed()
    world.suspend()
    world.settle()
    before = world.recorder.reasons.count(names.RECONCILIATION_DISABLED)
    world.annotate({names.REQUESTED_AT: "now"})
    world.settle()
    assert world.recorder.reasons.count(names.RECONCILIATION_DISABLED) == before + 1
    assert world.status["lastHandledReconcileAt"] == "now"
    assert world.metrics.series is not None
    assert world.metrics.series["suspended"] == "True"


def test_a_label_starts_no_run() -> None:
    """Only the spec and the annotations are asked about."""
    world = installed()
    steps = len(world.path)
    world.user.patch(INSTANCE, {"metadata": {"labels": {"a": "b"}}})
    world.settle()
    assert len(world.path) == steps


def test_the_next_run_is_due_after_the_interval() -> None:
    """With jitter by chance, and never while it is zero."""
    world = World(jitter=0.05)
    world.clock.chance = 0.0
    world.create(annotations={names.RECONCILE_EVERY: "10m"})
    assert world.settle() == timedelta(minutes=9.5)
    world.annotate({names.RECONCILE_EVERY: "0s"})
    assert world.settle() is None


def test_events_tell_the_story_of_an_installation_and_an_upgrade() -> None:
    """In the documented order, and the last one names the revision."""
    world = World()
    world.create(distribution=version("2.7.x"))
    world.settle()
    assert world.recorder.reasons == [
        names.OUTDATED_VERSION,
        names.PROGRESSING,
        names.RECONCILIATION_SUCCEEDED,
        names.RECONCILIATION_SUCCEEDED,
    ]
    world.edit(distribution=version("2.8.x"))
    world.settle()
    text = " ".join(event.message for event in world.recorder.events)
    for part in ("is outdated", "Installing", "installed", "Upgrading to", "updated", "finished"):
        assert part in text
    last = world.recorder.events[-1]
    assert last.annotations[names.REVISION_ANNOTATION] == world.status["lastAppliedRevision"]


def test_an_artifact_that_changes_is_installed() -> None:
    """The digest is asked for in its rhythm; a new one starts a run."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, only("v2.7.5"))
    world.create(distribution=version("2.x", artifact=REFERENCE))
    world.settle(MINUTE)
    assert world.status["lastArtifactRevision"] == DIGEST
    newer = DIGEST.replace("1", "2")
    world.distributions.push(REFERENCE, newer, starter())
    world.settle(timedelta(minutes=11))
    assert world.status["lastArtifactRevision"] == newer
    assert world.status["lastAppliedRevision"].startswith(NEW)


def test_two_incarnations_of_an_instance_have_nothing_in_common() -> None:
    """Deleted and made again while nobody looked: the new one starts from the beginning."""
    world = installed()
    world.user.patch(INSTANCE, {"metadata": {"finalizers": None}})
    world.delete()
    world.create()
    steps = len(world.steps)
    world.settle()
    gone, first = world.steps[steps : steps + 2]
    assert (gone.row.event, gone.row.dest) == (Event.GONE, None)
    assert first.row.source is TABLE.initial
    assert world.at(State.READY)


def test_steps_of_an_installation_are_written_ahead() -> None:
    """No answer of an apply is known before everything that is applied is listed."""
    world = migrating()
    world.settle()
    for step in world.steps:
        invariants.check_write_ahead(step)
    assert any(step.row.event is Event.RECORDED for step in world.steps)
