# SPDX-License-Identifier: Apache-2.0
"""Listen on an address, and give every reader a thread; by TLS where that is wanted."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

from fluxsm.errors import UsageError

log = logging.getLogger("fluxsm.http")

SLOW_SECONDS: Final = 10.0
"""A reader that says nothing for this long is left."""

Wrap = Callable[[socket.socket], socket.socket]
"""Takes a connection over that was accepted, to speak TLS. Raises OSError."""


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of an address such as `:8081` or `127.0.0.1:0`.

    Raises:
        UsageError: the text is not an address.
    """
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{text!r} is not an address such as :8081 or 127.0.0.1:8081")
    return host.strip("[]"), int(port)


class Listener(ThreadingHTTPServer):
    """Every reader has a thread, so one that is slow or broken holds up no other."""

    daemon_threads = True
    wrap: Wrap | None = None

    def __init__(self, address: str, handler: type[BaseHTTPRequestHandler]) -> None:
        """Bind an address.

        Args:
            address: such as `:8081`; without a host that is on all addresses.
            handler: answers a request.

        Raises:
            UsageError: the address is malformed, or taken.
        """
        host, port = parse_address(address)
        if ":" in host or (not host and socket.has_dualstack_ipv6()):
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), handler)
        except OSError as error:
            raise UsageError(f"{address} cannot be listened on: {error.strerror}") from None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.server_address[1])

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
