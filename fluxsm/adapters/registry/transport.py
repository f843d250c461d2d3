# SPDX-License-Identifier: Apache-2.0
"""HTTP for registries: bounded in time and size, and HTTPS unless said otherwise.

Every request of a pull passes through `Transport`, also the hops of a redirect and the requests
for a token, so what is enforced here holds for all of them. Answers are read whole.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from fluxsm.adapters.registry.deadline import Deadline
from fluxsm.adapters.registry.proxies import proxy_for
from fluxsm.errors import ArtifactError

IDLE_LIMIT: Final = 10.0
"""Seconds to connect, and to wait for the next byte."""

BODY_LIMIT: Final = 4 << 20
"""Bytes of a manifest or a token answer, the size that every registry must accept."""

ERROR_BODY_LIMIT: Final = 64 << 10
"""Bytes that are read of an answer that is no success."""

MAX_REDIRECTS: Final = 5

_CHUNK: Final = 64 << 10
_HEADERS: Final = {
    "User-Agent": "fluxsm",
    # The digest is that of the bytes as stored, so nothing may be encoded on the way.
    "Accept-Encoding": "identity",
}

Trust = Callable[[], ssl.SSLContext]
"""Returns what servers are trusted. Called when HTTPS is spoken: reading authorities is slow."""


class TooLargeError(Exception):
    """The other side sent more than it may."""


class RedirectError(Exception):
    """The other side redirects more often than is followed."""


class InsecureRedirectError(RedirectError):
    """A step would go over plain HTTP although the registry is an HTTPS one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer.

    Attributes:
        url: where it came from, after redirects.
        status: its HTTP status.
        headers: its headers; names in upper or lower case.
        content: its body, as sent.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes = b""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.content)


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """What servers are trusted: the system's authorities, the bundled ones and a private one.

    Args:
        ca_file: PEM file with further authorities.

    Returns:
        A context that checks certificate and host name.

    Raises:
        ArtifactError: the file cannot be read.
    """
    import certifi  # noqa: PLC0415 plain HTTP needs none

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ArtifactError(
                f"{ca_file} is not a file of PEM certificates ({error}): see --registry-ca-file"
            ) from error
    return context


def with_query(url: str, fields: Mapping[str, str]) -> str:
    """An address with further fields in its query."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(fields))))
    return parts._replace(query=query).geturl()


class Transport:
    """Sends requests with a deadline, and reads answers whole, up to a limit.

    Args:
        deadline: the time that all requests share.
        trust: what servers are trusted.
        environment_proxies: whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply.
        plain: whether plain HTTP may be used at all.
    """

    def __init__(
        self, deadline: Deadline, trust: Trust, *, environment_proxies: bool, plain: bool = False
    ) -> None:
        self.plain = plain
        self._deadline = deadline
        self._trust = trust
        self._environment_proxies = environment_proxies
        self._managers: dict[tuple[str, str], urllib3.PoolManager] = {}

    def close(self) -> None:
        """Close all connections."""
        for manager in self._managers.values():
            manager.clear()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = BODY_LIMIT,
    ) -> Response:
        """Send a request, follow redirects, and read the answer.

        A login does not follow a redirect to another server.

        Args:
            method: such as GET.
            url: address.
            headers: beside those that every request has.
            body: what is sent.
            limit: bytes of a successful answer that are accepted.

        Raises:
            DeadlineExceededError: the time is over.
            RedirectError: too many redirects, or one to plain HTTP.
            TooLargeError: the answer is larger than the limit.
            urllib3.exceptions.HTTPError: the connection failed.
        """
        sent = _HEADERS | dict(headers or {})
        for _ in range(MAX_REDIRECTS + 1):
            response, location = self._send(method, url, sent, body, limit)
            if not location:
                return response
            following = urljoin(url, location)
            if _origin(following) != _origin(url):
                sent.pop("Authorization", None)
            if method != "HEAD" and response.status in {301, 302, 303}:
                method, body = "GET", None
                sent.pop("Content-Type", None)
            url = following
        raise RedirectError(f"more than {MAX_REDIRECTS} redirects")

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> tuple[Response, str]:
        """One request: its answer, and where that leads."""
        if not self.plain and urlsplit(url).scheme != "https":
            raise InsecureRedirectError(urlsplit(url).netloc.rpartition("@")[2])
        idle = min(IDLE_LIMIT, self._deadline.check())
        try:
            raw = self._manager(url).request(
                method,
                url,
                headers=headers,
                body=body,
                timeout=urllib3.Timeout(connect=idle, read=idle),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            location = raw.get_redirect_location() or ""
            success = 200 <= raw.status < 400 and not location
            content = self._read(raw, limit if success else ERROR_BODY_LIMIT, cut=not success)
        except (OSError, urllib3.exceptions.HTTPError):
            # A connection that the deadline shut fails in many ways; the reason is the deadline.
            self._deadline.check()
            raise
        return Response(url=url, status=raw.status, headers=raw.headers, content=content), location

    def _read(self, raw: urllib3.BaseHTTPResponse, limit: int, *, cut: bool) -> bytes:
        """The body; of one beyond the limit either the beginning, or an error."""
        body = bytearray()
        try:
            # read1 returns what has arrived, so that the deadline is checked at every piece.
            while piece := raw.read1(_CHUNK, decode_content=False):
                self._deadline.check()
                body += piece
                if len(body) > limit:
                    if not cut:
                        raise TooLargeError(f"more than {limit} bytes")
                    break
        finally:
            raw.close()
        return bytes(body)

    def _manager(self, url: str) -> urllib3.PoolManager:
        """The connections for an address: direct ones, or through a proxy."""
        proxy = proxy_for(url) if self._environment_proxies else ""
        key = urlsplit(url).scheme, proxy
        if key not in self._managers:
            manager = self._new_manager(*key)
            manager.pool_classes_by_scheme = _watched_pools(self._deadline)
            self._managers[key] = manager
        return self._managers[key]

    def _new_manager(self, scheme: str, proxy: str) -> urllib3.PoolManager:
        context = self._trust() if scheme == "https" else None
        if not proxy:
            return urllib3.PoolManager(ssl_context=context)
        parts = urlsplit(proxy)
        login = unquote(f"{parts.username}:{parts.password or ''}") if parts.username else None
        return urllib3.ProxyManager(
            proxy,
            proxy_headers=urllib3.make_headers(proxy_basic_auth=login),
            proxy_ssl_context=self._trust() if parts.scheme == "https" else None,
            ssl_context=context,
        )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _watched_pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools whose connections are known to the deadline."""

    class WatchedHTTP(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            _watch(deadline, self.sock)

    class WatchedHTTPS(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            _watch(deadline, self.sock)

    class PoolHTTP(HTTPConnectionPool):
        ConnectionCls = WatchedHTTP

    class PoolHTTPS(HTTPSConnectionPool):
        ConnectionCls = WatchedHTTPS

    return {"http": PoolHTTP, "https": PoolHTTPS}


def _watch(deadline: Deadline, connection: socket.socket | None) -> None:
    if connection is not None:
        deadline.watch(connection)
