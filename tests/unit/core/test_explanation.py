# SPDX-License-Identifier: Apache-2.0
"""Where an instance stands is read off the instance alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.api import glossary, names
from fluxsm.api.objects import Manifest
from fluxsm.core.explanation import Explanation, explain
from fluxsm.core.waits import Wait
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from states.table import TABLE

SINCE = "2026-01-01T12:00:00Z"
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
WAITING = "Waiting for Deployment/flux-system/source-controller (0/1 ready)"


def condition(type_: str, status: str, reason: str, message: str = "m") -> dict[str, Any]:
    """A condition of generation 1."""
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T12:00:30Z",
        "observedGeneration": 1,
    }


def instance(*conditions: dict[str, Any], **extra: Any) -> Manifest:
    """An instance; `metadata` is merged, the rest is its status."""
    metadata = {"name": "flux", "namespace": "flux-system", "generation": 1}
    metadata |= extra.pop("metadata", {})
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.INSTANCE_KIND,
        "metadata": metadata,
        "spec": {"distribution": {"version": "2.x", "registry": "r"}},
        "status": {"conditions": list(conditions), **extra},
    }


def working(state: State, message: str = WAITING, **extra: Any) -> Explanation:
    """The explanation of an instance that is at work."""
    both = (
        condition(names.RECONCILING, "True", names.PROGRESSING, message),
        condition(names.READY, "Unknown", names.PROGRESSING, message),
    )
    return explain(instance(*both, state=state.value, stateSince=SINCE, **extra), TABLE)


def test_a_wait_has_objects_and_a_limit() -> None:
    """What is missing, since when, and how long it may take: the annotation says so."""
    limited = {"annotations": {names.RECONCILE_TIMEOUT: "3m"}}
    found = working(State.HEALTH_CHECKING, metadata=limited)
    assert found.waits == (Wait(name="Deployment/flux-system/source-controller", why="0/1 ready"),)
    assert found.deadline is not None
    assert found.deadline.at == AT + timedelta(minutes=3)
    assert found.deadline.reason == names.HEALTH_CHECK_FAILED
    assert not found.is_overdue(AT + timedelta(minutes=3), timedelta(seconds=30))
    assert found.is_overdue(AT + timedelta(minutes=4), timedelta(seconds=30))


def test_a_limit_over_one_wait_begins_with_its_message() -> None:
    """Applying may take long, as long as it gets on."""
    found = working(State.APPLYING)
    assert found.deadline is not None
    assert found.deadline.since == AT + timedelta(seconds=30)


def test_a_retry_says_what_it_does_and_not_what_failed() -> None:
    """Ready has the failure, Reconciling what is done about it."""
    found = explain(
        instance(
            condition(names.RECONCILING, "True", names.PROGRESSING_WITH_RETRY, WAITING),
            condition(names.READY, "False", names.HEALTH_CHECK_FAILED, "health check failed: x"),
            state=State.HEALTH_CHECKING.value,
            stateSince=SINCE,
        ),
        TABLE,
    )
    assert found.doing == WAITING
    assert found.verdicts[0].condition.type == names.READY
    assert found.verdicts[0].remedy == glossary.REMEDIES[names.HEALTH_CHECK_FAILED]


def test_the_row_that_led_here_is_put_in_words() -> None:
    """The event by the words of the machine, the guard as it was saved."""
    arrival = {"from": "Building", "event": "Built", "guard": "a version is still stored"}
    found = working(State.MIGRATING, lastTransition=arrival)
    assert found.arrival is not None
    assert found.arrival.words == Event.BUILT.words
    assert found.arrival.guard == "a version is still stored"


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_words_and_ways(state: State) -> None:
    """Taken from the table, so a new row shows at once; a wait is no way."""
    found = explain(instance(state=state.value, stateSince=SINCE), TABLE)
    assert found.definition is TABLE.states[state]
    assert found.ways
    assert all(way.dest is not state for way in found.ways)
    assert {way.event for way in found.ways}.isdisjoint({Event.WAITING, Event.GONE})


@pytest.mark.parametrize(
    ("ready", "metadata", "state"),
    [
        ("True", {}, State.READY),
        ("False", {}, State.FAILED),
        ("Unknown", {}, None),
        ("True", {"annotations": {names.RECONCILE: "disabled"}}, State.SUSPENDED),
        ("True", {"deletionTimestamp": SINCE}, State.UNINSTALLING),
    ],
)
def test_the_fields_of_the_reference_decide_what_they_can(
    ready: str, metadata: dict[str, Any], state: State | None
) -> None:
    """And the explanation says that it was worked out."""
    found = explain(
        instance(condition(names.READY, ready, names.PROGRESSING), metadata=metadata), TABLE
    )
    assert (found.definition and found.definition.state) is state
    assert found.is_inferred
    assert found.arrival is None


def test_an_empty_status_is_explained() -> None:
    """Before any operator has seen the instance."""
    found = explain({"metadata": {"generation": 1}, "spec": {}}, TABLE)
    assert found.definition is None
    assert found.unseen == ("generation 1 of the spec; conditions are about 0",)


@pytest.mark.parametrize(
    ("metadata", "part"),
    [
        ({"generation": 2}, "generation 2 of the spec"),
        ({"annotations": {names.REQUESTED_AT: "now"}}, "the request to reconcile of now"),
        ({"annotations": {names.RECONCILE: "disabled"}}, "reconcile: disabled"),
        ({"deletionTimestamp": SINCE}, "its deletion"),
    ],
)
def test_what_was_asked_for_and_is_not_answered_is_named(
    metadata: dict[str, Any], part: str
) -> None:
    """Beside a stopped operator that is the first thing to know."""
    ready = condition(names.READY, "True", names.RECONCILIATION_SUCCEEDED)
    found = explain(instance(ready, state="Ready", stateSince=SINCE, metadata=metadata), TABLE)
    assert len(found.unseen) == 1
    assert part in found.unseen[0]


def test_nothing_is_unseen_at_rest() -> None:
    """An answered request stays in the annotations."""
    ready = condition(names.READY, "True", names.RECONCILIATION_SUCCEEDED)
    metadata = {"annotations": {names.REQUESTED_AT: "now"}}
    found = explain(
        instance(ready, state="Ready", metadata=metadata, lastHandledReconcileAt="now"), TABLE
    )
    assert found.unseen == ()


def test_a_resumed_instance_waits_for_the_operator() -> None:
    """The annotation is gone, the status still says Suspended."""
    ready = condition(names.READY, "True", names.RECONCILIATION_SUCCEEDED)
    found = explain(instance(ready, state="Suspended", stateSince=SINCE), TABLE)
    assert any("end of the suspension" in text for text in found.unseen)


def test_times_that_make_no_sense_count_as_not_known() -> None:
    """A status can be written by anybody."""
    timer = {"event": "Due", "at": "soon", "every": "often"}
    found = explain(instance(state="Applying", stateSince="yesterday", nextTransition=timer), TABLE)
    assert found.since is None
    assert found.deadline is None
    assert found.timer is not None
    assert (found.timer.at, found.timer.every) == (None, None)


def test_conditions_of_others_are_shown_without_our_words() -> None:
    """Their reasons may have the same name and another meaning."""
    found = explain(instance(condition("Compliant", "False", names.BUILD_FAILED)), TABLE)
    assert (found.verdicts[0].meaning, found.verdicts[0].remedy) == ("", "")


def test_remedies_are_for_reasons_that_exist() -> None:
    """No entry without a meaning."""
    assert set(glossary.REMEDIES) < set(glossary.REASONS)
