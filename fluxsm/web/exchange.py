# SPDX-License-Identifier: Apache-2.0
"""A request and an answer, apart from how they travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

from fluxsm.web import encode
from fluxsm.web.answers import ErrorAnswer

JSON: Final = "application/json; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing inline, nothing from elsewhere: text of a cluster that slipped through would be inert."""

SECURITY: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of every answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a reader asks.

    Attributes:
        method: of HTTP.
        path: without the query.
        headers: by name in lower case.
        body: of a form; empty for none.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """A header, empty where there is none."""
        return self.headers.get(name.lower(), "")

    @property
    def wants_html(self) -> bool:
        """Whether a browser asks for something to look at."""
        return "text/html" in self.header("accept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a reader gets.

    Attributes:
        status: of HTTP.
        body: the body.
        type: its content type.
        headers: further headers.
        streams: whether the connection stays open after the body, for what comes later.
    """

    status: int = HTTPStatus.OK
    body: bytes = b""
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    streams: bool = False

    def with_headers(self, **more: str) -> Answer:
        """The same with further headers, whose names have underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return replace(self, headers={**self.headers, **named})


def tagged(request: Request, body: bytes, type_: str = JSON, *, age: int = 0) -> Answer:
    """An answer with an ETag; without a body where the reader has the same already.

    Args:
        request: who asks, and for what the reader has.
        body: the body.
        type_: its content type.
        age: seconds for which it need not be asked for again.
    """
    tag = encode.etag(body)
    kept = f"private, max-age={age}" if age else "private, no-cache"
    headers = {"ETag": tag, "Cache-Control": kept}
    if _has(request.header("if-none-match"), tag):
        return Answer(status=HTTPStatus.NOT_MODIFIED, type=type_, headers=headers)
    return Answer(body=body, type=type_, headers=headers)


def _has(header: str, tag: str) -> bool:
    known = (item.strip().removeprefix("W/") for item in header.split(","))
    return header.strip() == "*" or tag in known


def data(request: Request, content: Any) -> Answer:
    """JSON-like data with an ETag."""
    return tagged(request, encode.dump(content))


def problem(status: HTTPStatus, text: str, **headers: str) -> Answer:
    """Why there is no other answer, as JSON."""
    body = encode.dump(encode.plain(ErrorAnswer(error=text)))
    answer = Answer(status=status, body=body, headers={"Cache-Control": "no-store"})
    return answer.with_headers(**headers)
