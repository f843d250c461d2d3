# SPDX-License-Identifier: Apache-2.0
"""Each format is well-formed, complete and the same every time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from fluxsm.machine.graph import GONE, around, condensed
from fluxsm.machine.render import PICTURES, RENDERERS, mermaid, render, svg
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


def test_every_format_is_the_same_in_every_process() -> None:
    """Whatever the order of hashes is."""
    code = (
        "import json; from fluxsm.machine.render import RENDERERS, render;"
        "from states.table import TABLE;"
        "print(json.dumps({name: render(TABLE, name) for name in RENDERERS}))"
    )
    here = {name: render(TABLE, name) for name in RENDERERS}
    for seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert json.loads(there) == here


def test_json_has_every_row() -> None:
    """With the guard's name and words."""
    data = json.loads(render(TABLE, "json"))
    assert data["initial"] == "Pending"
    assert len(data["states"]) == len(State)
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


def picture() -> ET.Element:
    """The SVG of the table, as a reader of XML sees it."""
    return ET.fromstring(render(TABLE, "svg"))  # noqa: S314 our own text


def test_the_svg_is_well_formed_and_has_every_node() -> None:
    """Each state is a box with its name."""
    root = picture()
    names = {text.text for text in root.iter(f"{SVG}text")}
    assert {state.value for state in State} <= names
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert 0 < width <= 1200
    assert 0 < height <= 1200


def test_nothing_of_the_svg_is_cut_off() -> None:
    """All boxes, grounds of labels and ends of arrows are in the picture."""
    root = picture()
    left, top, width, height = map(float, root.get("viewBox", "").split())
    (_, *shapes), arrows = root.iter(f"{SVG}rect"), root.findall(f"{SVG}path")
    points = [
        (float(shape.get("x", 0)) + share * float(shape.get("width", 0)), float(shape.get("y", 0)))
        for shape in shapes
        for share in (0, 1)
    ]
    for arrow in arrows:
        numbers = map(float, re.findall(r"-?\d+\.\d", arrow.get("d", "")))
        points += zip(numbers, numbers, strict=True)
    assert len(points) > len(condensed(TABLE).edges)
    assert all(left < x < left + width and top < y < top + height for x, y in points)


def test_no_two_boxes_of_the_svg_overlap() -> None:
    """Neither beside nor below each other."""
    boxes = svg.place(condensed(TABLE))
    for (one, first), (other, second) in combinations(boxes.items(), 2):
        apart = (
            abs(first.x - second.x) >= (first.width + second.width) / 2
            or abs(first.y - second.y) >= (first.height + second.height) / 2
        )
        assert apart, f"{one} and {other}"


def test_pictures_are_renderers() -> None:
    """A format for the eye is one of the formats."""
    assert set(RENDERERS) > PICTURES
