# SPDX-License-Identifier: Apache-2.0
"""Requests to the API server: connection, credentials, time limits, errors for people.

The official client finds the cluster and keeps the credentials fresh; its models and generated
methods are not used, because manifests are plain dicts here.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import urllib3
from urllib3.connection import HTTPConnection

from fluxsm.adapters.kube.configuration import (
    Configuration,
    RESTClientObject,
    authorize,
    read_kubeconfig,
    read_service_account,
)
from fluxsm.errors import (
    ClusterError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    KindNotServedError,
    NotFoundError,
    UnavailableError,
    UsageError,
)

REQUEST_SECONDS: Final = 15.0
"""Time limit of an ordinary request."""

AGENT: Final = "fluxsm"
CONNECT_SECONDS: Final = 5.0
POOL_SIZE: Final = 32
_SOCKET_OPTIONS: Final = [
    *HTTPConnection.default_socket_options,
    # A peer that vanished without a word is noticed within 30 seconds, also on a quiet watch.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
]
_MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_ERRORS: Final[Mapping[int, type[ClusterError]]] = {
    400: InvalidError,
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    405: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
    413: InvalidError,
    415: InvalidError,
    422: InvalidError,
}


class KubeClient:
    """One API server. Safe to use from several threads."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        reload: Callable[[], Configuration] | None = None,
        seconds: float = REQUEST_SECONDS,
        agent: str = AGENT,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            configuration: where the server is, and the credentials.
            reload: reads the configuration again, for credentials that have expired.
            seconds: time limit of an ordinary request.
            agent: how it calls itself, for audit logs.
            headers: sent with every request, such as those of impersonation; one may come twice.
        """
        self._reload = reload
        self._agent = agent
        self._headers = headers
        self._reloading = threading.Lock()
        self._seconds = seconds
        self._refusal = ""
        self._use(configuration)
        self.host: str = configuration.host.rstrip("/")
        self.before_mutation: Callable[[], None] = lambda: None
        self.on_request: Callable[[str, int], None] = lambda _verb, _code: None

    @classmethod
    def from_kubeconfig(cls, path: str | None = None, context: str | None = None) -> KubeClient:
        """A client for a kubeconfig (default: KUBECONFIG or ~/.kube/config).

        Raises:
            UsageError: there is no usable kubeconfig.
        """
        load = partial(read_kubeconfig, path, context)
        return cls(load(), reload=load)

    @classmethod
    def in_cluster(cls) -> KubeClient:
        """A client for the cluster that this process runs in.

        Raises:
            UsageError: this process does not run in a cluster.
        """
        return cls(read_service_account(), reload=read_service_account)

    def apart(self, seconds: float = REQUEST_SECONDS, *, agent: str = AGENT) -> KubeClient:
        """A client for the same server with connections and a time limit of its own.

        Requests are counted together; `before_mutation` and `refuse` do not reach it.
        """
        found = KubeClient(
            self._configuration,
            reload=self._reload,
            seconds=seconds,
            agent=agent,
            headers=self._headers,
        )
        found.on_request = self.on_request
        return found

    def refuse(self, why: str) -> None:
        """Send nothing any more; what is under way goes on until its time limit."""
        self._refusal = why

    def close(self) -> None:
        """Close all idle connections."""
        self._pool.clear()

    def request(
        self,
        method: str,
        path: str,
        *,
        what: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> tuple[int, dict[str, Any]]:
        """Send a request and read the answer.

        Args:
            method: HTTP method.
            path: from the root of the server.
            what: what is done to which object, for messages.
            query: parameters.
            body: JSON-like data.
            content_type: of the body.
            accept: of the answer.

        Returns:
            Status code and decoded body.

        Raises:
            ClusterError: the leaf that fits the answer.
        """
        response = self._send(method, path, what, query, body, content_type, accept, self._seconds)
        data = response.data
        if response.status >= 400:
            raise self._error(response.status, data, what)
        return response.status, self._decode(data, what)

    def stream(
        self,
        path: str,
        *,
        what: str,
        query: Mapping[str, str],
        accept: str,
        idle_limit: float,
    ) -> urllib3.BaseHTTPResponse:
        """Open a stream of lines; reading raises when it is idle for too long.

        Args:
            path: from the root of the server.
            what: what is watched, for messages.
            query: parameters.
            accept: of the answer.
            idle_limit: the longest pause between two pieces of data, in seconds.

        Raises:
            ClusterError: the leaf that fits the answer.
        """
        response = self._send(
            "GET", path, what, query, None, "application/json", accept, idle_limit, preload=False
        )
        if response.status >= 400:
            try:
                data = response.read()
            except urllib3.exceptions.HTTPError:
                data = b""
            finally:
                response.close()
            raise self._error(response.status, data, what)
        return response

    def _send(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, str] | None,
        body: Any,
        content_type: str,
        accept: str,
        seconds: float,
        *,
        preload: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        payload = None if body is None else json.dumps(body).encode()
        url = self._url(path, query)
        for attempt in (1, 2):
            used = self._configuration
            headers = urllib3.HTTPHeaderDict({"Accept": accept, "User-Agent": self._agent})
            headers.extend(authorize(used))
            headers.extend(self._headers)
            if payload is not None:
                headers["Content-Type"] = content_type
            if self._refusal:
                raise UnavailableError(f"{what}: not sent, {self._refusal}")
            try:
                response = self._pool.request(
                    method,
                    url,
                    body=payload,
                    headers=headers,
                    timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds),
                    preload_content=preload,
                )
            except urllib3.exceptions.HTTPError as error:
                self._pool.clear()  # idle connections to the same server are as dead
                self.on_request(method, 0)
                if _died_idle(error) and method == "GET" and attempt == 1:
                    continue  # whether a write arrived is not known: its caller decides
                raise UnavailableError(f"{what}: {_plain(error)} ({self.host})") from None
            self.on_request(method, response.status)
            if response.status != 401 or attempt == 2 or self._reload is None:
                break
            response.close()
            self._refresh(used)
        return response

    def _url(self, path: str, query: Mapping[str, str] | None) -> str:
        from urllib.parse import urlencode  # noqa: PLC0415 cheap, and only used here

        return f"{self.host}{path}" + (f"?{urlencode(query)}" if query else "")

    def _use(self, configuration: Configuration) -> None:
        configuration.connection_pool_maxsize = POOL_SIZE
        configuration.retries = urllib3.Retry(False)
        self._configuration = configuration
        pool: urllib3.PoolManager = RESTClientObject(configuration).pool_manager
        self._pool = _guarded(pool, lambda: self.before_mutation())  # noqa: PLW0108 it is set later
        self._pool.connection_pool_kw["socket_options"] = _SOCKET_OPTIONS

    def _refresh(self, used: Configuration) -> None:
        """Read the credentials again, once for all who were refused with the same ones."""
        with self._reloading:
            if self._reload is None or self._configuration is not used:
                return
            try:
                self._use(self._reload())
            except UsageError as error:
                raise UnavailableError(f"new credentials cannot be had: {error}") from None

    def _error(self, status: int, data: bytes, what: str) -> ClusterError:
        reason, message = _explain(data)
        leaf = _ERRORS.get(status, UnavailableError)
        if leaf is NotFoundError and not _names_object(data):
            leaf = KindNotServedError
        word = f" ({reason})" if reason else f" (HTTP {status})"
        return leaf(f"{what}{word}: {message or 'no reason was given'}")

    def _decode(self, data: bytes, what: str) -> dict[str, Any]:
        try:
            found = json.loads(data)
        except ValueError:
            raise UnavailableError(f"{what}: the answer is not JSON ({self.host})") from None
        if not isinstance(found, dict):
            raise UnavailableError(f"{what}: the answer is not an object ({self.host})")
        return found


def _guarded(pool: urllib3.PoolManager, check: Callable[[], None]) -> urllib3.PoolManager:
    """Have a write checked at the last moment, when its connection is ready and its bytes are."""

    def guarded(kind: Any) -> Any:
        class Connection(kind.ConnectionCls):  # type: ignore[misc] # plain or TLS
            def request(self, method: str, *args: Any, **options: Any) -> None:
                if method in _MUTATING:
                    if self.sock is None:
                        self.connect()
                    # With a timeout, a send waits for the socket, and then for the other threads
                    # of this process, after the check. Reading the answer sets a timeout again.
                    self.timeout = None
                super().request(method, *args, **options)

            def endheaders(self, *args: Any, **options: Any) -> None:
                if self._method in _MUTATING:
                    check()
                super().endheaders(*args, **options)

        return type(kind.__name__, (kind,), {"ConnectionCls": Connection})

    kinds = pool.pool_classes_by_scheme
    pool.pool_classes_by_scheme = {scheme: guarded(kind) for scheme, kind in kinds.items()}
    return pool


def _died_idle(error: Exception) -> bool:
    """Whether it may be a kept connection, closed by the server just as the request went out."""
    return isinstance(error, urllib3.exceptions.ProtocolError)


def _explain(data: bytes) -> tuple[str, str]:
    """Reason and message of a Status object, or of whatever a proxy has answered instead."""
    try:
        status = json.loads(data)
        return str(status.get("reason") or ""), str(status.get("message") or "")
    except (ValueError, AttributeError):
        return "", data[:200].decode(errors="replace").strip()


def _names_object(data: bytes) -> bool:
    """Whether a 404 is about an object: for a kind that is not served, the server names none."""
    try:
        return bool(json.loads(data)["details"]["name"])
    except (ValueError, KeyError, TypeError):
        return False


def _plain(error: Exception) -> str:
    """What went wrong with a connection, without the objects that urllib3 puts into the text."""
    match error:
        case urllib3.exceptions.ReadTimeoutError():
            return "the API server did not answer in time"
        case urllib3.exceptions.NewConnectionError():  # before the next one, which it derives from
            return "the API server cannot be reached"
        case urllib3.exceptions.ConnectTimeoutError():
            return "the API server could not be reached in time"
        case urllib3.exceptions.MaxRetryError() if error.reason is not None:
            return _plain(error.reason)
        case urllib3.exceptions.SSLError():
            return f"the API server is not trusted: {error}"
        case _:
            return f"the connection to the API server broke ({type(error).__name__})"
