# SPDX-License-Identifier: Apache-2.0
"""The certificate that pages are served with, renewed while the process runs."""

from __future__ import annotations

import logging
import ssl
import threading
from pathlib import Path
from socket import socket

from fluxsm.errors import UsageError

log = logging.getLogger("fluxsm.certificate")


class Certificate:
    """A certificate with its key. Files that change, as those of a Secret do, are read again."""

    def __init__(self, chain: Path, key: Path) -> None:
        """Read both files, PEM.

        Raises:
            UsageError: they cannot be read, or do not belong together.
        """
        self._chain = chain
        self._key = key
        self._lock = threading.Lock()
        self._stamp = self._look()
        try:
            self._context = self._load()
        except OSError as error:
            raise UsageError(self._problem(error)) from None

    def wrap(self, connection: socket) -> ssl.SSLSocket:
        """Speak TLS over a connection that was accepted; the plain one is no longer of use.

        Raises:
            OSError: the peer does not speak TLS, or went away.
        """
        with self._lock:
            self._renew()
            context = self._context
        return context.wrap_socket(connection, server_side=True)

    def _renew(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp  # one warning for each change
        try:
            self._context = self._load()
        except OSError as error:
            log.warning("%s; the one from before is still used", self._problem(error))

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._chain, self._key)
        return context

    def _look(self) -> tuple[int, ...]:
        """What changes with the files, also where they are links."""
        try:
            found = [path.stat() for path in (self._chain, self._key)]
        except OSError:
            return ()
        return tuple(number for item in found for number in (item.st_mtime_ns, item.st_ino))

    def _problem(self, error: OSError) -> str:
        why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        return f"the certificate {self._chain} with the key {self._key} cannot be used: {why}"
