# SPDX-License-Identifier: Apache-2.0
"""Between operator and API server: passes everything on, notes it, and injects one fault.

Plain HTTP on the side of the operator, the TLS of the cluster on the other. One thread per
connection, as many connections upstream as downstream.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tools.crash.faults import Fault, Scope, Unit
from tools.crash.journal import Exchange, Journal, is_effect
from tools.crash.turn import Answer, Turn

_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive", "host"})
_IDLE_SECONDS = 20.0
_REAP_SECONDS = 0.3
_POLL_SECONDS = 0.05


class Proxy:
    """Passes requests to one API server. Use it as a context manager."""

    def __init__(self, server: str, ca: str) -> None:
        """Describe a proxy; it serves from `__enter__` on.

        Args:
            server: URL of the API server.
            ca: its certificate, PEM.
        """
        self.journal = Journal()
        self.killed = threading.Event()
        self.kill: Callable[[], None] = lambda: None
        self._upstream = urlsplit(server).netloc
        self._context = ssl.create_default_context(cadata=ca)
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._counts: dict[Unit, int] = {}
        self._calls: set[str] = set()
        self._held: dict[str, str] = {}
        self._answers: dict[str, tuple[Answer, Answer]] = {}
        self._streams: dict[socket.socket, http.client.HTTPConnection] = {}
        self._busy = 0
        self._closing = threading.Event()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        for work in (self._accept, self._reap):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    # What a run does with it

    def arm(self, fault: Fault | None) -> None:
        """Begin a phase: number from 1 on, and inject this fault (None: none)."""
        self.journal.clear()
        self.killed.clear()
        with self._lock:
            self._fault = fault
            self._counts = {}
            self._held = {}

    def disarm(self) -> None:
        """Inject no fault from now on."""
        with self._lock:
            self._fault = None

    def forget(self) -> None:
        """Begin a lifecycle: no older answers are remembered."""
        with self._lock:
            self._answers = {}
            self._calls = set()

    @property
    def calls(self) -> frozenset[str]:
        """What was asked for in this lifecycle, see `Exchange.call`."""
        with self._lock:
            return frozenset(self._calls)

    @property
    def fired(self) -> bool:
        """Whether the fault of this phase was injected."""
        with self._lock:
            return self._fault is not None and self._fault.fired > 0

    @property
    def counts(self) -> dict[Unit, int]:
        """How many things of each unit have passed since the phase began."""
        with self._lock:
            return dict(self._counts)

    def wait_until_answered(self) -> None:
        """Wait until all that was sent before a kill is answered, and no more faults come."""
        limit = time.monotonic() + 30
        while self._busy and time.monotonic() < limit:
            time.sleep(0.005)

    # What a fault does with it

    def kill_operator(self) -> None:
        """Kill the operator: at the return the process is gone."""
        self.kill()
        self.killed.set()

    def is_new(self, write: Exchange) -> bool:
        """Whether a write that was answered has changed something in this phase."""
        with self._lock:
            return is_effect(write, self._held)

    def recall(self, exchange: Exchange, *, latest: bool = False) -> Answer | None:
        """The first or latest answer to the same read in this lifecycle, or None."""
        with self._lock:
            answers = self._answers.get(exchange.read)
            return answers[latest] if answers else None

    # What the handlers do with it

    def take(self, unit: Unit) -> Fault | None:
        """Count something, and return the fault that is for it."""
        with self._lock:
            self._counts[unit] = self._counts.get(unit, 0) + 1
            fault = self._fault
            if fault is None or not fault.hits(unit, self._counts[unit]):
                return None
            if fault.scope is Scope.ONCE:
                self._fault = None
            fault.fired += 1
            return fault

    def take_call(self, call: str) -> Fault | None:
        """Note a call, and return the fault that refuses it for good."""
        with self._lock:
            self._calls.add(call)
            fault = self._fault
            if fault is None or not fault.refuses(call):
                return None
            fault.fired += 1
            return fault

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to the API server."""
        return http.client.HTTPSConnection(self._upstream, context=self._context, timeout=30)

    def busy(self, change: int) -> None:
        """Count the requests that are being served."""
        with self._lock:
            self._busy += change

    def remember(self, exchange: Exchange, answer: Answer) -> None:
        """Keep the first answer to a read, and the latest."""
        with self._lock:
            first, _ = self._answers.get(exchange.read, (answer, answer))
            self._answers[exchange.read] = (first, answer)

    def stream(self, client: socket.socket, upstream: http.client.HTTPConnection | None) -> None:
        """Note that a watch begins (with its upstream) or has ended (None)."""
        with self._lock:
            if upstream is None:
                self._streams.pop(client, None)
            else:
                self._streams[client] = upstream

    def _accept(self) -> None:
        self._server.serve_forever(poll_interval=_POLL_SECONDS)

    def _reap(self) -> None:
        """End the upstream side of watches whose client has gone."""
        while not self._closing.wait(_REAP_SECONDS):
            with self._lock:
                streams = list(self._streams.items())
            for client, upstream in streams:
                if _is_gone(client) and upstream.sock is not None:
                    _shut(upstream.sock)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore it: clients are killed on purpose here."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of the operator."""

    owner: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Prepare the way up; it is opened with the first request."""
        super().setup()
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def finish(self) -> None:
        """Close both sides."""
        if self._connection is not None:
            self._connection.close()
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        """The journal is the log."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        exchange = Exchange(self.command, parts.path, parts.query, self.rfile.read(length))
        if self.owner.take_call(exchange.call) is not None:
            self.owner.journal.enter(exchange)
            Turn(self.owner, self, exchange).refuse(403, "Forbidden")
            return
        if dict(parse_qsl(parts.query)).get("watch") == "true":
            self._watch(exchange)
            return
        self.owner.busy(1)
        try:
            self._answer(exchange)
        finally:
            self.owner.busy(-1)

    def _answer(self, exchange: Exchange) -> None:
        self.owner.journal.enter(exchange)
        turn = Turn(self.owner, self, exchange)
        fault = self._fault(exchange)
        if fault is None:
            turn.reply(turn.forward())
        else:
            fault.inject(turn)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 the base class's names

    def _fault(self, exchange: Exchange) -> Fault | None:
        if not _is_of_interest(exchange):
            return None
        if exchange.number:
            return self.owner.take(Unit.WRITE)
        again = self.owner.recall(exchange) is not None
        units = [Unit.READ, Unit.AGAIN] if again else [Unit.READ]
        return next(filter(None, [self.owner.take(unit) for unit in units]), None)

    def ask(self, exchange: Exchange) -> Answer:
        """Send a request up and read the whole answer."""
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
        connection = self._ready_connection()
        target = exchange.path + (f"?{exchange.query}" if exchange.query else "")
        connection.request(exchange.method, target, exchange.body or None, headers)
        response = connection.getresponse()
        body = response.read()
        self._used = time.monotonic()
        return Answer(status=response.status, headers=response.getheaders(), body=body)

    def say(self, answer: Answer, *, length: int | None = None) -> None:
        """Answer the operator; with a length, only so many bytes of what was promised."""
        self.send_response(answer.status)
        for key, value in answer.headers:
            if key.lower() not in _HOP:
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body if length is None else answer.body[:length])
        self.wfile.flush()
        self.close_connection = length is not None

    def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.close_connection = True
        _shut(self.connection)

    def _ready_connection(self) -> http.client.HTTPConnection:
        if self._connection is None or time.monotonic() - self._used > _IDLE_SECONDS:
            if self._connection is not None:
                self._connection.close()
            self._connection = self.owner.connect()
        return self._connection

    def _watch(self, exchange: Exchange) -> None:
        """Pass a stream on, line by line."""
        upstream = self.owner.connect()
        upstream.timeout = 400.0
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
        try:
            upstream.request("GET", f"{exchange.path}?{exchange.query}", headers=headers)
            response = upstream.getresponse()
            if response.status != 200:
                body = response.read()
                self.say(Answer(status=response.status, headers=response.getheaders(), body=body))
                return
            self.owner.stream(self.connection, upstream)
            self._begin_stream(response)
            for line in self._with_fault(_lines(response)):
                self._send_chunk(line)
            self._send_chunk(b"")
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            self.hang_up()
        finally:
            self.owner.stream(self.connection, None)
            upstream.close()

    def _begin_stream(self, response: http.client.HTTPResponse) -> None:
        self.send_response(200)
        self.send_header("Content-Type", response.getheader("Content-Type") or "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def _send_chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _with_fault(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The lines, with a fault in those that it is for."""
        for line in lines:
            fault = None if b'"BOOKMARK"' in line[:24] else self.owner.take(Unit.LINE)
            if fault is None:
                yield line
                continue
            for piece in fault.garble(line):
                if piece is None:
                    self.hang_up()
                    return
                yield piece


def _is_of_interest(exchange: Exchange) -> bool:
    """Whether a request may have a fault: other tests look after Events and leases."""
    return exchange.is_write or exchange.method == "GET"


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while line := response.readline():
        yield line


def _is_gone(client: socket.socket) -> bool:
    try:
        readable, _, _ = select.select([client], [], [], 0)
        return bool(readable) and client.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def _shut(side: socket.socket) -> None:
    try:
        side.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # closed already
