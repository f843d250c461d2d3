# SPDX-License-Identifier: Apache-2.0
"""An HTTP server on 127.0.0.1 that answers as a test says, also as no good API server would."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fluxsm.adapters.kube.client import KubeClient
from fluxsm.adapters.kube.configuration import Configuration


class Request:
    """A request, and how to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, *, stopping: threading.Event) -> None:
        self.method = handler.command
        self.path = handler.path
        self.connection: int = handler.client_address[1]
        self.token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        self._handler = handler
        self._stopping = stopping

    def answer(
        self, status: int, body: bytes = b"{}", *, length: int | None = None, challenge: str = ""
    ) -> None:
        """Answer at once.

        Args:
            status: HTTP status.
            body: of the answer.
            length: what the header says; above that of the body it breaks off in the middle.
            challenge: how to authenticate.
        """
        self._handler.send_response(status)
        if challenge:
            self._handler.send_header("WWW-Authenticate", challenge)
        self._handler.send_header("Content-Length", str(len(body) if length is None else length))
        self._handler.end_headers()
        self._handler.wfile.write(body)
        if length is not None:
            self._handler.close_connection = True

    def stream(self, *lines: bytes, idle: bool = False) -> None:
        """Answer with lines and end, or send nothing more after them."""
        self._handler.send_response(200)
        self._handler.send_header("Transfer-Encoding", "chunked")
        self._handler.end_headers()
        for line in lines:
            self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self._handler.wfile.flush()
        if idle:
            self.hang()
        else:
            self._handler.wfile.write(b"0\r\n\r\n")

    def vanish(self) -> None:
        """End the connection without a word."""
        self._handler.close_connection = True

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self._stopping.wait()
        self._handler.close_connection = True


class ApiServer:
    """What was asked, and where."""

    def __init__(self, port: int, connected: threading.Event) -> None:
        self.connected = connected
        self.host = f"http://127.0.0.1:{port}"
        self.requests: list[Request] = []

    def configuration(self, token: str = "first") -> Any:  # noqa: S107 not a secret
        """A configuration of the client library that leads here."""
        found = Configuration()
        found.host = self.host
        found.api_key = {"authorization": token}
        found.api_key_prefix = {"authorization": "Bearer"}
        return found

    def client(self, *, seconds: float = 5.0, **options: Any) -> KubeClient:
        """A client for this server."""
        return KubeClient(self.configuration(), seconds=seconds, **options)


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that none of them outlives the test."""

    daemon_threads = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._connections: list[socket.socket] = []
        self.connected = threading.Event()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection."""
        self._connections.append(request)
        self.connected.set()
        super().process_request(request, client_address)

    def disconnect(self) -> None:
        """End all connections, also those that a client keeps for later."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(*answers: Callable[[Request], None]) -> Iterator[ApiServer]:
    """Answer requests in turn; the last answer holds for all that follow."""
    stopping = threading.Event()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self, stopping=stopping)
            with lock:
                number = len(found.requests)
                found.requests.append(request)
            answers[min(number, len(answers) - 1)](request)

        def __getattr__(self, name: str) -> Callable[[], None]:
            """Every method is handled alike."""
            if name.startswith("do_"):
                return self._handle
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    found = ApiServer(int(server.server_address[1]), server.connected)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        stopping.set()
        server.shutdown()
        server.disconnect()
        server.server_close()
        thread.join()
