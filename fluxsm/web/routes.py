# SPDX-License-Identifier: Apache-2.0
"""Which path has which answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from fluxsm.machine.table import Table
from fluxsm.web.access import LOGIN, LOGOUT, Access, log_out
from fluxsm.web.board import Board, Content
from fluxsm.web.exchange import HTML, Answer, Request, data, problem, tagged
from fluxsm.web.html import document
from fluxsm.web.html.picture import REFERENCE, colours

API: Final = "/api/v1"
STREAM: Final = f"{API}/stream"
DOCUMENT: Final = f"{API}/openapi.json"
INDEX: Final[Mapping[str, str]] = {
    "instance": "The instance: state, conditions, what is waited for, components, inventory.",
    "machine": "The state machine: states, rows, and the way of the last run.",
    "history": "The last runs with the time spent in each state, and past configurations.",
    "events": "The Kubernetes events about the instance.",
    "report": "The FluxReport, with `spec.userInfo`.",
    "stream": "The page as it changes, as server-sent events.",
    "openapi.json": "This API as an OpenAPI document.",
}
"""What there is below `/api/v1`."""

READING: Final = frozenset({"GET", "HEAD"})
CSS: Final = "text/css; charset=utf-8"
ASSETS: Final[Mapping[str, str]] = {
    "page.css": CSS,
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""Files of the page, and their types."""

Route = Callable[[Request], Answer]


class Routes:
    """Answers requests from a board."""

    def __init__(
        self,
        board: Board,
        table: Table,
        access: Access | None = None,
        *,
        hosts: frozenset[str] | None = None,
        is_full: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare.

        Args:
            board: what is known.
            table: of the machine.
            access: who may look; None for everybody.
            hosts: names in the header `Host` that are answered to; None for all.
            is_full: whether there is no place for another stream.
        """
        self._board, self._access, self._hosts, self._is_full = board, access, hosts, is_full
        # Nothing in these is of a cluster, and the form for a token needs them.
        self._public: dict[str, Route] = {
            f"/assets/{name}": _file(name, type_) for name, type_ in ASSETS.items()
        }
        self._public["/assets/colours.css"] = lambda request: tagged(
            request, colours().encode(), CSS
        )
        self._routes: Mapping[str, Route] = {
            "/": self._page,
            REFERENCE: lambda request: tagged(request, document.reference_page(table), HTML),
            API: lambda request: data(request, _index()),
            DOCUMENT: lambda request: tagged(request, asset("openapi.json")),
            STREAM: self._stream,
            f"{API}/instance": self._of_content(lambda content: content.instance),
            f"{API}/machine": self._of_content(lambda content: content.machine),
            f"{API}/history": self._of_content(lambda content: content.history),
            f"{API}/events": self._of_content(lambda content: content.events),
            f"{API}/report": self._report,
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        if self._hosts is not None and _host(request) not in self._hosts:
            text = "this page answers only to the names of its own machine"
            return problem(HTTPStatus.MISDIRECTED_REQUEST, text)
        if self._access is not None and request.method == "POST":
            return self._form(request, self._access)
        route = self._public.get(request.path)
        if route is None and self._access is not None:
            verdict = self._access.verdict(request)
            if verdict is not HTTPStatus.OK:
                return _refused(request, verdict)
        route = route or self._routes.get(request.path)
        if route is None:
            return problem(HTTPStatus.NOT_FOUND, f"there is no {request.path}; see {API}")
        if request.method not in READING:
            text = f"{request.method} is not possible: everything here is read-only"
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, text, Allow="GET, HEAD")
        return route(request)

    def _form(self, request: Request, access: Access) -> Answer:
        """A token is given, or forgotten; nothing else can be posted."""
        if request.path == LOGOUT:
            return log_out()
        if request.path != LOGIN:
            text = "POST is not possible: everything here is read-only"
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, text, Allow="GET, HEAD")
        found = access.log_in(request)
        return found if isinstance(found, Answer) else _refused(request, found)

    def _page(self, request: Request) -> Answer:
        sections = self._board.look().sections
        body = document.page(sections, login=self._access is not None)
        return tagged(request, body, HTML)

    def _stream(self, _: Request) -> Answer:
        if self._is_full():
            text = "there are too many readers; try again"
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, text, Retry_After="5")
        self._board.look()
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Answer(type="text/event-stream", headers=headers, streams=True)

    def _of_content(self, pick: Callable[[Content], object]) -> Route:
        return lambda request: data(request, pick(self._board.look()))

    def _report(self, request: Request) -> Answer:
        content = self._board.look()
        if content.report is not None:
            return data(request, content.report)
        why = content.facts.unknown.get("report")
        if why:
            text = f"the FluxReport is not known: {why}"
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, text, Retry_After="2")
        namespace = content.facts.server.namespace
        text = f"there is no FluxReport in the namespace {namespace}"
        return problem(HTTPStatus.NOT_FOUND, text)


def _host(request: Request) -> str:
    """The name that a reader asks by, without the port."""
    name, separator, port = request.header("host").rpartition(":")
    return name if separator and port.isdecimal() else request.header("host")


def _refused(request: Request, verdict: HTTPStatus) -> Answer:
    """Why somebody may not look; for a browser, with a form for a token."""
    words = {
        HTTPStatus.UNAUTHORIZED: "a bearer token is needed that the API server knows",
        HTTPStatus.FORBIDDEN: "the token is of somebody who may not get the FluxInstance",
    }
    text = words.get(verdict, "the API server does not say who may look; the log says why")
    if request.wants_html:
        body = document.login_page(f"{text[:1].upper()}{text[1:]}.")
        return Answer(status=verdict, body=body, type=HTML, headers={"Cache-Control": "no-store"})
    answer = problem(verdict, text)
    if verdict is HTTPStatus.UNAUTHORIZED:
        return answer.with_headers(WWW_Authenticate="Bearer")
    return answer


def _index() -> dict[str, dict[str, str]]:
    return {"paths": {f"{API}/{name}": words for name, words in INDEX.items()}}


def _file(name: str, type_: str) -> Route:
    return lambda request: tagged(request, asset(name), type_)


@cache
def asset(name: str) -> bytes:
    """A file of the page."""
    return files("fluxsm.web").joinpath("assets", name).read_bytes()
