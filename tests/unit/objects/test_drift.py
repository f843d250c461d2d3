# SPDX-License-Identifier: Apache-2.0
"""What somebody else changed is read off the records of ownership."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.errors import MalformedError
from fluxsm.objects.drift import (
    CALM,
    FREE_REPAIRS,
    LONGEST_PAUSE,
    Drift,
    FieldConflict,
    after_repair,
    describe,
    differences,
    warning,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
LEAF: dict[str, Any] = {}

WANTED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "d",
        "namespace": "n",
        "creationTimestamp": None,
        "labels": {"app": "d", "team": "x"},
    },
    "spec": {
        "replicas": 1,
        "paused": None,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "manager",
                        "image": "i:1",
                        "args": ["--a", "--b"],
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                        "resources": {},
                    }
                ]
            }
        },
    },
}


def own_fields() -> dict[str, Any]:
    """Make the fields that the API server says we own after WANTED was applied."""
    port = 'k:{"containerPort":80,"protocol":"TCP"}'
    return {
        "f:metadata": {"f:labels": {"f:app": LEAF, "f:team": LEAF}},
        "f:spec": {
            "f:replicas": LEAF,
            "f:template": {
                "f:spec": {
                    "f:containers": {
                        'k:{"name":"manager"}': {
                            ".": LEAF,
                            "f:name": LEAF,
                            "f:image": LEAF,
                            "f:args": LEAF,
                            "f:ports": {
                                port: {".": LEAF, "f:containerPort": LEAF, "f:protocol": LEAF}
                            },
                            "f:resources": LEAF,
                        }
                    }
                }
            },
        },
    }


def at(fields: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return the part of a field set at a path."""
    for key in path:
        fields = fields[key]
    return fields


CONTAINERS = ("f:spec", "f:template", "f:spec", "f:containers")
CONTAINER = (*CONTAINERS, 'k:{"name":"manager"}')


def live(fields: dict[str, Any] | None, **others: dict[str, Any]) -> dict[str, Any]:
    """Make the metadata of an object with our fields and those of other managers."""
    entries: list[dict[str, Any]] = [
        {"manager": name, "operation": "Update", "fieldsV1": value}
        for name, value in others.items()
    ]
    if fields is not None:
        entries.append({"manager": "flux-operator", "operation": "Apply", "fieldsV1": fields})
    return {"metadata": {"name": "d", "namespace": "n", "managedFields": entries}}


def test_what_is_all_ours_has_not_drifted() -> None:
    """Nor has what others own besides, such as status or fields that we do not set."""
    others = {"f:status": {"f:replicas": LEAF}, "f:spec": {"f:strategy": LEAF, "f:replicas": LEAF}}
    assert differences(WANTED, live(own_fields())) == []
    assert differences(WANTED, live(own_fields(), kcm=others)) == []


def test_a_changed_field_names_its_new_owner() -> None:
    """Everyone who owns it now."""
    fields = own_fields()
    del fields["f:spec"]["f:replicas"]
    theirs = {"f:spec": {"f:replicas": LEAF}}
    found = differences(WANTED, live(fields, kubectl=theirs, hpa=theirs, other={"f:spec": {}}))
    assert found == [Drift(path="spec.replicas", managers=("hpa", "kubectl"))]
    assert str(found[0]) == "spec.replicas changed by hpa and kubectl"


def test_a_removed_field_has_no_owner() -> None:
    """Whoever removed it does not own it."""
    fields = own_fields()
    del fields["f:metadata"]["f:labels"]["f:team"]
    found = differences(WANTED, live(fields))
    assert [str(item) for item in found] == ["metadata.labels.team removed"]


def test_list_items_are_named_by_their_keys() -> None:
    """An image, a list as a whole, and a port of a container."""
    fields = own_fields()
    container = at(fields, *CONTAINER)
    del container["f:image"], container["f:args"], container["f:ports"]
    edit: dict[str, Any] = {"f:image": LEAF, "f:args": LEAF}
    theirs = {
        "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"manager"}': edit}}}}
    }
    found = [str(item) for item in differences(WANTED, live(fields, edit=theirs))]
    assert found == [
        "spec.template.spec.containers[name=manager].image changed by edit",
        "spec.template.spec.containers[name=manager].args changed by edit",
        "spec.template.spec.containers[name=manager].ports removed",
    ]


def test_an_item_with_several_keys() -> None:
    """All keys are shown."""
    fields = own_fields()
    port = 'k:{"containerPort":80,"protocol":"TCP"}'
    del at(fields, *CONTAINER, "f:ports")[port]["f:protocol"]
    [found] = differences(WANTED, live(fields))
    assert found.path == (
        "spec.template.spec.containers[name=manager].ports[containerPort=80,protocol=TCP].protocol"
    )


def test_a_removed_item_is_named_by_its_place() -> None:
    """When nobody knows its keys any more."""
    fields = own_fields()
    at(fields, *CONTAINERS[:-1])["f:containers"] = {'k:{"name":"other"}': {".": LEAF}}
    [found] = differences(WANTED, live(fields))
    assert str(found) == "spec.template.spec.containers[0] removed"


