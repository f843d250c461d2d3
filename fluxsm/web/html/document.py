# SPDX-License-Identifier: Apache-2.0
"""Whole documents: the page, the reference, the form for a token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fluxsm.machine.table import Table
from fluxsm.web.html import past, present
from fluxsm.web.html.builder import Content, Html, el
from fluxsm.web.html.reference import reference

Sections = dict[str, Html]
"""The HTML of each section, by the id of its element."""

LEFT = ("machine", "runs", "inventory")
RIGHT = ("conditions", "components", "repairs", "objects", "events")
"""What stands side by side where the page is wide."""


class Sheet:
    """Writes the sections of the page, and those only whose part of the answers has changed."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._written: dict[str, tuple[Any, Html]] = {}

    def sections(self, content: Any) -> Sections:
        """The sections of the page.

        Args:
            content: what is known, with the answers of the API.
        """
        instance, machine = content.instance, content.machine
        history, events, report = content.history, content.events, content.report
        kinds = {item["name"]: item["kind"] for item in machine["states"]}
        listed = {key: instance[key] for key in ("conditions", "components", "conflicts")}
        way = (machine["current"], machine["path"])
        top = {key: value for key, value in instance.items() if key not in {*listed, "inventory"}}
        drift = {"events": [item for item in events["events"] if past.is_repair(item)]}
        repaired = (listed["conflicts"], drift)
        write = self._write
        return {
            "who": write("who", instance["operator"], lambda: _who(instance["operator"])),
            "now": write("now", top, lambda: present.now(instance)),
            "machine": write("machine", way, lambda: present.machine(machine, self._table)),
            "conditions": write(
                "conditions", listed["conditions"], lambda: present.conditions(instance)
            ),
            "components": write(
                "components", listed["components"], lambda: present.components(instance)
            ),
            "runs": write("runs", history, lambda: past.runs(history, kinds)),
            "repairs": write("repairs", repaired, lambda: present.repairs(instance, drift)),
            "objects": write("objects", report, lambda: past.objects(report)),
            "inventory": write(
                "inventory", instance["inventory"], lambda: present.inventory(instance)
            ),
            "events": write("events", events, lambda: past.events(events)),
        }

    def _write(self, name: str, made_of: Any, write: Callable[[], Html]) -> Html:
        """A section, as it was written before where what it is made of is the same."""
        before = self._written.get(name)
        if before is None or before[0] != made_of:
            before = self._written[name] = (made_of, write())
        return before[1]


def _who(operator: Mapping[str, Any]) -> Html:
    """Who serves the page."""
    words = f"{operator['role']} {operator['name']}, fluxsm {operator['version']}"
    return el("p", words, id="who", class_="small", data_version=operator["version"])


def page(found: Sections, *, login: bool) -> bytes:
    """The page.

    Args:
        found: its sections.
        login: whether there is a token that can be forgotten.
    """
    header = el(
        "header",
        el("h1", "Flux"),
        found["who"],
        el("p", id="link", role="status", class_="small"),
        el("noscript", el("p", "This is how it is now; reload for news.", class_="small")),
        _links(login=login),
    )
    columns = [
        el("div", [found[name] for name in names], class_="column") for names in (LEFT, RIGHT)
    ]
    body = el("main", found["now"], el("div", columns, class_="columns"), id="main")
    live = el("p", id="live", role="status", class_="hidden")
    return document("Flux", [header, body, live], script=True)


def _links(*, login: bool) -> Html:
    out = el("form", el("button", "Forget the token"), method="post", action="/logout")
    return el(
        "nav",
        el("a", "States and reasons", href="/reference"),
        el("a", "API", href="/api/v1/openapi.json"),
        out if login else None,
        aria_label="more",
    )


def reference_page(table: Table) -> bytes:
    """The page that explains everything."""
    header = el(
        "header",
        el("h1", "States and reasons"),
        el("nav", el("a", "Back", href="/"), aria_label="back"),
    )
    return document(
        "States and reasons", [header, el("main", reference(table), id="main", class_="text")]
    )


def login_page(problem: str) -> bytes:
    """The form for a token.

    Args:
        problem: why the page is not shown.
    """
    form = el(
        "form",
        el("label", "Token", for_="token"),
        el("input", id="token", name="token", type="password", required=True, autocomplete="off"),
        el("button", "Show the page"),
        method="post",
        action="/login",
    )
    hint = (
        "A token of an account that may get the FluxInstance, such as kubectl create token prints."
    )
    main = el("main", el("p", problem, role="alert"), el("p", hint), form, id="main", class_="text")
    return document("Flux: token", [el("header", el("h1", "Flux")), main])


def document(title: str, body: Content, *, script: bool = False) -> bytes:
    """A document with nothing inline."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("title", title),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("link", rel="icon", href="/assets/icon.svg", type="image/svg+xml"),
        el("link", rel="stylesheet", href="/assets/colours.css"),
        el("link", rel="stylesheet", href="/assets/page.css"),
        el("script", src="/assets/page.js", defer=True) if script else None,
    )
    skip = el("a", "To the content", href="#main", class_="skip")
    html = el("html", head, el("body", skip, body), lang="en")
    return f"<!doctype html>\n{html}\n".encode()
