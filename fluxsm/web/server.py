# SPDX-License-Identifier: Apache-2.0
"""Serve answers over HTTP: a thread for each request, and one thread for all streams.

The server of the standard library, as for the probes: it is loaded anyway, where another one would
cost 4 to 16 MiB (docs/adr/0028-the-page.md). It is kept in bounds here: so many requests at a time,
so many per second of one address, so long for each. A connection is closed after its answer.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from fluxsm.runtime.listener import SLOW_SECONDS, Listener, Wrap
from fluxsm.web.exchange import SECURITY, Answer, Request, problem
from fluxsm.web.limits import Limits, Rate

log = logging.getLogger("fluxsm.web")

MOST_BODY: Final = 16 * 1024
"""The longest form that is read: a token is a few KiB."""

Adopt = Callable[[socket.socket], bool]
"""Takes a connection over, as a stream; False when there are too many."""


class WebServer(Listener):
    """Answers requests within limits."""

    request_queue_size = 128

    def __init__(
        self,
        address: str,
        answer: Callable[[Request], Answer],
        adopt: Adopt,
        *,
        limits: Limits | None = None,
        wrap: Wrap | None = None,
    ) -> None:
        """Bind the address; nothing is served before `start`.

        Args:
            address: such as `:9080`.
            answer: to a request. May take its time.
            adopt: takes the connection of a stream over.
            limits: how much is answered.
            wrap: speaks TLS; plain without.

        Raises:
            UsageError: the address is malformed, or taken.
        """
        self.answer, self.adopt = answer, adopt
        self._limits = limits or Limits()
        self._rate = Rate(self._limits)
        self._places = threading.BoundedSemaphore(self._limits.requests)
        self._open: dict[socket.socket, float] = {}
        self._adopted: set[socket.socket] = set()
        super().__init__(address, _Handler)
        self.wrap = wrap
        self._thread = threading.Thread(target=self.serve_forever, name="web", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        if self._thread.ident is not None:
            self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a request a thread, if there is a place for it."""
        now = time.monotonic()
        if not self._rate.admits(client_address[0], now):
            self._refuse(request, HTTPStatus.TOO_MANY_REQUESTS)
        elif not self._places.acquire(blocking=False):
            self._refuse(request, HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._open[request] = now
            super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and give the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.pop(request, None)
            self._places.release()

    def _refuse(self, request: socket.socket, status: HTTPStatus) -> None:
        """Say that there is no place, without waiting for anybody; by TLS nothing is said."""
        if self.wrap is None:
            text = f"HTTP/1.1 {status.value} {status.phrase}\r\nRetry-After: 1\r\n"
            with suppress(OSError):
                request.setblocking(False)
                request.send(f"{text}Connection: close\r\nContent-Length: 0\r\n\r\n".encode())
        super().shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, unless it is a stream now."""
        if request in self._adopted:
            self._adopted.discard(request)
        else:
            super().shutdown_request(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer, after the handshake where TLS is spoken."""
        if self.wrap is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(SLOW_SECONDS)
        began = self._open.pop(request)
        secure = self.wrap(request)  # the plain one is empty from now on
        self._open[secure] = began
        try:
            _Handler(secure, client_address, self)
        finally:
            del self._open[secure]
            self.shutdown_request(secure)

    def keep(self, request: socket.socket) -> bool:
        """Hand a connection over as a stream; False when there are too many."""
        if not self.adopt(request):
            return False
        self._adopted.add(request)
        return True

    def break_overdue(self) -> None:
        """Break the requests that take too long: a reader who dawdles takes the place of others."""
        limit = time.monotonic() - self._limits.seconds
        for request, began in list(self._open.items()):
            if began < limit:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: WebServer
    timeout = SLOW_SECONDS
    protocol_version = "HTTP/1.1"

    def version_string(self) -> str:
        return "fluxsm"

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

    def _answer(self) -> None:
        self.close_connection = True
        try:
            answer = self.server.answer(self._request())
        except _TooLongError:
            answer = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too long")
        except Exception:
            log.exception("an answer could not be made")
            answer = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the log of the operator says why")
        self._send(answer)
        if answer.streams and self.command != "HEAD":
            self.wfile.flush()
            self.server.keep(self.connection)

    def _request(self) -> Request:
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdecimal() else MOST_BODY + 1
        if size > MOST_BODY or "Transfer-Encoding" in self.headers:
            raise _TooLongError
        path = self.path.partition("?")[0]
        return Request(
            method=self.command,
            path=path.rstrip("/") or "/",
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(size) if size else b"",
        )

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {**SECURITY, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.send_header("Content-Type", answer.type)
        if not answer.streams:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status != HTTPStatus.NOT_MODIFIED:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 as in the base class
        log.debug(format, *args)


class _TooLongError(Exception):
    """The body of a request is longer than any that is expected."""