def test_what_was_taken_as_a_whole_is_reported_in_detail() -> None:
    """A rival who owns single fields of it has changed those, and removed the others."""
    fields = own_fields()
    del fields["f:metadata"]
    theirs = {"f:metadata": {"f:labels": {"f:app": LEAF}}}
    found = [str(item) for item in differences(WANTED, live(fields, x=theirs))]
    assert found == ["metadata.labels.app changed by x", "metadata.labels.team removed"]


def test_a_whole_part_that_nobody_owns_is_reported_as_one() -> None:
    """There is nothing more to say."""
    fields = own_fields()
    del fields["f:metadata"]
    assert [str(item) for item in differences(WANTED, live(fields))] == ["metadata removed"]


def test_an_object_that_is_not_ours_at_all() -> None:
    """Somebody replaced it: all fields are theirs; our status and updates do not count."""
    theirs = own_fields()
    found = live(None, x=theirs)
    found["metadata"]["managedFields"] += [
        {"manager": "flux-operator", "operation": "Apply", "subresource": "status"},
        {"manager": "flux-operator", "operation": "Update", "fieldsV1": theirs},
    ]
    lines = {str(item) for item in differences(WANTED, found)}
    assert "spec.replicas changed by flux-operator and x" in lines
    assert len(lines) == 9


def test_sets_are_compared_by_value() -> None:
    """A list that is a set names its items by themselves."""
    wanted = {"metadata": {"finalizers": ["a", "b"]}}
    fields = {"f:metadata": {"f:finalizers": {'v:"a"': LEAF}}}
    theirs = {"f:metadata": {"f:finalizers": {'v:"b"': LEAF}}}
    found = [str(item) for item in differences(wanted, live(fields, x=theirs))]
    assert found == ["metadata.finalizers[b] changed by x"]


def test_an_emptied_field_is_still_ours() -> None:
    """A field that we set to nothing has no parts that could be lost."""
    wanted = {"spec": {"selector": {}, "rules": [], "name": "x"}}
    inside = {".": LEAF, "f:more": LEAF}
    fields = {"f:spec": {"f:selector": inside, "f:rules": inside, "f:name": inside}}
    assert differences(wanted, live(fields)) == []


def test_records_that_make_no_sense_are_refused() -> None:
    """They are never taken for no drift."""
    with pytest.raises(MalformedError):
        differences(WANTED, {"metadata": {"managedFields": [{"fieldsV1": "?"}]}})


def test_the_line_about_a_deleted_object() -> None:
    """There are no fields to name."""
    assert describe(WANTED, None) == "Deployment/n/d deleted"


def test_the_line_about_an_object_whose_fields_are_all_there() -> None:
    """Somebody with our own name changed a value."""
    assert describe(WANTED, live(own_fields())) == "Deployment/n/d changed"


def test_the_line_names_a_few_fields() -> None:
    """A list of twenty fields tells nobody more than three."""
    fields = own_fields()
    fields["f:metadata"]["f:labels"] = {".": LEAF}
    assert describe(WANTED, live(fields)) == (
        "Deployment/n/d: metadata.labels.app removed, metadata.labels.team removed"
    )
    del fields["f:spec"]["f:replicas"]
    at(fields, *CONTAINER).pop("f:image")
    assert describe(WANTED, live(fields)) == (
        "Deployment/n/d: metadata.labels.app removed, metadata.labels.team removed,"
        " spec.replicas removed and 1 more"
    )


TICK = timedelta(hours=3)


def test_the_first_repairs_are_made_at_once() -> None:
    """A mistake may be made twice."""
    conflict = None
    for number in range(1, FREE_REPAIRS):
        conflict = after_repair(conflict, TICK)
        assert conflict == FieldConflict(repairs=number, last=TICK)
        assert conflict.pause == timedelta(0)
        assert conflict.next_repair == TICK
        assert not conflict.is_serious


@pytest.mark.parametrize(
    ("repairs", "pause"),
    [
        (FREE_REPAIRS, timedelta(seconds=5)),
        (FREE_REPAIRS + 1, timedelta(seconds=10)),
        (FREE_REPAIRS + 4, timedelta(seconds=80)),
        (FREE_REPAIRS + 7, LONGEST_PAUSE),
        (10**6, LONGEST_PAUSE),
    ],
)
def test_each_further_repair_doubles_the_pause(repairs: int, pause: timedelta) -> None:
    """Up to a limit."""
    conflict = FieldConflict(repairs=repairs, last=TICK)
    assert conflict.pause == pause
    assert conflict.next_repair == TICK + pause
    assert conflict.is_serious


def test_a_conflict_ends_when_the_object_is_left_alone() -> None:
    """For a while after the pause, not after the repair."""
    conflict = FieldConflict(repairs=5, last=TICK)
    soon = conflict.next_repair + CALM - timedelta(seconds=1)
    later = conflict.next_repair + CALM
    assert after_repair(conflict, soon) == FieldConflict(repairs=6, last=soon)
    assert after_repair(conflict, later) == FieldConflict(repairs=1, last=later)


def test_people_are_warned_of_a_conflict() -> None:
    """From the moment on at which repairs are put off, and not before."""
    assert warning(FieldConflict(repairs=FREE_REPAIRS - 1, last=TICK)) == ""
    text = warning(FieldConflict(repairs=FREE_REPAIRS + 1, last=TICK))
    assert text == " (repaired 4 times in a row, so not again within 10s)"
