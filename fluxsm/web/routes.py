# SPDX-License-Identifier: Apache-2.0
"""Which path has which answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from fluxsm.web.access import Access
from fluxsm.web.board import Board, Content
from fluxsm.web.exchange import Answer, Request, data, problem, tagged

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


class Routes:
    """Answers requests from a board."""

    def __init__(self, board: Board, access: Access | None = None) -> None:
        """Prepare.

        Args:
            board: what is known.
            access: who may look; None for everybody.
        """
        self._board, self._access = board, access
        self._routes: Mapping[str, Callable[[Request], Answer]] = {
            API: lambda request: data(request, _index()),
            DOCUMENT: _document,
            f"{API}/instance": self._of_content(lambda content: content.instance),
            f"{API}/machine": self._of_content(lambda content: content.machine),
            f"{API}/history": self._of_content(lambda content: content.history),
            f"{API}/events": self._of_content(lambda content: content.events),
            f"{API}/report": self._report,
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        if self._access is not None:
            verdict = self._access.verdict(request)
            if verdict is not HTTPStatus.OK:
                return _refused(verdict)
        route = self._routes.get(request.path)
        if route is None:
            return problem(HTTPStatus.NOT_FOUND, f"there is no {request.path}; see {API}")
        if request.method not in READING:
            text = f"{request.method} is not possible: everything here is read-only"
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, text, Allow="GET, HEAD")
        return route(request)

    def _of_content(self, pick: Callable[[Content], object]) -> Callable[[Request], Answer]:
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


def _refused(verdict: HTTPStatus) -> Answer:
    words = {
        HTTPStatus.UNAUTHORIZED: "a bearer token is needed that the API server knows",
        HTTPStatus.FORBIDDEN: "the token is of somebody who may not get the FluxInstance",
    }
    text = words.get(verdict, "the API server does not say who may look; the log says why")
    answer = problem(verdict, text)
    if verdict is HTTPStatus.UNAUTHORIZED:
        return answer.with_headers(WWW_Authenticate="Bearer")
    return answer


def _index() -> dict[str, dict[str, str]]:
    return {"paths": {f"{API}/{name}": words for name, words in INDEX.items()}}


def _document(request: Request) -> Answer:
    return tagged(request, asset("openapi.json"), age=3600)


def asset(name: str) -> bytes:
    """A file of the page."""
    return files("fluxsm.web").joinpath("assets", name).read_bytes()
