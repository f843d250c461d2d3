# SPDX-License-Identifier: Apache-2.0
"""What to tell people when a registry could not be used.

A message says which host, what was tried and which setting to look at. It never holds a secret:
addresses are shown without user information and query, answers of a server only by their status
and the error codes of the registry protocol.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from urllib3 import exceptions as http

from fluxsm.adapters.registry.transport import InsecureRedirectError, RedirectError, Response

FAILURES: Final = (
    http.ProtocolError,
    http.TimeoutError,
    http.SSLError,
    http.ProxyError,
    http.NewConnectionError,
    RedirectError,
)
"""What the transport raises when a connection fails: `explain` says why."""

_NOT_TLS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"}
)
"""What OpenSSL calls an answer that is no TLS record."""

_CODE: Final = re.compile(r"[A-Z][A-Z_]{2,40}")


def without_secrets(url: str) -> str:
    """An address fit for people: without user information, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    causes = list(_causes(error))
    if any(_is_final(cause) for cause in causes) or _not_tls(causes):
        return False
    return isinstance(error, FAILURES)


def speaks_no_tls(error: Exception) -> bool:
    """Whether a first HTTPS request failed because the server speaks plain HTTP.

    Some servers answer the greeting with text, others just hang up.
    """
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return False
    hung_up = any(isinstance(cause, ssl.SSLEOFError | ConnectionResetError) for cause in causes)
    return hung_up or _not_tls(causes)


def explain(error: Exception, host: str) -> str:
    """Say why a connection failed.

    Args:
        error: what the transport raised.
        host: the registry.

    Returns:
        One sentence without a full stop.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {host} is not trusted ({cause.verify_message}): give the "
                "authority that signed it with --registry-ca-file"
            )
        if isinstance(cause, InsecureRedirectError):
            return f"{host} redirects to plain HTTP at {cause}, which is not followed"
    if isinstance(error, http.ProxyError):
        return f"the proxy in front of {host} does not let us through: see HTTPS_PROXY and NO_PROXY"
    if _not_tls(causes):
        return (
            f"{host} does not speak HTTPS: if it is meant to be plain HTTP, allow it with "
            f"--registry-plain-http {host}"
        )
    if isinstance(error, RedirectError):
        return f"{host} redirects in circles"
    reason = _reason(causes) or type(error).__name__
    return (
        f"{host} cannot be reached ({reason}): check the address, the network policy, and "
        "HTTPS_PROXY where a proxy is needed"
    )


def refusal(response: Response, host: str, what: str, advice: str) -> str:
    """Say what a registry's answer means.

    Args:
        response: the answer.
        host: the registry.
        what: what was asked for.
        advice: which setting holds the login.

    Returns:
        One sentence without a full stop.
    """
    status = response.status
    said = f"{status}{_codes(response)}"
    answering = urlsplit(response.url).netloc
    if answering != host:
        said += f" from {answering}"
    match status:
        case 401 | 403:
            return f"{host} refuses {what} ({said}); {advice}"
        case 404:
            return f"{host} does not have {what} ({said}): check repository and tag, or {advice}"
        case 429:
            after = response.headers.get("Retry-After", "")
            wait = f" and asks to wait {after[:40]} s" if after.isdecimal() else ""
            return f"{host} limits our requests ({said}){wait}; a login may have a higher limit"
        case _ if status >= 500:
            return f"{host} is in trouble ({said}) and did not send {what} after several tries"
        case _:
            return f"{host} answers {said} when asked for {what}"


def _is_final(cause: BaseException) -> bool:
    """Whether trying again cannot help: not trusted, not allowed, or no such name."""
    if isinstance(cause, socket.gaierror):
        return cause.errno != socket.EAI_AGAIN
    return isinstance(cause, ssl.SSLCertVerificationError | RedirectError)


def _not_tls(causes: list[BaseException]) -> bool:
    """Whether the server answered the TLS greeting with something else."""
    return any(isinstance(cause, ssl.SSLError) and cause.reason in _NOT_TLS for cause in causes)


def _codes(response: Response) -> str:
    """The registry's own error codes, such as MANIFEST_UNKNOWN; its texts are not repeated."""
    try:
        errors = response.json()["errors"]
        codes = [str(error["code"]) for error in errors[:3]]
    except (ValueError, KeyError, TypeError):
        return ""
    known = [code for code in codes if _CODE.fullmatch(code)]
    return f" {', '.join(known)}" if known else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything that it wraps, in `args`, `reason` or as its cause."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [*current.args, getattr(current, "reason", None)]
        waiting += [current.__cause__, current.__context__]


def _reason(causes: list[BaseException]) -> str:
    """The operating system's or library's word for it."""
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "its name cannot be resolved"
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return cause.strerror
    for cause in causes:
        if isinstance(cause, http.TimeoutError | TimeoutError):
            return "no answer in time"
        if isinstance(cause, http.IncompleteRead):
            return "the connection ended in the middle of an answer"
    return next((str(c) for c in causes if isinstance(c, http.ProtocolError)), "")[:200]
