# SPDX-License-Identifier: Apache-2.0
"""Watches: what a stream tells, and what is known from it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest
from fluxsm.core.ports import Interrupt, WatchEvent
from fluxsm.errors import NotFoundError
from tests.contract.samples import CONFIG_MAP, config_map, deployment, ref_of
from tests.contract.subjects import Subject

LABELS = {"watched": "yes"}


def watched(subject: Subject, name: str = "c", **fields: object) -> Manifest:
    """A ConfigMap that the watches of these tests select."""
    return config_map(subject.namespace, name, metadata={"labels": LABELS}, **fields)


def watch(
    subject: Subject, version: str = "", *, metadata_only: bool = False
) -> tuple[Iterator[WatchEvent], Interrupt]:
    """Events without bookmarks, and what ends them."""
    interrupt = Interrupt()
    events = subject.cluster.watch(
        CONFIG_MAP,
        namespace=subject.namespace,
        labels="watched=yes",
        resource_version=version,
        metadata_only=metadata_only,
        interrupt=interrupt,
    )
    return (event for event in events if event.type != "BOOKMARK"), interrupt


def summary(event: WatchEvent) -> tuple[str, str]:
    """Type and name."""
    return (event.type, str(event.manifest["metadata"].get("name", "")))


def test_a_watch_begins_with_what_exists(subject: Subject) -> None:
    """Everything once, then the end of the list with a version to go on from."""
    subject.cluster.create(watched(subject, "a"))
    subject.cluster.create(watched(subject, "b"))
    subject.cluster.create(config_map(subject.namespace, "c"))
    events, interrupt = watch(subject)
    first = list(islice(events, 3))
    interrupt.fire()
    assert sorted(summary(event) for event in first[:2]) == [("ADDED", "a"), ("ADDED", "b")]
    assert first[2].type == "SYNCED"
    assert int(first[2].manifest["metadata"]["resourceVersion"]) > 0


def test_a_watch_tells_of_changes(subject: Subject) -> None:
    """An object that is made, changed, no longer selected, selected again and deleted."""
    events, interrupt = watch(subject)
    assert next(events).type == "SYNCED"
    ref = ref_of(subject.cluster.create(watched(subject)))
    subject.cluster.patch(ref, {"data": {"a": "1"}})
    subject.cluster.patch(ref, {"metadata": {"labels": {"watched": None}}})
    subject.cluster.patch(ref, {"metadata": {"labels": {"watched": "yes"}}})
    subject.cluster.delete(ref)
    found = [summary(event) for event in islice(events, 5)]
    interrupt.fire()
    assert found == [
        ("ADDED", "c"), ("MODIFIED", "c"), ("DELETED", "c"), ("ADDED", "c"), ("DELETED", "c"),
    ]  # fmt: skip


def test_an_end_has_a_newer_version_than_the_last_change(subject: Subject) -> None:
    """So news of an earlier life of an object can be distinguished from news of the next one."""
    events, interrupt = watch(subject)
    next(events)
    made = subject.cluster.create(watched(subject))
    subject.cluster.delete(ref_of(made))
    last = list(islice(events, 2))[1]
    interrupt.fire()
    versions = [int(item["metadata"]["resourceVersion"]) for item in (last.manifest, made)]
    assert last.type == "DELETED"
    assert versions[0] > versions[1]


def test_a_watch_goes_on_where_it_ended(subject: Subject) -> None:
    """Nothing that happened meanwhile is missed, nothing before is reported again."""
    made = subject.cluster.create(watched(subject, "a"))
    subject.cluster.create(watched(subject, "b"))
    events, interrupt = watch(subject, made["metadata"]["resourceVersion"])
    found = summary(next(events))
    interrupt.fire()
    assert found == ("ADDED", "b")


def test_a_kind_that_is_not_served_cannot_be_watched(subject: Subject) -> None:
    """That is reported at once."""
    with pytest.raises(NotFoundError):
        next(subject.cluster.watch(Kind("nobody.example", "v1", "Thing")))


def test_a_watch_of_metadata_carries_nothing_else(subject: Subject) -> None:
    """But kind and apiVersion are those of the object."""
    subject.cluster.create(watched(subject, data={"a": "1"}))
    events, interrupt = watch(subject, metadata_only=True)
    event = next(events)
    interrupt.fire()
    assert set(event.manifest) == {"apiVersion", "kind", "metadata"}
    assert event.manifest["kind"] == "ConfigMap"


def test_live_objects_follow_the_cluster(subject: Subject) -> None:
    """What the owner label selects is known soon after each change, and nothing else is."""
    live = subject.live()
    owner = {names.OWNER_NAME_LABEL: subject.namespace}
    mine = deployment(subject.namespace, "mine")
    mine["metadata"]["labels"] = owner
    config = config_map(subject.namespace, "config", metadata={"labels": owner})
    foreign = deployment(subject.namespace, "foreign")
    subject.cluster.apply_all([mine, config, foreign])
    kinds = {Kind.of(mine), CONFIG_MAP}
    subject.eventually(lambda: live.expect(kinds), "first lists")
    assert live.get(ref_of(mine))
    assert live.get(ref_of(config))
    assert live.get(ref_of(foreign)) is None

    subject.patch_as("kubectl-edit", ref_of(mine), {"spec": {"replicas": 2}})

    def replicas() -> object:
        return (live.get(ref_of(mine)) or {}).get("spec", {}).get("replicas")

    subject.eventually(lambda: replicas() == 2, "the change")
    subject.cluster.delete(ref_of(config))
    subject.eventually(lambda: live.get(ref_of(config)) is None, "the deletion")


def test_live_objects_are_never_older_than_an_answer(subject: Subject) -> None:
    """What was written is known at once, before any watch tells of it."""
    live = subject.live()
    live.expect({CONFIG_MAP})
    labels = {names.OWNER_NAME_LABEL: subject.namespace}
    made = subject.cluster.create(config_map(subject.namespace, metadata={"labels": labels}))
    live.put(made)
    assert live.get(ref_of(made)) is not None
    subject.eventually(lambda: live.expect({CONFIG_MAP}), "first list")
    assert live.get(ref_of(made)) is not None
