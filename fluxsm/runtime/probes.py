# SPDX-License-Identifier: Apache-2.0
"""Liveness, readiness and metrics over HTTP, on every replica."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fluxsm.errors import UsageError

log = logging.getLogger("fluxsm.probes")


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: HTTP status, body and content type."""

    status: int
    body: bytes
    type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Page]]


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

    def __init__(self, address: str, pages: Pages) -> None:
        """Bind the address.

        Raises:
            UsageError: it is malformed, or taken.
        """
        host, port = parse_address(address)
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(pages))
        except OSError as error:
            raise UsageError(f"{address} cannot be listened on: {error.strerror}") from None
        self._server.daemon_threads = True
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


def _handler(pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            make = pages.get(self.path.partition("?")[0].rstrip("/") or "/")
            page = make() if make else Page(404, b"not found\n")
            self.send_response(page.status)
            self.send_header("Content-Type", page.type)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 as in the base class
            log.debug(format, *args)

    return Handler
