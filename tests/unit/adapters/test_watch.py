# SPDX-License-Identifier: Apache-2.0
"""What a watch knows after news that are missed, doubled, late, out of order or cut short."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from fluxsm.adapters.clock import SystemClock
from fluxsm.adapters.kube.watch import Scope, Watch
from fluxsm.api.objects import Kind, Manifest
from fluxsm.core.ports import Interrupt, WatchEvent
from fluxsm.errors import ExpiredError, ForbiddenError, NotFoundError, UnavailableError
from fluxsm.simulation.clock import VirtualClock

KIND = Kind("", "v1", "ConfigMap")


def thing(name: str, version: int) -> Manifest:
    """An object at a version."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "x", "resourceVersion": str(version)},
    }


def event(type_: Any, name: str = "", version: int = 0) -> WatchEvent:
    """One line of a watch."""
    return WatchEvent(type=type_, manifest=thing(name, version))


class Script:
    """An API server whose connections are written down beforehand."""

    def __init__(self, *connections: tuple[Any, ...]) -> None:
        self._connections = list(connections)
        self.versions: list[str] = []

    def then(self, *connections: tuple[Any, ...]) -> None:
        """Write further connections down."""
        self._connections += connections

    def watch(self, _kind: Kind, **options: Any) -> Iterator[WatchEvent]:
        """Play the next connection; an error in it is raised where it stands."""
        self.versions.append(options["resource_version"])
        for item in self._connections.pop(0):
            if isinstance(item, Exception):
                raise item
            if isinstance(item, Interjected):
                item.act()
            yield getattr(item, "then", item)


def watching(*connections: tuple[Any, ...]) -> tuple[Watch, Script, list[str]]:
    """A watch that has listened to all connections, and how often it woke the machine."""
    script, woken = Script(*connections), list[str]()
    cluster: Any = script
    watch = Watch(cluster, Scope(kind=KIND), VirtualClock(), lambda: woken.append("woken"))
    for _ in connections:
        watch.listen()
    return watch, script, woken


def known(watch: Watch) -> dict[str, int]:
    """Name and version of what the watch knows."""
    return {
        item["metadata"]["name"]: int(item["metadata"]["resourceVersion"]) for item in watch.all()
    }


LISTED = (event("ADDED", "a", 1), event("ADDED", "b", 2), event("SYNCED", "", 2))


def test_nothing_is_known_before_the_whole_list_has_come() -> None:
    """A list that broke off does not count, and is begun again."""
    watch, script, woken = watching((LISTED[0], UnavailableError("broke")))
    assert not watch.synced
    assert woken == []
    assert script.versions == [""]


def test_a_list_that_broke_off_is_begun_again() -> None:
    """What it had reported is dropped if it is not there any more."""
    watch, script, _ = watching(
        (LISTED[0], UnavailableError("broke")), (event("ADDED", "b", 2), event("SYNCED", "", 3))
    )
    assert script.versions == ["", ""]
    assert known(watch) == {"b": 2}


@pytest.mark.parametrize(
    "end", [(), (UnavailableError("broke"),)], ids=["a normal end", "a broken one"]
)
def test_a_watch_goes_on_where_it_ended(end: tuple[Any, ...]) -> None:
    """At the last bookmark or event."""
    watch, script, _ = watching(
        (*LISTED, event("BOOKMARK", "", 9), *end), (event("MODIFIED", "a", 10), *end), ()
    )
    assert script.versions == ["", "9", "10"]
    assert known(watch) == {"a": 10, "b": 2}


def test_what_was_lost_without_a_word_is_made_good_in_time() -> None:
    """The whole list is read again when that is due, however the watch ended; not before."""
    clock = VirtualClock()
    script = Script(
        (*LISTED, event("BOOKMARK", "", 9)),  # the deletion of a, and the next b, got lost
        (UnavailableError("broke"),),
        (event("ADDED", "b", 8), event("SYNCED", "", 10)),
        (),
    )
    cluster: Any = script
    watch = Watch(cluster, Scope(kind=KIND), clock, lambda: None, resync=100)
    watch.listen()
    clock.advance(timedelta(seconds=99))
    watch.listen()
    assert known(watch) == {"a": 1, "b": 2}
    clock.advance(timedelta(seconds=1))
    watch.listen()
    assert known(watch) == {"b": 8}
    clock.advance(timedelta(seconds=99))
    watch.listen()
    assert script.versions == ["", "9", "", "10"]


def test_a_forgotten_history_is_listed_again() -> None:
    """And what went in the meantime is dropped, without having been reported."""
    watch, script, woken = watching(
        LISTED, (ExpiredError("too old"),), (event("ADDED", "b", 2), event("SYNCED", "", 20))
    )
    assert script.versions == ["", "2", ""]
    assert known(watch) == {"b": 2}
    assert len(woken) == 2


