# SPDX-License-Identifier: Apache-2.0
"""What the API says about an instance in each state, by the machine and by the status alone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.core.status import OWN_FIELDS
from fluxsm.errors import ArtifactError
from fluxsm.machine.states import State
from fluxsm.simulation.registry import starter
from fluxsm.simulation.world import INSTANCE, World
from states.table import TABLE
from tests.states.worlds import CONTROLLER, DIGEST, REFERENCE, WORLDS, installed, version
from tests.unit.web.showing import shown

STATES = pytest.mark.parametrize("state", WORLDS, ids=str)


def answer(world: World, *, leading: bool = True) -> dict[str, Any]:
    """The answer about the instance of a world."""
    found: dict[str, Any] = shown(world, leading=leading)[0].content().instance
    return found


@STATES
def test_the_leader_shows_where_the_machine_stands(state: State) -> None:
    """Also where the status does not say so yet."""
    found = answer(WORLDS[state]())
    assert (found["state"], found["inferred"], found["operator"]["role"]) == (
        state.value, False, "leader",
    )  # fmt: skip
    assert found["meaning"] == TABLE.states[state].meaning
    assert found["advice"] == TABLE.states[state].advice


@STATES
def test_a_state_that_works_waits_within_its_limit(state: State) -> None:
    """One that rests waits for nothing; its timer is another thing."""
    found = answer(WORLDS[state]())
    definition = TABLE.states[state]
    assert (found["waiting"] is None) is definition.rests
    if found["waiting"] is not None:
        assert found["waiting"]["message"]
        assert found["waiting"]["limitSeconds"] > 0
        assert found["waiting"]["deadline"] > found["waiting"]["since"]


@STATES
def test_a_standby_shows_what_the_status_says(state: State) -> None:
    """It may be behind by a second, but is about the same instance."""
    world = WORLDS[state]()
    world.pass_time(timedelta(0))
    found = answer(world, leading=False)
    assert found["state"] == world.status.get("state", "")
    assert found["inferred"] is False
    assert found["operator"]["leads"] is False


@pytest.mark.parametrize(
    "state", [State.READY, State.FAILED, State.SUSPENDED, State.UNINSTALLING], ids=str
)
def test_without_our_fields_the_state_is_inferred(state: State) -> None:
    """The reference writes none, and its CRD drops ours."""
    world = WORLDS[state]()
    world.user.patch(INSTANCE, {"status": dict.fromkeys(OWN_FIELDS)}, subresource="status")
    assert not OWN_FIELDS & world.status.keys()
    found = answer(world, leading=False)
    assert (found["state"], found["inferred"]) == (state.value, True)


def test_a_run_without_our_fields_has_no_state() -> None:
    """Conditions say that something is done, and not what; the page does not guess."""
    world = WORLDS[State.HEALTH_CHECKING]()
    world.user.patch(INSTANCE, {"status": dict.fromkeys(OWN_FIELDS)}, subresource="status")
    found = answer(world, leading=False)
    assert (found["state"], found["kind"], found["meaning"]) == ("", "", "")
    assert found["waiting"]["message"] == world.message


def test_components_have_their_image_and_the_report_says_how_they_are() -> None:
    """Without a report nothing is said about that."""
    world = installed()
    board, sources = shown(world)
    [alone] = board.content().instance["components"]
    assert (alone["name"], alone["ready"], alone["status"]) == ("source-controller", None, "")
    assert alone["image"].startswith("ghcr.io/fluxcd/source-controller:v")
    part = {"name": "source-controller", "ready": False, "status": "0/1", "image": ""}
    sources.reported = {"spec": {"components": [part]}}
    board.changed()
    [reported] = board.content().instance["components"]
    assert (reported["ready"], reported["status"]) == (False, "0/1")


def test_the_inventory_has_the_health_of_each_object() -> None:
    """One that somebody deletes is missed at once."""
    world = installed()
    board, _ = shown(world)
    before = board.content().instance["inventory"]
    assert len(before) == len(world.status["inventory"]["entries"])
    assert {item["health"] for item in before} == {"Current"}
    world.user.delete(CONTROLLER)
    board.changed()
    gone = [item for item in board.content().instance["inventory"] if item["health"] != "Current"]
    assert [(item["kind"], item["name"]) for item in gone] == [("Deployment", "source-controller")]


def test_a_conflict_over_a_field_is_shown() -> None:
    """Until it is over; with how often the object was repaired."""
    world = installed()
    for replicas in (3, 4, 5):
        world.user.patch(CONTROLLER, {"spec": {"replicas": replicas}})
        world.settle()
    [conflict] = answer(world)["conflicts"]
    assert conflict["object"] == "Deployment/flux-system/source-controller"
    assert (conflict["repairs"], conflict["serious"]) == (3, True)
    assert answer(world, leading=False)["conflicts"] == []


def test_a_blocked_upgrade_is_shown_on_a_running_flux() -> None:
    """With its reason; what runs is Ready."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, starter())
    world.create(distribution=version("2.x", artifact=REFERENCE))
    world.reach(State.READY)
    world.distributions.down = ArtifactError("no route to host")
    world.pass_time(timedelta(hours=2))
    found = answer(world)
    assert found["state"] == "Ready"
    assert found["blocked"]["reason"] == names.ARTIFACT_FAILED
    assert "no route to host" in found["blocked"]["message"]


