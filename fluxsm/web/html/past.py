# SPDX-License-Identifier: Apache-2.0
"""The sections about what was, and about the objects of Flux: runs, events, objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fluxsm.api import names
from fluxsm.web.html.builder import Content, Html, el
from fluxsm.web.html.words import (
    RESULTS,
    badge,
    kind_class,
    moment,
    reason,
    seconds,
    section,
    short_digest,
    state,
    table,
)

Data = Mapping[str, Any]

LEAST: Final = 0.6
"""The least width of a stay in the bar of a run, in parts of a hundred."""

TRIGGERS: Final = {
    "start": "operator started, or instance created",
    "change": "edit or request",
    "timer": "periodic",
    "artifact": "new artifact",
    "retry": "retry",
    "deletion": "deletion",
    "drift": "drift",
    "": "not known",
}


def runs(history: Data, kinds: Mapping[str, str]) -> Html:
    """The runs, newest first, with the time that was spent in each state.

    Args:
        history: the answer of the API.
        kinds: what being in a state means, by its name.
    """
    items = [el("li", _run(number, run, kinds)) for number, run in enumerate(history["runs"])]
    body = el("ol", items, class_="plain runs") if items else el("p", "None was seen yet.")
    return section("runs", "Runs", body, _configurations(history["configurations"]))


def _run(number: int, run: Data, kinds: Mapping[str, str]) -> Html:
    result = run["result"] or "under way"
    took = f" in {seconds(run['seconds'])}" if run["seconds"] is not None else None
    head = el(
        "summary",
        badge(result, RESULTS.get(run["result"], "working")),
        took,
        ", ",
        TRIGGERS.get(run["trigger"], run["trigger"]),
        ", ",
        moment(run["began"]),
    )
    missed = el("p", f"{run['missed']} earlier states are not kept.") if run["missed"] else None
    lines = [_visit(visit, kinds) for visit in run["visits"]]
    stays = table("states of the run", ("State", "Event", "Time", "Message"), lines)
    return el(
        "details",
        head,
        _bar(run, kinds),
        missed,
        stays,
        data_key=f"run-{run['began']}",
        open=not number,
    )


def _visit(visit: Data, kinds: Mapping[str, str]) -> tuple[Content, ...]:
    lasted = visit["seconds"]
    time = seconds(lasted) if lasted is not None else moment(visit["began"])
    name = visit["state"]
    message = el("span", visit["message"], class_="message")
    return state(name, kinds.get(name, "")), visit["event"], time, message


def _bar(run: Data, kinds: Mapping[str, str]) -> Content:
    """The stays side by side, as wide as they were long; the rest after the run is left out."""
    stays = [visit for visit in run["visits"] if visit["seconds"] is not None]
    if run["result"] and len(stays) == len(run["visits"]):
        stays = stays[:-1] or stays
    whole = sum(visit["seconds"] for visit in stays)
    if not whole:
        return None
    wide = [max(LEAST, 100 * visit["seconds"] / whole) for visit in stays]
    scale, left, parts = 100 / sum(wide), 0.0, []
    for visit, width in zip(stays, wide, strict=True):
        title = el("title", f"{visit['state']} {seconds(visit['seconds'])}")
        colour = kind_class(kinds.get(visit["state"], ""))
        parts.append(
            el(
                "rect",
                title,
                class_=f"box {colour}",
                x=round(left, 2),
                width=round(width * scale, 2),
                y=0,
                height=4,
            )
        )
        left += width * scale
    return el(
        "svg",
        parts,
        viewBox="0 0 100 4",
        preserveAspectRatio="none",
        class_="bar",
        aria_hidden="true",
    )


def _configurations(found: list[Data]) -> Content:
    lines = [
        (
            item["version"] or "unknown",
            reason(item["status"], "known"),
            str(item["attempts"]),
            moment(item["last"]),
            item["took"],
            short_digest(item["digest"]),
        )
        for item in found
    ]
    header = ("Version", "Result", "Attempts", "Last", "Took", "Digest")
    if not lines:
        return None
    return [el("h3", "Configurations"), table("configurations", header, lines)]


def is_repair(event: Data) -> bool:
    """Whether an event is about something that somebody else changed."""
    return bool(event["reason"] == names.DRIFT_DETECTED)


def events(found: Data) -> Html:
    """The Kubernetes events, newest first."""
    lines = [
        (
            moment(item["last"]),
            badge(item["type"], "waiting" if item["type"] == "Warning" else "working"),
            reason(item["reason"], item["meaning"]),
            [el("span", item["message"], class_="message"), _times(item["count"])],
        )
        for item in found["events"]
    ]
    problem = el("p", f"Not known: {found['problem']}") if found["problem"] else None
    header = ("Time", "Type", "Reason", "Message")
    body = table("events", header, lines) if lines else el("p", "None in the last hour.")
    return section("events", "Events", problem or body)


def _times(count: int) -> Content:
    return el("span", f" ({count} times)", class_="small") if count > 1 else None


def objects(report: Data | None) -> Html:
    """Flux objects by kind, from the report."""
    spec = (report or {}).get("spec") or {}
    found = spec.get("reconcilers") or []
    lines = [_reconciler(item) for item in found if item.get("stats")]
    header = ("Kind", "Running", "Failing", "Suspended", "Size")
    body = table("objects of Flux", header, lines) if lines else el("p", "No report of them yet.")
    return section("objects", "Objects of Flux", body, _sync(spec.get("sync")))


def _reconciler(item: Data) -> tuple[Content, ...]:
    stats = item["stats"]
    failing, suspended = stats.get("failing", 0), stats.get("suspended", 0)
    return (
        el("span", item.get("kind", ""), title=item.get("apiVersion", "")),
        str(stats.get("running", 0)),
        badge(str(failing), "failed") if failing else "0",
        badge(str(suspended), "waiting") if suspended else "0",
        stats.get("totalSize", ""),
    )


def _sync(sync: Data | None) -> Content:
    if not sync:
        return None
    ready = badge("ready", "ready") if sync.get("ready") else badge("not ready", "failed")
    source = [" from ", el("code", sync["source"])] if sync.get("source") else None
    return el(
        "p",
        "Sync ",
        el("code", sync.get("id", "")),
        source,
        " ",
        ready,
        " ",
        sync.get("status", ""),
    )
