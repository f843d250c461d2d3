# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: about worlds in memory, and about an operator at work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fluxsm.errors import ArtifactError
from fluxsm.machine.states import State
from fluxsm.simulation.registry import starter
from fluxsm.simulation.world import World
from fluxsm.web.limits import Limits
from fluxsm.web.routes import Routes
from fluxsm.web.server import WebServer
from fluxsm.web.streams import Streams
from states.table import TABLE
from tests.browser import Browser, BrowserError, axe, browsing, check
from tests.controlplane.process import free_ports
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until
from tests.integration.process import spec
from tests.states.worlds import CONTROLLER, DIGEST, REFERENCE, WORLDS, version
from tests.unit.web.showing import shown
from tests.unit.web.test_answers import REPORT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SIZES = {"phone": 375, "desktop": 1440}
EVENTS = (
    {
        "metadata": {"name": "a"}, "type": "Warning", "reason": "DriftDetected", "count": 3,
        "message": "Deployment/flux-system/source-controller: spec.replicas changed by kubectl",
        "lastTimestamp": "2026-01-01T00:00:01Z", "source": {"component": "flux-operator"},
    },
)  # fmt: skip
MARK = "window.loaded = window.loaded ?? Math.random(); return window.loaded"
"""A number that stays the same until the page is loaded again."""


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    """A browser; without one these tests are skipped, and say so."""
    try:
        check()
        axe()
        with browsing() as found:
            yield found
    except BrowserError as error:
        pytest.skip(f"the page is not looked at: {error}")


@pytest.fixture
def browser(window: Browser) -> Iterator[Browser]:
    """The same, as wide as a desktop, with nothing preferred and nothing complained of."""
    window.resize(SIZES["desktop"])
    window.prefer(color_scheme="light")
    window.script(enabled=True)
    window.complaints()
    yield window
    window.open("about:blank")


class Served:
    """A page about a world, at a port of this machine."""

    def __init__(self, world: World, port: int = 0) -> None:
        self.world = world
        self.board, self.sources = shown(world)
        self.sources.reported, self.sources.recorded = REPORT, EVENTS
        self._seen = len(world.steps)
        streams = Streams(lambda: self.board.content().sections, most=10)
        self.board.on_news = streams.notify
        routes = Routes(self.board, TABLE)
        # A port that was given is taken again by the next server, as after a restart.
        self._server = WebServer(f"127.0.0.1:{port}", routes.answer, streams.adopt, limits=Limits())
        self._streams = streams
        self.port = self._server.port
        streams.start()
        self._server.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def go_on(self) -> None:
        """Show what happened in the world."""
        for step in self.world.steps[self._seen :]:
            self.board.on_step(step)
        self._seen = len(self.world.steps)
        self.board.changed()

    def stop(self) -> None:
        """End, streams and all."""
        self._server.close()
        self._streams.stop()


@contextmanager
def serving(world: World) -> Iterator[Served]:
    """A page about a world."""
    found = Served(world)
    try:
        yield found
    finally:
        found.stop()


def blocked() -> World:
    """A running Flux whose upgrade cannot be fetched."""
    world = World()
    world.distributions.push(REFERENCE, DIGEST, starter())
    world.create(distribution=version("2.x", artifact=REFERENCE))
    world.reach(State.READY)
    world.distributions.down = ArtifactError("no route to host")
    world.pass_time(timedelta(hours=2))
    return world


PAGES: dict[str, Callable[[], World]] = {
    **{state.value: make for state, make in WORLDS.items()},
    "UpgradeBlocked": blocked,
    "none": World,
}


