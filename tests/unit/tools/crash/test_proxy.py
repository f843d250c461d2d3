# SPDX-License-Identifier: Apache-2.0
"""The proxy injects a fault into the request that it is for, and into no other."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tools.crash import faults
from tools.crash.faults import Fault, Scope, Unit
from tools.crash.proxy import Proxy

LINES = [b'{"type":"ADDED","n":1}\n', b'{"type":"MODIFIED","n":2}\n']


class Upstream(BaseHTTPRequestHandler):
    """Counts what it is asked, and answers with the count; a write says what it was sent."""

    protocol_version = "HTTP/1.1"
    asked: list[str]

    def do_GET(self) -> None:
        """A watch has two lines."""
        self.asked.append(f"GET {self.path}")
        watch = "watch=true" in self.path
        self._say(b"".join(LINES) if watch else json.dumps({"n": len(self.asked)}).encode())

    def do_PATCH(self) -> None:
        """A write."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(f"PATCH {self.path}")
        self._say(body)

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's name
        """Log nothing."""


class PlainProxy(Proxy):
    """A proxy to a server without TLS."""

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to it."""
        return http.client.HTTPConnection(self._upstream, timeout=5)


@pytest.fixture
def asked() -> list[str]:
    """What the upstream was asked."""
    return []


@pytest.fixture
def proxy(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before a small server."""
    monkeypatch.setattr(faults, "LATE_SECONDS", 0.0)
    monkeypatch.setattr(faults, "DELAY_SECONDS", 0.0)

    class Handler(Upstream):
        pass

    Handler.asked = asked
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    with PlainProxy(f"http://127.0.0.1:{server.server_port}", "") as found:
        yield found
    server.shutdown()
    server.server_close()


def ask(proxy: Proxy, method: str, path: str, body: str = "") -> str:
    """The body of the answer with its status, or how the connection ended."""
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
    try:
        connection.request(method, path, body or None)
        answer = connection.getresponse()
        return f"{answer.status} {answer.read().decode()}"
    except (http.client.HTTPException, ConnectionError) as error:
        return type(error).__name__
    finally:
        connection.close()


HUNG_UP = {"RemoteDisconnected", "ConnectionResetError", "IncompleteRead"}


@pytest.mark.parametrize(
    ("kind", "done", "received", "killed"),
    [
        ("before", False, False, True),
        ("committed", True, False, True),
        ("answered", True, True, True),
        ("unsent", False, False, False),
        ("lost", True, False, False),
        ("truncated", True, False, False),
        ("late", True, True, False),
    ],
)
def test_a_fault_in_a_write(
    proxy: Proxy, asked: list[str], kind: str, *, done: bool, received: bool, killed: bool
) -> None:
    """Whether the API server does it, the operator gets the answer, and the operator goes on."""
    kills: list[int] = []
    proxy.kill = lambda: kills.append(len(asked))
    proxy.arm(Fault(kind=kind, number=2))
    answers = [ask(proxy, "PATCH", f"/{number}", '{"a": 1}') for number in (1, 2, 3)]
    proxy.wait_until_answered()  # what dies after an answer dies in a thread of the proxy
    assert answers[0] == answers[2] == '200 {"a": 1}'
    assert (answers[1] in HUNG_UP) is not received
    assert ("PATCH /2" in asked) is done
    assert kills == ([2 if done else 1] if killed else [])
    assert proxy.killed.is_set() is killed


@pytest.mark.parametrize("status", [409, 422, 429, 500, 503])
def test_a_refusal_does_not_reach_the_api_server(
    proxy: Proxy, asked: list[str], status: int
) -> None:
    """And the next request does."""
    proxy.arm(Fault(kind=str(status), number=1))
    assert ask(proxy, "PATCH", "/1", "{}").startswith(f"{status} ")
    assert asked == []
    assert ask(proxy, "PATCH", "/1", "{}") == "200 {}"


def test_only_writes_that_change_something_are_progress(proxy: Proxy) -> None:
    """The same write a second time is answered; so the next process gets further."""
    deaths: list[None] = []
    proxy.kill = lambda: deaths.append(None)
    proxy.arm(Fault(kind=faults.RELENTLESS, number=1, scope=Scope.EVERY))
    assert ask(proxy, "PATCH", "/1", '{"a": 1}') in HUNG_UP
    assert ask(proxy, "PATCH", "/1", '{"a": 1}') == '200 {"a": 1}'
    assert ask(proxy, "PATCH", "/1", '{"a": 2}') in HUNG_UP
    assert len(deaths) == 2


def test_a_stale_answer_is_the_first_one(proxy: Proxy, asked: list[str]) -> None:
    """Only a read that was asked before in this lifecycle can be answered so."""
    answers = [ask(proxy, "GET", "/a"), ask(proxy, "GET", "/a")]
    proxy.arm(Fault(kind=faults.STALE, number=1, unit=Unit.AGAIN))
    assert ask(proxy, "GET", "/b") == '200 {"n": 3}'
    assert ask(proxy, "GET", "/a") == answers[0] != answers[1]
    assert ask(proxy, "GET", "/a") == '200 {"n": 4}'
    assert asked == ["GET /a", "GET /a", "GET /b", "GET /a"]


def test_an_outdated_answer_is_the_one_before(proxy: Proxy, asked: list[str]) -> None:
    """As from a cache that lags one change behind."""
    answers = [ask(proxy, "GET", "/a"), ask(proxy, "GET", "/a")]
    proxy.arm(Fault(kind=faults.OUTDATED, number=1, unit=Unit.AGAIN))
    assert ask(proxy, "GET", "/a") == answers[1] != answers[0]
    assert ask(proxy, "GET", "/a") == '200 {"n": 3}'
    assert asked == ["GET /a", "GET /a", "GET /a"]


@pytest.mark.parametrize(
    ("kind", "received"),
    [
        ("doubled", [LINES[0], LINES[0], LINES[1]]),
        ("delayed", LINES),
        ("dropped", []),
        ("swallowed", LINES[1:]),
        ("halved", [LINES[0][: len(LINES[0]) // 2]]),
    ],
)
def test_a_fault_in_a_line(proxy: Proxy, kind: str, received: list[bytes]) -> None:
    """What is received of a watch whose first line has a fault."""
    proxy.arm(Fault(kind=kind, number=1, unit=Unit.LINE))
    assert listen(proxy) == b"".join(received)
    assert listen(proxy) == b"".join(LINES)


def test_an_expired_watch_says_so(proxy: Proxy) -> None:
    """In the words of the API server."""
    proxy.arm(Fault(kind="expired", number=2, unit=Unit.LINE))
    first, second = listen(proxy).splitlines()
    assert first + b"\n" == LINES[0]
    assert json.loads(second)["object"]["code"] == 410


def listen(proxy: Proxy) -> bytes:
    """All that a watch brings until it ends."""
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
    received = b""
    try:
        connection.request("GET", "/things?watch=true")
        answer = connection.getresponse()
        while piece := answer.read1():
            received += piece
    except (http.client.HTTPException, ConnectionError):
        pass  # that is how a cut connection looks
    finally:
        connection.close()
    return received
