# SPDX-License-Identifier: Apache-2.0
"""Pieces that several sections have: times, badges, links, lists of facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fluxsm.machine.graph import Kind
from fluxsm.web.html.builder import Content, Html, el
from fluxsm.web.html.picture import REFERENCE, state_link

_CLASSES: Final = {kind.value: kind.name.lower() for kind in Kind}
RESULTS: Final = {
    "succeeded": "ready",
    "failed": "failed",
    "blocked": "waiting",
    "suspended": "waiting",
    "gone": "leaving",
}
"""The colour of a result."""


def kind_class(kind: str) -> str:
    """The colour of a kind of state."""
    return _CLASSES.get(kind, "unknown")


def moment(text: str | None) -> Content:
    """A time, which the page turns into a time ago."""
    if not text:
        return None
    return el("time", text.replace("T", " ").replace("Z", " UTC"), datetime=text, data_ago=True)


def badge(text: str, colour: str) -> Html:
    """A word in a colour; the word says what the colour says."""
    return el("span", text, class_=f"badge {colour}")


def state(name: str, kind: str) -> Html:
    """The name of a state, which leads to what it means."""
    return el("a", name, href=state_link(name), class_=f"badge {kind_class(kind)}")


def reason(name: str, meaning: str) -> Html:
    """A reason, which leads to what it means, where that is known."""
    if not meaning:
        return el("span", name)
    return el("a", name, href=f"{REFERENCE}#reason-{name}", title=meaning)


def facts(*pairs: tuple[str, Content]) -> Html:
    """Names and values; what has no value is left out."""
    shown = [(name, value) for name, value in pairs if value]
    return el("dl", [[el("dt", name), el("dd", value)] for name, value in shown])


def section(name: str, title: str, *content: Content, **attributes: str | bool | None) -> Html:
    """A section of the page, which is replaced as a whole when something in it changes."""
    head = el("h2", title, id=f"{name}-title")
    return el("section", head, *content, id=name, aria_labelledby=f"{name}-title", **attributes)


def table(caption: str, header: Iterable[str], lines: Iterable[Iterable[Content]]) -> Html:
    """A table that can be scrolled by keyboard where the page is narrow."""
    head = el("tr", [el("th", name, scope="col") for name in header])
    rows = [_line(list(line)) for line in lines]
    inner = el(
        "table", el("caption", caption, class_="hidden"), el("thead", head), el("tbody", rows)
    )
    return el("div", inner, class_="scroll", tabindex=0, role="group", aria_label=caption)


def _line(cells: list[Content]) -> Html:
    first, *rest = cells
    return el("tr", el("th", first, scope="row"), [el("td", cell) for cell in rest])


def seconds(value: float | None) -> str:
    """How long something took, for people."""
    if value is None:
        return ""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(place for place, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)


def short_digest(text: str) -> Content:
    """A digest by its beginning; the whole is there for who wants it."""
    head, mark, digest = text.partition("sha256:")
    return el("code", f"{head}{mark}{digest[:12]}", title=text) if digest else el("code", text)
