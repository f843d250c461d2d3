# SPDX-License-Identifier: Apache-2.0
"""Each format is well-formed, complete and the same every time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from fluxsm.machine.graph import GONE, Kind, around, condensed, kind
from fluxsm.machine.render import HIGHLIGHTING, PICTURES, RENDERERS, labels, mermaid, render
from fluxsm.machine.render.layout import arrange
from fluxsm.machine.render.palette import DARK, LIGHT, Palette
from fluxsm.machine.states import State
from fluxsm.machine.table import guard_name, guard_words
from states.table import TABLE

SCXML = "{http://www.w3.org/2005/07/scxml}"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("format_", RENDERERS)
def test_every_state_is_in_every_format(format_: str) -> None:
    """And a text ends with a line end."""
    text = render(TABLE, format_)
    assert text.endswith("\n")
    for state in State:
        assert state.value in text


@pytest.mark.parametrize("format_", RENDERERS)
def test_a_format_is_the_same_in_every_process(format_: str) -> None:
    """Whatever the order of hashes is."""
    code = (
        "import sys; from fluxsm.machine.render import render; from states.table import TABLE;"
        "sys.stdout.write(render(TABLE, sys.argv[1]))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code, format_],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {render(TABLE, format_)}


def test_json_has_every_row() -> None:
    """With the guard's name and words."""
    data = json.loads(render(TABLE, "json"))
    assert data["initial"] == "Pending"
    assert [(state["name"], state["kind"]) for state in data["states"]] == [
        (state.value, kind(TABLE, state).value) for state in State
    ]
    assert [(row["source"], row["event"], row["dest"]) for row in data["rows"]] == [
        (row.source.value, row.event.value, row.dest.value if row.dest else GONE)
        for row in TABLE.rows
    ]
    guards = [row["guard"] for row in data["rows"] if "guard" in row]
    assert guards == [
        {"name": guard_name(row.guard), "words": guard_words(row.guard)}
        for row in TABLE.rows
        if row.guard
    ]


def test_scxml_has_every_row() -> None:
    """It is XML, its targets exist, its transitions are the rows in order."""
    root = ET.fromstring(render(TABLE, "scxml"))  # noqa: S314 our own text
    assert root.get("initial") == "Pending"
    ids = {node.get("id") for node in root}
    found = [
        (state.get("id"), step.get("event"), step.get("cond") or "", step.get("target"))
        for state in root.findall(f"{SCXML}state")
        for step in state.findall(f"{SCXML}transition")
    ]
    assert {target for *_, target in found} <= ids
    wanted = [
        (
            row.source.value,
            row.event.value,
            guard_name(row.guard),
            row.dest.value if row.dest else GONE,
        )
        for state in TABLE.states
        for row in TABLE.leaving(state)
    ]
    assert found == wanted


def test_markdown_has_every_row() -> None:
    """Two lines of header, then one line for each row."""
    lines = render(TABLE, "markdown").splitlines()
    assert len(lines) == len(TABLE.rows) + 2
    assert lines[0] == "| State | Event | When | Goes to |"
    assert "| Uninstalling | Uninstalled | always | Gone |" in lines
    assert "| Ready | Waiting | always | stays |" in lines


def test_mermaid_draws_every_edge() -> None:
    """An arrow for each, from and to declared names only."""
    text = render(TABLE, "mermaid")
    assert text.startswith("stateDiagram-v2\n")
    arrows = re.findall(r"^ +(\S+) --> ([^:\s]+)", text, re.MULTILINE)
    assert len(arrows) == len(condensed(TABLE).edges) + 1
    declared = set(re.findall(r" as (\S+)$", text, re.MULTILINE)) | {"[*]", *State}
    assert {end for arrow in arrows for end in arrow} <= declared


def test_mermaid_colours_every_state_and_says_what_the_colours_mean() -> None:
    """Each state is in the class of its kind, together with the entry of the legend."""
    text = render(TABLE, "mermaid")
    members = {
        name: style
        for names, style in re.findall(r"^ +class (\S+) (\w+)$", text, re.MULTILINE)
        for name in names.split(",")
    }
    for state in State:
        assert members[state] == kind(TABLE, state).name.lower()
    for each in Kind:
        assert f'state "{each.value}" as colour_{each.name.lower()}\n' in text
        assert members[f"colour_{each.name.lower()}"] == each.name.lower()
        assert f"classDef {each.name.lower()} fill:{LIGHT.tones[each].fill}," in text
    small = mermaid.render(around(TABLE, State.READY), legend=False)
    assert "colour_" not in small
    assert "class Ready current\n" in small


