# SPDX-License-Identifier: Apache-2.0
"""The page of an operator as its readers see it."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any, Self


class Page:
    """Reads the API of one process."""

    def __init__(self, port: int, *, trust: Path | None = None, token: str = "") -> None:
        """Say where it is.

        Args:
            port: of 127.0.0.1.
            trust: the authority whose certificate is expected; None without TLS.
            token: that the reader has.
        """
        self._port, self._trust = port, trust
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def connect(self) -> http.client.HTTPConnection:
        """A connection."""
        if self._trust is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        context = ssl.create_default_context(cafile=self._trust)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=10, context=context)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; 0 while nobody listens."""
        connection = self.connect()
        try:
            connection.request("GET", path, headers=self._headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def read(self, name: str) -> Any:
        """An answer of the API."""
        status, body = self.get(f"/api/v1/{name}")
        assert status == 200, (status, body)
        return json.loads(body)

    def stream(self) -> Stream:
        """The page as it changes."""
        connection = self.connect()
        connection.request("GET", "/api/v1/stream", headers=self._headers)
        return Stream(connection)


class Stream:
    """A stream. Use it as a context manager."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._answer = connection.getresponse()
        self.status = self._answer.status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()
        self._connection.close()

    def next(self) -> dict[str, str]:
        """The sections of the next message."""
        while line := self._answer.readline():
            if line.startswith(b"data: "):
                found: dict[str, str] = json.loads(line[6:])
                return found
        raise EOFError