class Interjected:
    """An event before which something else happens."""

    def __init__(self, act: Callable[[], object], then: WatchEvent) -> None:
        self.act, self.then = act, then


def test_an_object_written_during_a_list_is_not_dropped_for_missing_in_it() -> None:
    """The answer to an apply may be newer than the list; one that is older is not."""

    def write() -> None:
        watch.put(thing("new", 7))
        watch.put(thing("old", 4))
        watch.put(thing("a", 8))

    script = Script((event("ADDED", "a", 1), Interjected(write, event("SYNCED", "", 5))))
    cluster: Any = script
    watch = Watch(cluster, Scope(kind=KIND), VirtualClock(), lambda: None)
    watch.listen()
    assert known(watch) == {"a": 8, "new": 7}


def test_a_list_that_was_requested_later_than_a_write_was_answered_is_the_truth() -> None:
    """The API server reads it after the write: an object that is not in it is gone."""
    script = Script((event("ADDED", "a", 1), event("SYNCED", "", 5)))
    cluster: Any = script
    watch = Watch(cluster, Scope(kind=KIND), VirtualClock(), lambda: None)
    watch.put(thing("a", 9))
    watch.put(thing("gone", 9))
    watch.listen()
    assert known(watch) == {"a": 1}


RESTORED = (event("ADDED", "a", 40), event("SYNCED", "", 50))
"""A list of a cluster whose history was at 900 before etcd was restored."""


def restored(*connections: tuple[Any, ...]) -> Watch:
    """A watch that has seen a cluster, its restored state, and then something else."""
    before = (event("ADDED", "a", 800), event("ADDED", "b", 810), event("SYNCED", "", 900))
    deleted = event("DELETED", "c", 910)
    return watching((*before, deleted), (ExpiredError("too old"),), RESTORED, *connections)[0]


def test_a_whole_list_is_the_truth_after_a_restore_of_etcd() -> None:
    """Objects that the backup does not have are gone, and older versions count."""
    assert known(restored()) == {"a": 40}


def test_answers_and_events_count_after_a_restore() -> None:
    """Their versions are lower than all that was known, and greater than those of the list."""
    watch = restored((event("MODIFIED", "a", 52),))
    assert known(watch) == {"a": 52}
    watch.put(thing("a", 51))
    assert known(watch) == {"a": 52}
    for name, version in (("a", 53), ("b", 54), ("c", 55)):
        watch.put(thing(name, version))
    assert known(watch) == {"a": 53, "b": 54, "c": 55}


def test_an_answer_from_before_the_list_does_not_undo_it() -> None:
    """It comes late: the list was read after the write."""
    watch, _, _ = watching((event("ADDED", "a", 3), event("SYNCED", "", 9)))
    watch.put(thing("a", 8))
    watch.put(thing("gone", 8))
    assert known(watch) == {"a": 3}


def test_a_bookmark_that_goes_back_starts_over() -> None:
    """After a restore nothing that comes next would be newer than what is known."""
    watch, script, _ = watching((*LISTED, event("BOOKMARK", "", 900)), (event("BOOKMARK", "", 60),),
                                RESTORED)  # fmt: skip
    assert script.versions == ["", "900", ""]
    assert known(watch) == {"a": 40}


def test_a_history_that_went_back_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It explains conflicts that nobody else can explain."""
    restored()
    assert "went back from version 900 to 50" in caplog.text


def test_news_in_any_order_end_in_the_same() -> None:
    """Level-triggered: what counts is the newest version of each object."""
    news = (event("MODIFIED", "a", 5), event("MODIFIED", "a", 6), event("MODIFIED", "b", 7))
    for order in permutations(news):
        watch, _, _ = watching((*LISTED, *order, *order))
        assert known(watch) == {"a": 6, "b": 7}


def test_an_answer_is_not_undone_by_late_news() -> None:
    """The watch reports later what the apply has reported already."""
    watch, _, _ = watching(LISTED)
    watch.put(thing("a", 9))
    assert known(watch)["a"] == 9
    watch._note(event("MODIFIED", "a", 5))
    assert known(watch)["a"] == 9


def test_a_late_answer_does_not_bring_an_object_back() -> None:
    """It was deleted after the version that the answer shows."""
    watch, _, _ = watching((*LISTED, event("DELETED", "a", 8)))
    watch.put(thing("a", 7))
    assert known(watch) == {"b": 2}
    watch.put(thing("a", 9))
    assert known(watch) == {"a": 9, "b": 2}


def test_late_news_of_a_deletion_do_not_remove_the_next_incarnation() -> None:
    """Its version is older than what is known."""
    watch, _, _ = watching((*LISTED, event("ADDED", "a", 12), event("DELETED", "a", 11)))
    assert known(watch) == {"a": 12, "b": 2}


def test_a_kind_that_is_not_served_has_no_objects() -> None:
    """That is an answer too, so nobody waits for it; when it is served, it is listed."""
    watch, script, woken = watching((NotFoundError("no such kind"),), LISTED)
    assert script.versions == ["", ""]
    assert known(watch) == {"a": 1, "b": 2}
    assert len(woken) == 2


def test_a_defect_does_not_end_a_watch(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the next connection is read."""
    watch, _, _ = watching((ValueError("a defect"),), LISTED)
    assert known(watch) == {"a": 1, "b": 2}
    assert "a defect" in caplog.text