def test_a_deleted_instance_leaves_its_history() -> None:
    """The page does not go blank in the moment in which somebody looks."""
    world = installed()
    world.delete()
    world.settle(timedelta(minutes=1))
    board, _ = shown(world)
    assert board.content().instance["found"] is False
    assert board.content().history["runs"][0]["result"] == "gone"


def test_what_is_not_known_is_not_absent() -> None:
    """That the instance may not be read does not say that there is none."""
    board, sources = shown(World(), leading=False)
    assert board.content().instance["found"] is False
    sources.missing = {"instance": "reading FluxInstance (Forbidden)"}
    board.changed()
    found = board.content().instance
    assert (found["found"], found["problem"]) == (None, "reading FluxInstance (Forbidden)")


@STATES
def test_answers_at_rest_stay_the_same(state: State) -> None:
    """Time alone changes nothing, so that an ETag is of use."""
    world = WORLDS[state]()
    board, _ = shown(world)
    before = json.dumps([board.content().instance, board.content().history])
    world.clock.advance(timedelta(seconds=7, milliseconds=333))
    board.changed()
    assert json.dumps([board.content().instance, board.content().history]) == before


def test_the_machine_has_every_row_and_the_way_of_the_run() -> None:
    """The way is that of the last run alone."""
    world = installed()
    found = shown(world)[0].content().machine
    assert len(found["rows"]) == len(TABLE.rows)
    assert [item["name"] for item in found["states"]] == [state.value for state in TABLE.states]
    assert [item["dest"] for item in found["path"]] == [
        "FetchingArtifact", "Building", "Applying", "HealthChecking", "Ready",
    ]  # fmt: skip
    world.user.delete(CONTROLLER)
    world.reach(State.HEALTH_CHECKING)
    path = shown(world)[0].content().machine["path"]
    assert [item["event"] for item in path] == ["Applied"]


def test_events_are_shown_newest_first_with_their_meaning() -> None:
    """Whoever wrote them, in the old form and in the new one."""
    board, sources = shown(installed())
    old = {
        "metadata": {"name": "a"}, "type": "Warning", "reason": names.BUILD_FAILED,
        "message": "no such version", "count": 2, "lastTimestamp": "2026-01-01T00:00:02Z",
        "source": {"component": "flux-operator"},
    }  # fmt: skip
    new = {
        "metadata": {"name": "b"}, "type": "Normal", "reason": "Other", "message": "",
        "series": {"count": 7, "lastObservedTime": "2026-01-01T00:00:03.000000Z"},
        "reportingComponent": "other",
    }  # fmt: skip
    sources.recorded = (old, new)
    first, second = board.content().events["events"]
    assert (first["count"], first["source"], first["meaning"]) == (7, "other", "")
    assert (second["count"], second["source"]) == (2, "flux-operator")
    assert second["meaning"].startswith("The spec and the distribution make no set of objects")