@pytest.mark.parametrize("state", list(State), ids=str)
def test_mermaid_draws_each_state_for_itself(state: State) -> None:
    """Labels hold nothing that ends a line of Mermaid early."""
    text = mermaid.render(around(TABLE, state), direction="LR")
    for line in text.splitlines():
        _, _, label = line.partition(": ")
        assert not set(label) & set(";#{}")


def test_dot_draws_every_edge() -> None:
    """One line each, quotes balanced."""
    lines = render(TABLE, "dot").splitlines()
    assert sum("->" in line for line in lines) == len(condensed(TABLE).edges) + 1
    assert all(line.count('"') % 2 == 0 for line in lines)


def picture(current: State | None = None) -> ET.Element:
    """The SVG of the table, as a reader of XML sees it."""
    return ET.fromstring(render(TABLE, "svg", current))  # noqa: S314 our own text


def test_the_svg_is_well_formed_and_has_every_node() -> None:
    """Each state is a box with its name, in the colour of its kind."""
    root = picture()
    styles = {
        group.findtext(f"{SVG}text"): group.find(f"{SVG}rect") for group in root.iter(f"{SVG}g")
    }
    for state in State:
        shape = styles[state.value]
        assert shape is not None
        assert shape.get("class") == f"box {kind(TABLE, state).name.lower()}"
    assert float(root.get("width", 0)) <= 830


def test_the_svg_has_a_legend_and_every_label() -> None:
    """The legend has an entry for each kind, and one for what is drawn dashed."""
    graph = condensed(TABLE)
    words = [text.text for text in picture().iter(f"{SVG}text") if text.get("class") == "legend"]
    assert words == [*(each.value for each in Kind), "several states"]
    texts = Counter(
        text.text for text in picture().iter(f"{SVG}text") if "label" in text.get("class", "")
    )
    assert texts == Counter(line for edge in graph.edges for line in labels.lines(edge.labels))


def test_the_svg_has_colours_for_light_and_dark_pages() -> None:
    """All of them differ, and each kind has its own."""
    style = picture().findtext(f"{SVG}style") or ""
    light, dark = style.split("@media(prefers-color-scheme:dark)")
    for each in Kind:
        assert f"fill:{LIGHT.tones[each].fill};stroke:{LIGHT.tones[each].stroke}" in light
        assert f"fill:{DARK.tones[each].fill};stroke:{DARK.tones[each].stroke}" in dark
    assert len({tone.fill for tone in (*LIGHT.tones.values(), *DARK.tones.values())}) == 10


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_on_every_colour(palette: Palette) -> None:
    """With the contrast that WCAG asks of text (4.5), also on the highlighted state."""
    for tone in palette.tones.values():
        assert contrast(palette.text, tone.fill) >= 4.5
        assert contrast(palette.ground, tone.stroke) >= 4.5
    assert contrast(palette.text, palette.ground) >= 4.5
    assert contrast(palette.line, palette.ground) >= 3


def contrast(one: str, other: str) -> float:
    """The contrast of two colours after WCAG 2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour such as `#ffffff`."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_nothing_of_the_svg_is_cut_off() -> None:
    """All boxes, labels and arrows are in the picture."""
    left, top, width, height = map(float, picture().get("viewBox", "").split())
    extent = arrange(condensed(TABLE)).extent()
    assert left < extent.left
    assert extent.right < left + width
    assert top < extent.top
    legend = max(float(text.get("y", 0)) for text in picture().iter(f"{SVG}text"))
    assert extent.bottom < legend < top + height


@pytest.mark.parametrize("format_", HIGHLIGHTING)
def test_one_state_is_highlighted(format_: str) -> None:
    """Only where one was asked for, and only that one."""
    marks = {
        "svg": r'<g aria-current="true"><title>[^<]+</title><rect class=".+ current".+>STATE</t',
        "mermaid": r"class STATE current\n",
        "dot": r'"STATE" \[.+ penwidth=4\]',
        "json": '"current": "STATE"',
        "markdown": r"\| \*\*STATE\*\* \|",
    }
    found = re.compile(marks[format_].replace("STATE", r"([A-Z]\w+)"))
    assert found.findall(render(TABLE, format_)) == []
    for state in State:
        assert set(found.findall(render(TABLE, format_, state))) == {state.value}


def test_pictures_are_renderers() -> None:
    """A format for the eye is one of the formats."""
    assert set(RENDERERS) > PICTURES