def test_every_change_wakes_the_machine_and_a_bookmark_does_not() -> None:
    """A first list wakes it once, not for each object."""
    _, _, woken = watching((*LISTED, event("BOOKMARK", "", 9), event("MODIFIED", "a", 10)))
    assert len(woken) == 2


def test_only_a_started_watch_has_a_heartbeat() -> None:
    """One in waiting cannot be late."""
    watch, _, _ = watching(LISTED)
    assert watch.heartbeat is None


def test_a_watch_that_is_opened_again_is_counted() -> None:
    """By its kind; the first connection is none that was opened again."""
    counted: list[str] = []
    cluster: Any = Script(LISTED, (UnavailableError("broke"),), ())
    watch = Watch(cluster, Scope(kind=KIND), VirtualClock(), lambda: None, counted.append)
    for _ in range(3):
        watch.listen()
    assert counted == ["ConfigMap", "ConfigMap"]


def test_a_refresh_reads_the_whole_again() -> None:
    """Although a place to go on from is known; the machine is woken when it has arrived."""
    watch, script, woken = watching(LISTED, ())
    script.then(RESTORED)
    before = len(woken)
    watch.refresh()
    watch.listen()
    assert script.versions == ["", "2", ""]
    assert known(watch) == {"a": 40}
    assert len(woken) == before + 1


def test_a_refresh_ends_the_connection_that_is_open() -> None:
    """Whoever asks does not wait for its end, and nothing of that is a problem."""
    script = Script()
    cluster: Any = script
    watch = Watch(cluster, Scope(kind=KIND), VirtualClock(), lambda: None)
    late = Interjected(watch.refresh, event("MODIFIED", "a", 3))
    script.then((*LISTED, late, AssertionError("it reads on")), RESTORED)
    watch.listen()
    assert watch.problem == ""
    watch.listen()
    assert script.versions == ["", ""]


def test_a_list_that_is_on_its_way_is_not_requested_twice() -> None:
    """However often somebody asks."""
    script = Script()
    cluster: Any = script
    watch = Watch(cluster, Scope(kind=KIND), VirtualClock(), lambda: None)
    script.then((LISTED[0], Interjected(watch.refresh, LISTED[1]), LISTED[2]), ())
    watch.listen()
    watch.listen()
    assert script.versions == ["", "2"]


def test_a_refresh_wakes_the_thread_of_a_watch(caplog: pytest.LogCaptureFixture) -> None:
    """In the middle of an idle connection; that it ended is worth no line in the log."""
    opened: queue.Queue[Interrupt] = queue.Queue()

    class Idle:
        """An API server that says nothing after the list."""

        def watch(self, _kind: Kind, **options: Any) -> Iterator[WatchEvent]:
            yield from LISTED
            broken = threading.Event()
            options["interrupt"].arm(broken.set)
            opened.put(options["interrupt"])
            assert broken.wait(10)
            raise UnavailableError("the connection broke")

    cluster: Any = Idle()
    watch = Watch(cluster, Scope(kind=KIND), SystemClock(), lambda: None)
    watch.start()
    opened.get(timeout=10)
    watch.refresh()
    last = opened.get(timeout=10)
    assert watch.problem == ""
    watch.stop()
    assert last.fired
    assert caplog.text == ""
    assert watch.heartbeat is None


def test_a_watch_names_its_problem_until_it_has_the_list() -> None:
    """With what has to be done about it."""
    forbidden = ForbiddenError(
        'watching v1 ConfigMap (Forbidden): User "x" cannot watch configmaps'
    )
    watch, script, _ = watching((forbidden,))
    assert watch.problem == f"{forbidden}; the operator's role must allow list and watch"
    script.then((UnavailableError("the API server is away"),), LISTED)
    watch.listen()
    assert watch.problem == "the API server is away"
    watch.listen()
    assert watch.problem == ""