def connected(browser: Browser) -> None:
    """Wait until the page says that it is live."""
    until(lambda: browser.text("#link") == "Live" or None, "live page", seconds=10)


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read_it(browser: Browser, tmp_path: Path, name: str) -> None:
    """In each state, light and dark, narrow and wide: axe finds nothing, nothing is cut off."""
    with serving(PAGES[name]()) as served:
        for scheme in ("light", "dark"):
            for size, width in SIZES.items():
                browser.resize(width)
                browser.prefer(color_scheme=scheme)
                browser.open(served.url)
                connected(browser)
                assert browser.findings() == [], f"{scheme} {size}"
                assert browser.run("return document.documentElement.scrollWidth") <= width
                browser.photograph(tmp_path / f"{name}-{scheme}-{size}.png")
        assert browser.complaints() == []


@pytest.mark.parametrize("name", PAGES)
def test_the_state_is_in_words_and_lit(browser: Browser, name: str) -> None:
    """And what is special about it is said at the top."""
    with serving(PAGES[name]()) as served:
        browser.open(served.url)
        lead, lit = browser.text("#now .lead"), browser.text("[aria-current] .name")
        if name == "none":
            assert (lead, lit) == ("There is no FluxInstance flux-system/flux.", "")
            return
        state = "Ready" if name == "UpgradeBlocked" else name
        assert lead.startswith(f"{state}, entered ")
        assert lit == state
        alert = browser.text("#now .alert")
        assert alert.startswith("Upgrade blocked (ArtifactFailed)") is (name == "UpgradeBlocked")
        assert (browser.text("#now .waiting-for") != "") is (not TABLE.states[State(state)].rests)


def test_the_reference_and_the_form_can_be_read_too(browser: Browser) -> None:
    """Each state leads to what it means there."""
    with serving(WORLDS[State.FAILED]()) as served:
        browser.open(served.url)
        browser.run(
            "document.querySelector('[aria-current]').dispatchEvent(new MouseEvent('click'))"
        )
        until(lambda: browser.run("return location.hash") == "#state-Failed" or None, "state")
        assert browser.findings() == []
        assert TABLE.states[State.FAILED].advice in browser.text("section:has(:target)")


def test_it_is_whole_without_a_script(browser: Browser) -> None:
    """As of the moment in which it was loaded; the page says that it has to be loaded again."""
    with serving(WORLDS[State.HEALTH_CHECKING]()) as served:
        browser.script(enabled=False)
        browser.open(served.url)
        browser.script(enabled=True)  # for the questions of the test
        assert browser.text("#now .lead").startswith("HealthChecking, entered 20")
        assert "reload for news" in browser.text("header")
        assert "Deployment/flux-system/source-controller" in browser.text("#now .waiting-for")
        assert browser.text("#link") == ""


def test_all_of_it_can_be_reached_by_keyboard(browser: Browser) -> None:
    """Each state of the picture says by itself what a pointer would be shown."""
    from selenium.webdriver import Keys

    with serving(WORLDS[State.READY]()) as served:
        browser.open(served.url)
        connected(browser)
        browser.press(Keys.TAB)
        assert browser.run("return document.activeElement.className") == "skip"
        hints: dict[str, str] = {}
        for _ in range(60):
            browser.press(Keys.TAB)
            if browser.run("return document.activeElement.closest('svg') !== null"):
                name = browser.run(
                    "return document.activeElement.querySelector('.name').textContent"
                )
                hints[name] = browser.text("#hint")
        assert hints.keys() == {state.value for state in State}
        for state, definition in TABLE.states.items():
            assert hints[state].startswith(f"{state}: {definition.meaning}")
            assert definition.timers in hints[state]


def test_nothing_moves_for_those_who_want_that(browser: Browser) -> None:
    """The lit state is still lit."""
    animation = "return getComputedStyle(document.querySelector('.current')).animationName"
    with serving(WORLDS[State.READY]()) as served:
        browser.open(served.url)
        assert browser.run(animation) == "lit"
        browser.prefer(reduced_motion="reduce")
        assert browser.run(animation) == "none"


