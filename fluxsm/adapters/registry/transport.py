# SPDX-License-Identifier: Apache-2.0
"""HTTP for registries: bounded in time and size, and HTTPS unless said otherwise.

Every request of a pull passes through `BoundedAdapter`, also the hops of a redirect and the
requests for a token, so what is enforced here holds for all of them.
"""

from __future__ import annotations

import io
import socket
import ssl
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from fluxsm.adapters.registry.deadline import Deadline
from fluxsm.errors import ArtifactError

IDLE_LIMIT: Final = 10.0
"""Seconds to connect, and to wait for the next byte."""

BODY_LIMIT: Final = 4 << 20
"""Bytes of a manifest or a token answer, the size that every registry must accept."""

ERROR_BODY_LIMIT: Final = 64 << 10
"""Bytes that are read of an answer that is no success."""

MAX_REDIRECTS: Final = 5

_CHUNK: Final = 64 << 10


class TooLargeError(Exception):
    """The other side sent more than it may."""


class InsecureRedirectError(requests.RequestException):
    """A step would go over plain HTTP although the registry is an HTTPS one."""


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """What servers are trusted: the system's authorities, the bundled ones and a private one.

    Args:
        ca_file: PEM file with further authorities.

    Returns:
        A context that checks certificate and host name.

    Raises:
        ArtifactError: the file cannot be read.
    """
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


def new_session(
    deadline: Deadline, context: ssl.SSLContext, *, environment_proxies: bool
) -> tuple[requests.Session, BoundedAdapter]:
    """A session whose every request is bounded by the deadline.

    Args:
        deadline: the time that all requests of the session share.
        context: what servers are trusted.
        environment_proxies: whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply.

    Returns:
        The session and the adapter behind it.
    """
    session = requests.Session()
    # Otherwise requests reads ~/.netrc, and would send what is in there.
    session.trust_env = False
    session.max_redirects = MAX_REDIRECTS
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "fluxsm"
    # The digest is that of the bytes as stored, so nothing may be encoded on the way.
    session.headers["Accept-Encoding"] = "identity"
    adapter = BoundedAdapter(deadline, context, environment_proxies=environment_proxies)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session, adapter


class BoundedAdapter(HTTPAdapter):
    """Sends requests with a deadline, and reads answers whole, up to a limit.

    Attributes:
        plain: whether plain HTTP may be used at all.
        body_limit: bytes of the next successful answer.
    """

    def __init__(
        self, deadline: Deadline, context: ssl.SSLContext, *, environment_proxies: bool
    ) -> None:
        self.plain = False
        self.body_limit = BODY_LIMIT
        self._deadline = deadline
        self._context = context
        self._environment_proxies = environment_proxies
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections that the deadline can shut."""
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _watched_pools(self._deadline)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The same for connections through a proxy."""
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        manager.pool_classes_by_scheme = _watched_pools(self._deadline)
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave trust to the context, which would otherwise be loaded again each time."""
        del url, verify, cert
        conn.cert_reqs = "CERT_REQUIRED"

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send one request and read its answer.

        Raises:
            DeadlineExceededError: the time is over.
            InsecureRedirectError: the address is a plain HTTP one and may not be.
            TooLargeError: the answer is larger than the limit.
            requests.RequestException: the connection failed.
        """
        del stream, timeout, verify, cert, proxies
        url = str(request.url)
        if not self.plain and urlsplit(url).scheme != "https":
            raise InsecureRedirectError(urlsplit(url).netloc.rpartition("@")[2])
        proxies = get_environ_proxies(url) if self._environment_proxies else {}
        idle = min(IDLE_LIMIT, self._deadline.check())
        try:
            response = super().send(
                request, stream=True, timeout=(idle, idle), verify=True, proxies=proxies
            )
            return self._read(request, response)
        except (OSError, urllib3.exceptions.HTTPError):
            # A connection that the deadline shut fails in many ways; the reason is the deadline.
            self._deadline.check()
            raise

    def _read(
        self, request: requests.PreparedRequest, response: requests.Response
    ) -> requests.Response:
        """Replace the open answer by one that is held in memory."""
        raw = response.raw
        try:
            body = self._body(raw, success=response.ok and not response.is_redirect)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.ReadTimeout(error, request=request) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error, request=request) from error
        finally:
            raw.close()
        headers = {
            key: value for key, value in raw.headers.items() if key.lower() != "content-encoding"
        }
        return self.build_response(
            request,
            urllib3.HTTPResponse(
                body=io.BytesIO(body),
                headers=headers,
                status=raw.status,
                reason=raw.reason,
                preload_content=False,
                enforce_content_length=False,
                request_method=request.method,
            ),
        )

    def _body(self, raw: urllib3.HTTPResponse, *, success: bool) -> bytes:
        limit = self.body_limit if success else ERROR_BODY_LIMIT
        body = bytearray()
        # read1 returns what has arrived, so that the deadline is checked at every piece.
        while piece := raw.read1(_CHUNK, decode_content=False):
            self._deadline.check()
            body += piece
            if len(body) > limit:
                if success:
                    raise TooLargeError(f"more than {limit} bytes")
                break
        return bytes(body)


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
