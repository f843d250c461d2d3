# SPDX-License-Identifier: Apache-2.0
"""Liveness, readiness and metrics over HTTP, on every replica."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

from fluxsm.errors import UsageError

log = logging.getLogger("fluxsm.probes")

SLOW_SECONDS: Final = 10.0
"""A reader that says nothing for this long is left."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: HTTP status, body and content type."""

    status: int
    body: bytes
    type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Page]]

Wrap = Callable[[socket.socket], socket.socket]
"""Takes a connection over that was accepted, to speak TLS. Raises OSError."""

Guard = Callable[[str, str], HTTPStatus]
"""Judges a reader by the authorization header and the path: OK, or why not."""


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of an address such as `:8081` or `127.0.0.1:0`.

    Raises:
        UsageError: the text is not an address.
    """
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{text!r} is not an address such as :8081 or 127.0.0.1:8081")
    return host.strip("[]"), int(port)


class PageServer:
    """Serves a few pages in threads of its own."""

    def __init__(
        self, address: str, pages: Pages, *, wrap: Wrap | None = None, guard: Guard | None = None
    ) -> None:
        """Bind the address.

        Args:
            address: such as `:8081`.
            pages: by their path.
            wrap: speaks TLS; plain without.
            guard: judges the readers; without, everybody may read.

        Raises:
            UsageError: the address is malformed, or taken.
        """
        host, port = parse_address(address)
        try:
            self._server = _Server((host, port), _handler(pages, guard))
        except OSError as error:
            raise UsageError(f"{address} cannot be listened on: {error.strerror}") from None
        self._server.wrap = wrap
        self._thread = threading.Thread(
            target=self._server.serve_forever, name=f"http-{self.port}", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=2)


class _Server(ThreadingHTTPServer):
    """Every reader has a thread, so one that is slow or broken holds up no other."""

    daemon_threads = True
    wrap: Wrap | None = None

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        host, _ = address
        if ":" in host or (not host and socket.has_dualstack_ipv6()):
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Listen, without asking a name server what this machine is called.

        Without a host that is on all addresses, of both families as the kubelet may use either.
        """
        if self.address_family == socket.AF_INET6 and not self.server_address[0]:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer, after the handshake where TLS is spoken."""
        if self.wrap is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(SLOW_SECONDS)
        with self.wrap(request) as secure:
            super().finish_request(secure, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 of the base
        """A reader that went away, or speaks no TLS, is no error of this process."""
        error = sys.exception()
        if isinstance(error, OSError):
            log.debug("the connection of %s broke: %s", client_address[0], error)
        else:
            log.error("a page could not be made", exc_info=error)


def _handler(pages: Pages, guard: Guard | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = SLOW_SECONDS

        def do_GET(self) -> None:
            page = self._page(self.path.partition("?")[0].rstrip("/") or "/")
            self.send_response(page.status)
            if page.status == HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", "Bearer")
            self.send_header("Content-Type", page.type)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def _page(self, path: str) -> Page:
            if guard is not None:
                verdict = guard(self.headers.get("Authorization", ""), path)
                if verdict is not HTTPStatus.OK:
                    return Page(verdict, f"{verdict.phrase.lower()}\n".encode())
            make = pages.get(path)
            return make() if make else Page(HTTPStatus.NOT_FOUND, b"not found\n")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 as in the base class
            log.debug(format, *args)

    return Handler
