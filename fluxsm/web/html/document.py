# SPDX-License-Identifier: Apache-2.0
"""Whole documents: the page, the reference, the form for a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsm.machine.table import Table
from fluxsm.web.html import past, present
from fluxsm.web.html.builder import Content, Html, el
from fluxsm.web.html.reference import reference

Sections = dict[str, str]
"""The HTML of each section, by the id of its element."""

LEFT = ("machine", "runs", "inventory")
RIGHT = ("conditions", "components", "repairs", "objects", "events")
"""What stands side by side where the page is wide."""


def sections(content: Any, table: Table) -> Sections:
    """The sections of the page.

    Args:
        content: what is known, with the answers of the API.
        table: of the machine.
    """
    instance, machine = content.instance, content.machine
    kinds = {item["name"]: item["kind"] for item in machine["states"]}
    return {
        "who": _who(instance["operator"]),
        "now": present.now(instance),
        "machine": present.machine(machine, table),
        "conditions": present.conditions(instance),
        "components": present.components(instance),
        "runs": past.runs(content.history, kinds),
        "repairs": present.repairs(instance, content.events),
        "objects": past.objects(content.report),
        "inventory": present.inventory(instance),
        "events": past.events(content.events),
    }


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
        Html(found["who"]),
        el("p", id="link", role="status", class_="small"),
        el("noscript", el("p", "This is how it is now; reload for news.", class_="small")),
        _links(login=login),
    )
    columns = [
        el("div", [Html(found[name]) for name in names], class_="column") for names in (LEFT, RIGHT)
    ]
    body = el("main", Html(found["now"]), el("div", columns, class_="columns"), id="main")
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
