# SPDX-License-Identifier: Apache-2.0
"""Liveness, readiness and metrics over HTTP, on every replica."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from fluxsm.runtime.listener import SLOW_SECONDS, Listener, Wrap

log = logging.getLogger("fluxsm.probes")


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: HTTP status, body and content type."""

    status: int
    body: bytes
    type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Page]]

Guard = Callable[[str, str], HTTPStatus]
"""Judges a reader by the authorization header and the path: OK, or why not."""


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
        self._server = Listener(address, _handler(pages, guard))
        self._server.wrap = wrap
        self._thread = threading.Thread(
            target=self._server.serve_forever, name=f"http-{self.port}", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.port

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=2)


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
