# SPDX-License-Identifier: Apache-2.0
"""The page as HTML: whole without a script, nothing inline, text is only text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from fluxsm.api import glossary
from fluxsm.machine.states import State
from fluxsm.simulation.world import INSTANCE
from fluxsm.web.access import COOKIE
from fluxsm.web.exchange import Request
from fluxsm.web.html.builder import el, text
from fluxsm.web.html.words import seconds
from fluxsm.web.routes import ASSETS, Routes
from states.table import TABLE
from tests.states.worlds import WORLDS, installed
from tests.unit.web.showing import shown
from tests.unit.web.test_answers import REPORT, access

VOID = {"input", "link", "meta"}
EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>\"'&"


class Reader(HTMLParser):
    """Reads a document, and checks that it is well formed.

    Attributes:
        elements: every element with its attributes, in order.
        words: the text.
    """

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(document.decode())
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Note an element."""
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        """One that has nothing in it, as in SVG."""
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """It ends what was begun last."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.words += data

    def all(self, attribute: str) -> list[str]:
        """The values of an attribute."""
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


def routes(state: State = State.READY) -> Routes:
    """The routes of a page about a world in a state."""
    board, sources = shown(WORLDS[state]())
    sources.reported = REPORT
    return Routes(board, TABLE)


def read(found: Routes, path: str) -> Reader:
    """A page."""
    answer = found.answer(Request(method="GET", path=path))
    assert answer.status == 200
    return Reader(answer.body)


PATHS = pytest.mark.parametrize("path", ["/", "/reference"])


@pytest.mark.parametrize("state", WORLDS, ids=str)
def test_the_page_says_where_the_instance_stands(state: State) -> None:
    """In words, and in the picture, in which one state is lit."""
    page = read(routes(state), "/")
    lit = [item for item in page.elements if item[1].get("aria-current") == "true"]
    assert [(tag, found["href"]) for tag, found in lit] == [("a", f"/reference#state-{state}")]
    assert TABLE.states[state].meaning in page.words


@PATHS
def test_nothing_is_inline_and_nothing_from_elsewhere(path: str) -> None:
    """So the policy needs no exception."""
    page = read(routes(), path)
    assert not {"style", "iframe", "object", "img"} & {tag for tag, _ in page.elements}
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name == "style"}
    scripts = [found for tag, found in page.elements if tag == "script"]
    assert [item["src"] for item in scripts] == (["/assets/page.js"] if path == "/" else [])
    for link in [*page.all("href"), *page.all("src"), *page.all("action")]:
        assert link.startswith(("/", "#"))
        assert not link.startswith("//")


@PATHS
def test_identifiers_are_unique(path: str) -> None:
    """Labels and links lead to one place."""
    found = read(routes(), path).all("id")
    assert len(found) == len(set(found))


def test_what_is_linked_is_there() -> None:
    """Every state and every reason is one click away."""
    found = routes()
    targets = set(read(found, "/reference").all("id"))
    assert {f"state-{state}" for state in State} <= targets
    assert {f"reason-{name}" for name in glossary.REASONS} <= targets
    for link in [*read(found, "/").all("href"), *read(found, "/reference").all("href")]:
        path, _, anchor = link.partition("#")
        if path == "/reference" and anchor:
            assert anchor in targets, link
        elif path:
            assert found.answer(Request(method="GET", path=path)).status == 200, link


def test_text_of_the_cluster_stays_text() -> None:
    """Wherever it comes from; the redaction takes nothing of this away."""
    world = installed()
    condition = {**world.status["conditions"][0], "message": EVIL}
    world.user.patch(INSTANCE, {"status": {"conditions": [condition]}}, subresource="status")
    board, sources = shown(world)
    entry = {"name": "source-controller", "ready": True, "status": EVIL}
    sources.recorded = ({"reason": EVIL, "type": EVIL, "message": EVIL, "metadata": {}},)
    sync = {"id": EVIL, "status": EVIL, "source": EVIL}
    sources.reported = {**REPORT, "spec": {"components": [entry], "sync": sync}}
    page = read(Routes(board, TABLE), "/")
    assert page.words.count(EVIL) >= 7
    assert [tag for tag, _ in page.elements if tag in {"img", "script"}] == ["script"]


def test_the_page_has_an_etag_too() -> None:
    """It is the same while nothing changes."""
    found = routes()
    first = found.answer(Request(method="GET", path="/"))
    headers = {"if-none-match": first.headers["ETag"]}
    again = found.answer(Request(method="GET", path="/", headers=headers))
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("name", [*ASSETS, "colours.css"])
def test_assets_are_there_for_everybody(name: str) -> None:
    """The form for a token needs them; nothing else is."""
    found = Routes(shown(installed())[0], TABLE, access()[0])
    assert found.answer(Request(method="GET", path=f"/assets/{name}")).body
    assert found.answer(Request(method="GET", path="/assets/openapi.json")).status == 401


def browser(method: str, path: str, body: bytes = b"", **headers: str) -> Request:
    """What a browser asks."""
    return Request(method=method, path=path, body=body, headers={"accept": "text/html", **headers})


def test_a_browser_exchanges_a_token_for_a_cookie() -> None:
    """That no script can read, no other site can send, and that goes with the browser."""
    found = Routes(shown(installed())[0], TABLE, access()[0])
    refused = found.answer(browser("GET", "/"))
    form = Reader(refused.body)
    assert refused.status == 401
    assert form.all("action") == ["/login"]
    moved = found.answer(browser("POST", "/login", b"token=good"))
    assert (moved.status, moved.headers["Location"]) == (303, "/")
    cookie = moved.headers["Set-Cookie"]
    assert cookie == f"{COOKIE}=good; Path=/; Secure; HttpOnly; SameSite=Strict"
    page = found.answer(browser("GET", "/", cookie=cookie.partition(";")[0]))
    assert page.status == 200
    assert Reader(page.body).all("action") == ["/logout"]
    out = found.answer(browser("POST", "/logout"))
    assert out.headers["Set-Cookie"].startswith(f"{COOKIE}=; Max-Age=0;")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"token=bad", 401),
        (b"token=known", 403),
        (b"", 401),
        (b"token=good%0d%0aSet-Cookie:+x", 401),
        (b"token=%C3%A9", 401),
        (b"\xff\xfe", 401),
    ],
)
def test_a_token_that_is_of_no_use_gives_no_cookie(body: bytes, status: int) -> None:
    """The form says why, and is there again."""
    found = Routes(shown(installed())[0], TABLE, access()[0])
    answer = found.answer(browser("POST", "/login", body))
    assert answer.status == status
    assert "Set-Cookie" not in answer.headers
    assert Reader(answer.body).all("action") == ["/login"]


def test_without_tokens_nothing_can_be_posted() -> None:
    """Not even a token."""
    for path in ("/", "/login", "/logout"):
        assert routes().answer(browser("POST", path)).status in {404, 405}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""), (0.0, "0 ms"), (0.0034, "3 ms"), (1.26, "1.3 s"), (59.94, "59.9 s"),
        (60, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (90061, "1 d 1 h"),
    ],
)  # fmt: skip
def test_lengths_of_time_are_for_people(value: float | None, words: str) -> None:
    """Two units at most."""
    assert seconds(value) == words


def test_elements_are_written_as_they_should_be() -> None:
    """Attributes are escaped; what is false or missing is left out."""
    found = el("a", "<", None, [el("b", "&"), "c"], href='"&', title=None, open=False, data_x=True)
    assert found == '<a href="&quot;&amp;" data-x>&lt;<b>&amp;</b>c</a>'
    assert text(["<b>", el("br")]) == "&lt;b&gt;<br>"