def test_what_is_open_and_focused_stays_so(browser: Browser) -> None:
    """Also when the section around it changes."""
    with serving(WORLDS[State.READY]()) as served:
        browser.open(served.url)
        connected(browser)
        browser.run("document.querySelector('#inventory details summary').focus()")
        browser.run("document.querySelector('#inventory details').open = true")
        served.world.user.delete(CONTROLLER)
        served.go_on()
        until(lambda: "1 not current" in browser.text("#inventory") or None, "news", seconds=5)
        assert browser.run("return document.querySelector('#inventory details').open")
        focused = "document.querySelector('#inventory details summary')"
        assert browser.run(f"return document.activeElement === {focused}")


def test_a_cut_is_said_and_healed(browser: Browser) -> None:
    """A restart of the operator needs no reload; what happened meanwhile is there at once."""
    served = Served(WORLDS[State.READY]())
    browser.open(served.url)
    connected(browser)
    mark = browser.run(MARK)
    served.stop()
    until(lambda: "Disconnected" in browser.text("#link") or None, "notice", seconds=10)
    assert browser.findings() == []
    served.world.suspend()
    served.world.settle()
    again = Served(served.world, served.port)
    try:
        until(lambda: browser.text("#link") == "Live" or None, "connection", seconds=10)
        until(lambda: browser.text("#now .badge") == "Suspended" or None, "news", seconds=5)
        assert browser.run(MARK) == mark
        assert "Suspended" in browser.text("#live")
    finally:
        again.stop()


WATCH = """
window.seen = [];
const note = () => {
  const state = document.getElementById("now").dataset.state;
  if (window.seen.at(-1)?.[0] !== state) window.seen.push([state, Date.now()]);
};
new MutationObserver(note).observe(document.body, {childList: true, subtree: true});
note();
"""


def test_an_installation_is_shown_as_it_happens(
    browser: Browser, instance: Instance, operate: Callable[..., Operator]
) -> None:
    """State by state without a reload; so is what follows."""
    [port] = free_ports(1)
    operator = operate(flags=[f"--web-server-port={port}"])
    url = f"http://127.0.0.1:{port}"
    until(lambda: opens(browser, url) or None, "page")
    connected(browser)
    mark = browser.run(MARK)
    browser.run(WATCH)
    instance.create(spec())
    instance.becomes_ready()
    until(lambda: browser.text("#now .badge") == "Ready" or None, "Ready", seconds=10)
    time.sleep(0.2)
    seen = browser.run("return window.seen")
    entered = {item["to"]: item for item in operator.lines() if item["msg"] == "transition"}
    names = [state for state, _ in seen if state not in {"none", ""}]
    assert names == [state for state in entered if state in names]
    assert {"Applying", "HealthChecking", "Ready"} <= set(names)
    delays = sorted(at / 1000 - moment(entered[state]) for state, at in seen if state in entered)
    assert delays[-1] < 5, delays  # nothing has to be loaded again, on a machine of any speed
    way = browser.text("#machine .way").split()
    assert [word for word in way if word != "→"] == [
        "Pending", "FetchingArtifact", "Building", "Applying", "HealthChecking", "Ready",
    ]  # fmt: skip
    instance.annotate({"fluxcd.controlplane.io/reconcile": "disabled"})
    until(lambda: browser.text("#now .badge") == "Suspended" or None, "Suspended", seconds=10)
    operator.stop()
    until(lambda: "Disconnected" in browser.text("#link") or None, "notice", seconds=10)
    operator.start()
    until(lambda: browser.text("#link") == "Live" or None, "connection", seconds=20)
    instance.annotate({"fluxcd.controlplane.io/reconcile": None})
    until(lambda: browser.text("#now .badge") == "Ready" or None, "Ready", seconds=20)
    assert browser.run(MARK) == mark
    assert browser.complaints_of_policy() == []


def moment(line: dict[str, Any]) -> float:
    """When a line was logged, in seconds."""
    return datetime.fromisoformat(line["ts"]).timestamp()


def opens(browser: Browser, url: str) -> bool:
    """Whether a page can be loaded."""
    from selenium.common.exceptions import WebDriverException

    try:
        browser.open(url)
    except WebDriverException:
        return False
    return browser.text("#now") != ""
