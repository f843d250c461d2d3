# SPDX-License-Identifier: Apache-2.0
"""Who may look. A token comes in the header `Authorization`, or from a browser in a cookie.

A browser cannot send a header of its own with a page or a stream, so it exchanges a token that was
typed in for a cookie that scripts cannot read and that no other site can make it send. Nothing is
kept here: each request is judged by its token, so every replica may answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs

from fluxsm.web.exchange import Answer, Request

COOKIE: Final = "__Host-fluxsm"
LOGIN: Final = "/login"
LOGOUT: Final = "/logout"
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,3800}")
"""A bearer token that fits into a cookie."""

_ATTRIBUTES: Final = "; Path=/; Secure; HttpOnly; SameSite=Strict"

Judge = Callable[[str], HTTPStatus]
"""Whether the holder of a token, given as a header, may look: OK, or why not."""


@dataclass(frozen=True, slots=True)
class Access:
    """Judges requests.

    Attributes:
        judge: of tokens.
    """

    judge: Judge

    def verdict(self, request: Request) -> HTTPStatus:
        """OK, or why the request is not answered."""
        return self.judge(request.header("authorization") or _from_cookie(request))

    def log_in(self, request: Request) -> Answer | HTTPStatus:
        """Exchange the token of a form for a cookie; why not, where it is of no use."""
        token = _typed(request)
        verdict = self.judge(f"Bearer {token}")
        if verdict is not HTTPStatus.OK:
            return verdict
        return _moved(f"{COOKIE}={token}{_ATTRIBUTES}")


def log_out() -> Answer:
    """Let the browser forget the token."""
    return _moved(f"{COOKIE}=; Max-Age=0{_ATTRIBUTES}")


def _moved(cookie: str) -> Answer:
    headers = {"Location": "/", "Set-Cookie": cookie, "Cache-Control": "no-store"}
    return Answer(status=HTTPStatus.SEE_OTHER, headers=headers)


def _typed(request: Request) -> str:
    """The token of a form; empty where there is none, or what is there cannot be a token."""
    fields = parse_qs(request.body.decode("ascii", "replace"))
    token = fields.get("token", [""])[0].strip()
    return token if _TOKEN.fullmatch(token) else ""


def _from_cookie(request: Request) -> str:
    try:
        found = SimpleCookie(request.header("cookie")).get(COOKIE)
    except CookieError:
        return ""
    return f"Bearer {found.value}" if found is not None and found.value else ""
