# SPDX-License-Identifier: Apache-2.0
"""A watch over a connection that ends, breaks, becomes idle, or reports a forgotten history."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.adapters.kube.cluster import KubeCluster
from fluxsm.api.objects import Kind
from fluxsm.core.ports import Interrupt, WatchEvent
from fluxsm.errors import ExpiredError, UnavailableError
from tests.unit.adapters.api_server import Request, serving

KIND = Kind("", "v1", "ConfigMap")
IDLE = 0.3


def line(type_: str, version: int = 1, **metadata: Any) -> bytes:
    """One line of a watch."""
    found = {"metadata": {"name": "a", "resourceVersion": str(version), **metadata}}
    return json.dumps({"type": type_, "object": found}).encode() + b"\n"


GONE = json.dumps(
    {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
).encode() + b"\n"  # fmt: skip
BROKEN = json.dumps(
    {"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "etcd is away"}}
).encode() + b"\n"  # fmt: skip
END_OF_LIST = line("BOOKMARK", 7, annotations={"k8s.io/initial-events-end": "true"})


def watch(
    *answers: Callable[[Request], None], version: str = "5", interrupt: Interrupt | None = None
) -> tuple[list[WatchEvent], Exception | None, list[str]]:
    """Watch until the connection ends: events, the error that ended it, and paths asked for."""
    events: list[WatchEvent] = []
    error: Exception | None = None
    with serving(*answers) as server:
        cluster = KubeCluster(server.client(), idle_limit=IDLE)
        try:
            for event in cluster.watch(KIND, resource_version=version, interrupt=interrupt):
                events.append(event)  # noqa: PERF402 what came before the error counts
        except (ExpiredError, UnavailableError) as problem:
            error = problem
        cluster.close()
    return events, error, [request.path for request in server.requests]


def test_a_normal_end_is_no_error() -> None:
    """The server closes a watch after some minutes."""
    events, error, _ = watch(lambda request: request.stream(line("MODIFIED"), line("DELETED", 2)))
    assert [event.type for event in events] == ["MODIFIED", "DELETED"]
    assert error is None


def test_objects_of_a_stream_carry_their_kind() -> None:
    """Also where the server sends metadata alone."""
    (event,), _, _ = watch(lambda request: request.stream(line("ADDED")))
    assert (event.manifest["apiVersion"], event.manifest["kind"]) == ("v1", "ConfigMap")


def test_a_watch_goes_on_from_a_version() -> None:
    """And asks for bookmarks, so that an idle stream means something."""
    _, _, (path,) = watch(lambda request: request.stream(), version="42")
    assert "resourceVersion=42" in path
    assert "timeoutSeconds=290" in path
    assert "allowWatchBookmarks=true" in path
    assert "sendInitialEvents" not in path


def test_a_first_list_is_streamed() -> None:
    """Its end is a bookmark of its own kind."""
    events, _, (path,) = watch(
        lambda request: request.stream(line("ADDED"), END_OF_LIST, line("BOOKMARK", 9)), version=""
    )
    assert "sendInitialEvents=true" in path
    assert [event.type for event in events] == ["ADDED", "SYNCED", "BOOKMARK"]


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_cannot_stream_a_list_is_asked_for_one(status: int) -> None:
    """Then the watch goes on from where the list was."""
    listed = {
        "metadata": {"resourceVersion": "30"},
        "items": [{"metadata": {"name": "a", "resourceVersion": "29"}}],
    }
    events, _, paths = watch(
        lambda request: request.answer(status),
        lambda request: request.answer(200, json.dumps(listed).encode()),
        lambda request: request.stream(line("MODIFIED", 31)),
        version="",
    )
    assert [event.type for event in events] == ["ADDED", "SYNCED", "MODIFIED"]
    assert "resourceVersion=30" in paths[-1]


@pytest.mark.parametrize(
    ("answer", "leaf", "word"),
    [
        pytest.param(lambda r: r.answer(410), ExpiredError, "", id="410 as status"),
        pytest.param(lambda r: r.stream(GONE), ExpiredError, "too old", id="410 in the stream"),
        pytest.param(lambda r: r.stream(BROKEN), UnavailableError, "etcd", id="500 in the stream"),
        pytest.param(lambda r: r.answer(500), UnavailableError, "", id="500 as status"),
        pytest.param(
            lambda r: r.stream(line("ADDED")[:9]), UnavailableError, "cut off", id="half a line"
        ),
        pytest.param(
            lambda r: r.stream(b"hello\n"), UnavailableError, "not a watch event", id="nonsense"
        ),
        pytest.param(
            lambda r: r.stream(b'{"type": "X"}\n'), UnavailableError, "not a watch", id="no object"
        ),
        pytest.param(
            lambda r: r.stream(idle=True), UnavailableError, "idle for too long", id="idle"
        ),
        pytest.param(
            lambda r: r.answer(200, line("ADDED"), length=999), UnavailableError, "broke", id="cut"
        ),
    ],
)  # fmt: skip
def test_what_ends_a_watch(
    answer: Callable[[Request], None], leaf: type[Exception], word: str
) -> None:
    """A forgotten history is an error of its own."""
    _, error, _ = watch(answer)
    assert type(error) is leaf
    assert word in str(error)


def test_what_was_reported_before_the_end_counts() -> None:
    """The stream becomes idle after an event that is not lost."""
    events, error, _ = watch(lambda request: request.stream(line("ADDED"), idle=True))
    assert [event.type for event in events] == ["ADDED"]
    assert isinstance(error, UnavailableError)


def test_nothing_waits_over_a_connection_as_dead_as_a_watch() -> None:
    """What cut the watch off cut the unused connections off too."""

    def stream(request: Request) -> None:
        request.stream(line("ADDED"), idle=True)

    def answer(request: Request) -> None:
        request.answer(200)

    with serving(stream, answer, stream, answer) as server:
        client = server.client()
        cluster = KubeCluster(client, idle_limit=IDLE)
        events = cluster.watch(KIND, resource_version="5")
        next(events)
        client.request("GET", "/before", what="reading")
        with pytest.raises(UnavailableError):
            next(events)
        again = cluster.watch(KIND, resource_version="5")
        next(again)
        client.request("GET", "/after", what="reading")
        cluster.close()
    before, after = [item.connection for item in server.requests if "configmaps" not in item.path]
    assert before != after


def test_a_watch_can_be_interrupted_from_outside() -> None:
    """The reader does not wait for the server."""
    interrupt = Interrupt()
    reached = threading.Event()

    def answer(request: Request) -> None:
        reached.set()
        request.stream(line("ADDED"), idle=True)

    with serving(answer) as server:
        cluster = KubeCluster(server.client(), idle_limit=60)
        events = cluster.watch(KIND, resource_version="5", interrupt=interrupt)
        next(events)
        assert reached.is_set()
        threading.Thread(target=interrupt.fire).start()
        try:
            list(events)
        except UnavailableError as error:
            assert "broke" in str(error)  # noqa: PT017 an end is as good as an error here
        cluster.close()
    assert interrupt.fired
