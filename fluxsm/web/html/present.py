# SPDX-License-Identifier: Apache-2.0
"""The sections about now: state, machine, conditions, components, inventory, repairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fluxsm.machine.table import Table
from fluxsm.web.html.builder import Content, Html, el
from fluxsm.web.html.picture import picture
from fluxsm.web.html.words import (
    badge,
    facts,
    moment,
    reason,
    seconds,
    section,
    short_digest,
    state,
    table,
)

Data = Mapping[str, Any]
"""An answer of the API, or a part of it."""

HEALTH = {
    "Current": ("ready", "✓"),
    "InProgress": ("working", "…"),
    "Failed": ("failed", "✗"),
    "NotFound": ("failed", "✗"),
    "Terminating": ("leaving", "…"),
    "Unknown": ("unknown", "?"),
}


def now(instance: Data) -> Html:
    """Where the instance stands, why, what is waited for, and what comes next."""
    name = f"{instance['namespace']}/{instance['name']}"
    if instance["found"] is None:
        said = f"Not known: {instance['problem']}"
        return section("now", "Now", el("p", said, class_="lead"), data_state="")
    if not instance["found"]:
        said = f"There is no FluxInstance {name}."
        return section("now", "Now", el("p", said, class_="lead"), data_state="none")
    return section(
        "now",
        "Now",
        _headline(instance),
        _lit(instance),
        _blocked(instance["blocked"]),
        _waiting(instance["waiting"]),
        _message(instance),
        facts(
            ("Instance", el("code", name)),
            ("Next", _next(instance["next"])),
            ("Version wanted", instance["wanted"]),
            ("Running", _revision(instance["revisions"]["applied"])),
            ("Last attempt", _revision(instance["revisions"]["attempted"])),
            ("Artifact", _revision(instance["revisions"]["artifact"])),
            ("Generation", str(instance["generation"])),
        ),
        data_state=instance["state"],
    )


def _headline(instance: Data) -> Html:
    if not instance["state"]:
        return el("p", badge("not known", "unknown"), " The operator does not say.", class_="lead")
    since = [", entered ", moment(instance["since"])] if instance["since"] else None
    return el("p", state(instance["state"], instance["kind"]), since, class_="lead")


def _lit(instance: Data) -> Content:
    """What the state means, and what to do."""
    note = "This operator reports no state: it is worked out from the conditions."
    advice = instance["advice"].rstrip(".")
    return [
        el("p", instance["meaning"]) if instance["meaning"] else None,
        el("p", f"What to do: {instance['advice']}") if advice not in {"", "Nothing"} else None,
        el("p", note, class_="note") if instance["inferred"] else None,
    ]


def _blocked(blocked: Data | None) -> Content:
    if blocked is None:
        return None
    head = el("strong", f"Upgrade blocked ({blocked['reason']})")
    return el("p", head, ": ", blocked["message"], class_="alert waiting")


def _waiting(waiting: Data | None) -> Content:
    if waiting is None:
        return None
    limit = waiting["limitSeconds"]
    bar = el(
        "progress",
        max=limit or 1,
        aria_label="time of the limit that has passed",
        data_since=waiting["since"],
        data_limit=limit,
    )
    text: Content = waiting["message"]
    if waiting["objects"]:
        items = [
            el("li", el("code", item["object"]), f" {item['why']}") for item in waiting["objects"]
        ]
        text = ["Waiting for", el("ul", items)]
    until = [f", limit {seconds(limit)}: ", moment(waiting["deadline"])] if limit else None
    times = el("p", "began ", moment(waiting["since"]), until, class_="small")
    return el("div", el("div", text), bar if limit else None, times, class_="waiting-for")


def _message(instance: Data) -> Content:
    """The Ready message, unless it is what is waited for anyway."""
    text, waiting = instance["message"], instance["waiting"]
    if not text or (waiting is not None and waiting["message"] == text):
        return None
    return el("p", text, class_="message")


def _next(timer: Data | None) -> Content:
    if timer is None:
        return "only a change"
    if timer["every"]:
        return f"{timer['event']}, every {timer['every']}"
    return [f"{timer['event']}, ", moment(timer["at"])]


def _revision(text: str) -> Content:
    return short_digest(text) if text else None


def machine(content: Data, drawn: Table) -> Html:
    """The machine, drawn, and the same as a list for narrow pages."""
    current, kinds = content["current"], {item["name"]: item["kind"] for item in content["states"]}
    way = [state(name, kinds[name]) for name in _way(content["path"]) if name in kinds]
    steps = el("ol", [el("li", item) for item in way], class_="way") if way else None
    return section(
        "machine",
        "Machine",
        [el("p", "The way of the last run:"), steps] if steps else None,
        el(
            "div",
            picture(drawn, current, content["path"]),
            class_="scroll picture",
            tabindex=0,
            role="group",
            aria_label="picture of the machine",
        ),
        el("p", "", id="hint", class_="small", hidden=True),
        el(
            "p",
            "Each state leads to what it means, its limit or timer, and the events that leave it.",
            class_="small",
        ),
    )


def _way(path: Iterable[Data]) -> list[str]:
    passages = list(path)
    first = [passages[0]["source"]] if passages else []
    return [*first, *(item["dest"] for item in passages)]


def conditions(instance: Data) -> Html:
    """All conditions."""
    lines = [
        (
            item["type"],
            item["status"],
            [reason(item["reason"], item["meaning"])],
            [el("span", item["message"]), _remedy(item["remedy"])],
            moment(item["since"]),
        )
        for item in instance["conditions"]
    ]
    header = ("Type", "Status", "Reason", "Message", "Since")
    body = table("conditions", header, lines) if lines else el("p", "None.")
    return section("conditions", "Conditions", body)


def _remedy(text: str) -> Content:
    return el("p", f"What to do: {text}", class_="small") if text else None


def components(instance: Data) -> Html:
    """The controllers, with image and digest."""
    lines = [
        (
            item["name"],
            _available(item["ready"]),
            el("code", item["image"]),
            short_digest(item["digest"]) if item["digest"] else "not pinned",
            item["status"],
        )
        for item in instance["components"]
    ]
    header = ("Component", "Ready", "Image", "Digest", "Status")
    body = table("components", header, lines) if lines else el("p", "None is installed.")
    return section("components", "Components", body)


def _available(ready: bool | None) -> Content:
    if ready is None:
        return badge("not known", "unknown")
    return badge("yes", "ready") if ready else badge("no", "failed")


def inventory(instance: Data) -> Html:
    """What is installed, as a tree by namespace and kind; what is not well stands open."""
    spaces: dict[str, dict[str, list[Data]]] = {}
    for item in instance["inventory"]:
        spaces.setdefault(item["namespace"], {}).setdefault(item["kind"], []).append(item)
    tree = [
        _branch(
            f"inventory-{space}",
            el("strong", space or "Whole cluster"),
            [item for items in kinds.values() for item in items],
            [_kind(space, kind, items) for kind, items in kinds.items()],
        )
        for space, kinds in spaces.items()
    ]
    return section("inventory", "Inventory", tree or el("p", "Nothing is installed."))


def _kind(space: str, kind: str, items: list[Data]) -> Html:
    leaves = [el("li", _health(item), " ", el("code", item["name"]), _why(item)) for item in items]
    return _branch(f"inventory-{space}-{kind}", kind, items, el("ul", leaves, class_="leaves"))


def _branch(key: str, name: Content, items: list[Data], content: Content) -> Html:
    ill = [item for item in items if item["health"] not in {"Current", ""}]
    words = f" {len(items)}" + (f", {len(ill)} not current" if ill else "")
    return el("details", el("summary", name, words), content, data_key=key, open=bool(ill))


def _health(item: Data) -> Content:
    colour, mark = HEALTH.get(item["health"], ("unknown", "?"))
    return badge(f"{mark} {item['health'] or 'not known'}", colour)


def _why(item: Data) -> Content:
    return f" {item['message']}" if item["health"] not in {"Current", ""} else None


def repairs(instance: Data, drift: Data) -> Html:
    """Objects over which there is a conflict, and the events about what was repaired."""
    lines = [
        (
            el("code", item["object"]),
            f"{item['repairs']} in a row",
            moment(item["last"]),
            ["not before ", moment(item["notBefore"])] if item["serious"] else "at once",
        )
        for item in instance["conflicts"]
    ]
    header = ("Object", "Repairs", "Last", "Next")
    shown = [
        el("li", moment(item["last"]), " ", el("span", item["message"], class_="message"))
        for item in drift["events"]
    ]
    return section(
        "repairs",
        "Field conflicts and repairs",
        table("field conflicts", header, lines) if lines else None,
        el("ul", shown, class_="plain") if shown else None,
        None if lines or shown else el("p", "Nobody else changed what is managed here."),
    )
