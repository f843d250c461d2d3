# SPDX-License-Identifier: Apache-2.0
"""The server over real connections: headers, limits, streams, TLS."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fluxsm.adapters.certificate import Certificate
from fluxsm.runtime.listener import Wrap
from fluxsm.web.exchange import SECURITY, Answer, Request, data
from fluxsm.web.limits import Limits
from fluxsm.web.server import MOST_BODY, WebServer
from fluxsm.web.streams import OPENING, Stream, Streams
from tests.integration.operator import until
from tests.registry import server as registry
from tests.registry.fixtures import make_certificate

STREAM = Answer(type="text/event-stream", streams=True)


def echo(request: Request) -> Answer:
    """What was asked; a stream for its path."""
    if request.path == "/stream":
        return STREAM
    if request.path == "/defect":
        raise ValueError("a password")
    return data(request, {"method": request.method, "body": request.body.decode()})


class Page:
    """The sections of a page that a test changes."""

    def __init__(self) -> None:
        self.sections: dict[str, str] = {"state": "Pending"}
        self.made = 0

    def __call__(self) -> dict[str, str]:
        """The sections of now."""
        self.made += 1
        return dict(self.sections)


class Served:
    """A server with its streams."""

    def __init__(self, server: WebServer, streams: Streams, page: Page) -> None:
        self.port, self.server, self.streams, self.page = server.port, server, streams, page
        self.readers: list[Reader] = []

    def connect(self, trust: Path | None = None) -> socket.socket:
        """A connection, by TLS where somebody is trusted."""
        found = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        if trust is None:
            return found
        context = ssl.create_default_context(cafile=trust)
        return context.wrap_socket(found, server_hostname="127.0.0.1")

    def ask(self, method: str = "GET", path: str = "/", body: bytes = b"") -> Any:
        """An answer of the server, read to its end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body or None)
        answer = connection.getresponse()
        answer.content = answer.read()  # type: ignore[attr-defined]
        connection.close()
        return answer

    def say(self, **sections: str) -> None:
        """Change sections, and say so."""
        self.page.sections |= sections
        self.streams.notify()


@contextmanager
def serving(
    answer: Callable[[Request], Answer] = echo,
    *,
    limits: Limits | None = None,
    wrap: Wrap | None = None,
    span: float = 600.0,
) -> Iterator[Served]:
    """A server with its streams, at work."""
    limits = limits or Limits()
    page = Page()
    streams = Streams(page, most=limits.streams, span=span)
    server = WebServer("127.0.0.1:0", answer, streams.adopt, limits=limits, wrap=wrap)
    streams._on_turn = server.break_overdue
    streams.start()
    server.start()
    served = Served(server, streams, page)
    try:
        yield served
    finally:
        server.close()
        streams.stop()
        for reader in served.readers:
            reader.close()


class Reader:
    """Somebody who reads a stream."""

    def __init__(self, served: Served, trust: Path | None = None) -> None:
        self.connection = served.connect(trust)
        served.readers.append(self)
        self.connection.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        self._file = self.connection.makefile("rb")
        self.status = self._file.readline().decode()
        while self._file.readline().strip():
            pass

    def next(self) -> dict[str, str]:
        """The sections of the next message."""
        while True:
            line = self._file.readline()
            if not line:
                raise EOFError
            if line.startswith(b"data: "):
                found: dict[str, str] = json.loads(line[6:])
                return found

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self.connection.close()


def held(served: Served) -> list[Stream]:
    """The streams with a message on its way."""
    return [item for item in served.streams._streams if item.rest]


def test_every_answer_is_guarded_and_closes() -> None:
    """Nothing inline, nothing from elsewhere, no frame; and no connection is kept."""
    with serving() as served:
        answer = served.ask()
        for name, value in SECURITY.items():
            assert answer.headers[name] == value
        assert "unsafe" not in SECURITY["Content-Security-Policy"]
        assert answer.headers["Connection"] == "close"
        assert "Python" not in answer.headers["Server"]


def test_head_has_no_body() -> None:
    """But the length of it."""
    with serving() as served:
        answer = served.ask("HEAD")
        assert (answer.status, answer.content) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0


def test_a_form_is_read_and_a_long_one_refused() -> None:
    """Nobody fills the memory."""
    with serving() as served:
        assert json.loads(served.ask("POST", body=b"token=x").content)["body"] == "token=x"
        answer = served.ask("POST", body=b"x" * (MOST_BODY + 1))
        assert answer.status == 413


def test_a_defect_is_no_text_for_readers(caplog: pytest.LogCaptureFixture) -> None:
    """The log has it, the answer has not; the next request is answered."""
    with serving() as served:
        answer = served.ask(path="/defect")
        assert answer.status == 500
        assert b"password" not in answer.content
        assert served.ask().status == 200
    assert "an answer could not be made" in caplog.text


