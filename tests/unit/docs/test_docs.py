# SPDX-License-Identifier: Apache-2.0
"""What the pages say is so: commands run, links lead somewhere, scenarios go as they tell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluxsm.cli import root
from fluxsm.machine.states import State
from tools.reference import states

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```(\w+)(?: (runnable))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def blocks() -> Iterator[tuple[Path, str, str]]:
    """The code blocks that are marked as runnable: page, language, text."""
    for page in PAGES:
        for language, mark, text in _BLOCK.findall(page.read_text()):
            if mark:
                yield page, language, text


RUNNABLE = list(blocks())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link is a file or a folder."""
    for target in _LINK.findall(_CODE.sub("", page.read_text())):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_something_is_runnable() -> None:
    """The marks are found."""
    assert len(RUNNABLE) >= 3


@pytest.mark.parametrize(
    ("page", "language", "text"),
    [pytest.param(*block, id=f"{block[0].stem}-{n}") for n, block in enumerate(RUNNABLE)],
)
def test_a_runnable_block_runs(page: Path, language: str, text: str, tmp_path: Path) -> None:
    """A `yaml` block is a scenario; in a `console` block, `$ fluxsm ...` prints what follows it."""
    runner = CliRunner()
    if language == "yaml":
        scenario = tmp_path / "scenario.yaml"
        scenario.write_text(text)
        done = runner.invoke(root, ["simulate", str(scenario)])
        assert done.exit_code == 0, done.output
        return
    assert language == "console", f"{page}: {language} is not runnable"
    for command, shown in _commands(text):
        done = runner.invoke(root, shlex.split(command)[1:])
        assert done.exit_code == 0, done.output
        _follows(shown, done.output.splitlines())


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command with the lines that the page shows below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield command, [line for line in shown if line.strip()]


def _follows(shown: list[str], printed: list[str]) -> None:
    """The shown lines are printed in this order; a line of three dots stands for any lines."""
    place = 0
    for line in shown:
        if line.strip() == "...":
            continue
        assert line in printed[place:], f"{line!r} is not printed after line {place}"
        place = printed.index(line, place) + 1


def test_every_state_has_its_section() -> None:
    """With a diagram, a table and advice."""
    text = states.page()
    sections = dict(
        zip(
            re.findall(r"^## (.+)$", text, re.MULTILINE),
            re.split(r"^## .+$", text, flags=re.MULTILINE)[1:],
            strict=True,
        )
    )
    for state in State:
        section = sections[state.value]
        for part in ("```mermaid", "**What it does.**", "**Conditions.**", "| Event | When |"):
            assert part in section