def test_too_many_requests_of_one_address_are_refused() -> None:
    """With when to come again."""
    with serving(limits=Limits(rate=0.001, burst=2)) as served:
        found = [served.ask() for _ in range(3)]
        assert [item.status for item in found] == [200, 200, 429]
        assert found[-1].headers["Retry-After"] == "1"


def test_a_request_beyond_the_places_is_refused_and_the_place_given_back() -> None:
    """Slow answers hold up nobody but those beyond the limit."""
    begun, ends = threading.Semaphore(0), threading.Event()

    def slow(request: Request) -> Answer:
        if request.path == "/slow":
            begun.release()
            ends.wait(10)
        return echo(request)

    with serving(slow, limits=Limits(requests=2)) as served:
        threads = [threading.Thread(target=served.ask, args=("GET", "/slow")) for _ in range(2)]
        for thread in threads:
            thread.start()
            begun.acquire()
        assert served.ask().status == 503
        ends.set()
        for thread in threads:
            thread.join()
        until(lambda: served.ask().status == 200 or None, "place", seconds=5)


def test_a_reader_who_dawdles_is_left() -> None:
    """Whole requests have a limit, not just each read."""
    with serving(limits=Limits(requests=1, seconds=0.3)) as served:
        dawdler = served.connect()
        dawdler.sendall(b"GET / HTTP/1.1\r\nX: ")
        until(lambda: served.ask().status == 200 or None, "place", seconds=10)
        assert dawdler.recv(100) == b""
        dawdler.close()


def test_a_stream_begins_with_everything_and_goes_on_with_what_changed() -> None:
    """So a reader who comes late has missed nothing."""
    with serving() as served:
        reader = Reader(served)
        assert reader.status.startswith("HTTP/1.1 200")
        assert reader.next() == {"state": "Pending"}
        served.say(state="Applying", events="1")
        assert reader.next() == {"state": "Applying", "events": "1"}
        served.say(state="Applying")
        served.say(events="2")
        assert reader.next() == {"events": "2"}
        late = Reader(served)
        assert late.next() == {"state": "Applying", "events": "2"}


def test_nothing_is_made_while_nobody_reads() -> None:
    """News alone cost nothing; and who comes afterwards sees the page of then."""
    with serving() as served:
        served.say(state="Applying")
        served.say(state="Ready")
        until(lambda: served.streams._news is False or None, "turn", seconds=5)
        assert served.page.made == 0
        reader = Reader(served)
        assert reader.next() == {"state": "Ready"}
        reader.close()
        until(lambda: served.streams.count == 0 or None, "end of the stream", seconds=5)


def test_a_stream_beyond_the_limit_is_closed() -> None:
    """The others go on; a place that gets free is taken."""
    with serving(limits=Limits(streams=1)) as served:
        first = Reader(served)
        first.next()
        second = Reader(served)
        with pytest.raises(EOFError):
            second.next()
        first.close()
        until(lambda: served.streams.count == 0 or None, "free place", seconds=5)
        third = Reader(served)
        assert third.next() == {"state": "Pending"}


def test_a_stream_ends_after_its_time() -> None:
    """So the reader is judged again."""
    with serving(span=0.2) as served:
        reader = Reader(served)
        reader.next()
        with pytest.raises(EOFError):
            reader.next()


def test_a_reader_who_reads_nothing_holds_up_nobody_and_is_made_good() -> None:
    """One message at most waits for it; in the end it has the page of now."""
    with serving() as served:
        lazy, reader = Reader(served), Reader(served)
        reader.next()
        text = ""
        for number in range(40):
            text = f"{number}" + "x" * 1_000_000
            served.say(state=text)
            assert reader.next() == {"state": text}
        until(lambda: len(held(served)) == 1 or None, "one message on its way", seconds=5)
        assert held(served)[0].lags
        found: dict[str, str] = {}
        while found.get("state") != text:
            found |= lazy.next()


def test_the_end_closes_all_streams() -> None:
    """A browser opens them again at the next process."""
    with serving() as served:
        reader = Reader(served)
        reader.next()
        served.streams.stop()
        with pytest.raises(EOFError):
            reader.next()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> registry.Certificate:
    """A certificate for 127.0.0.1 and who signed it."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def test_streams_and_answers_over_tls(made: registry.Certificate) -> None:
    """And a reader who speaks none holds up nobody."""
    certificate = Certificate(made.chain, made.key)
    with serving(wrap=certificate.wrap) as served:
        plain = served.connect()
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        reader = Reader(served, made.authority)
        assert reader.next() == {"state": "Pending"}
        text = "x" * 3_000_000
        served.say(state=text)
        assert reader.next() == {"state": text}
        connection = served.connect(made.authority)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        for item in (plain, connection):
            item.close()
        reader.close()
        until(lambda: served.streams.count == 0 or None, "end of the stream", seconds=5)


def test_the_opening_says_when_to_come_again() -> None:
    """Half a second."""
    assert OPENING == b"retry: 500\n\n"
