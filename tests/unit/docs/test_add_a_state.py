# SPDX-License-Identifier: Apache-2.0
"""The recipe of CONTRIBUTING.md, followed step by step in a copy of the sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MEANING = """    StateDef(
        state=S.AUDITING,
        meaning="What was applied is being audited.",
        doing="Auditing",
        ready="Unknown",
        answers=frozenset({E.AUDITED, E.WAITING, E.FAULT}),
        limit=Limit(length=timers.stage_limit, words=_STAGE, reason=names.RECONCILIATION_FAILED),
        advice="Nothing.",
    ),
)
"""
ROWS = """        rows(S.HEALTH_CHECKING,             E.HEALTHY,      S.AUDITING),
        rows(S.AUDITING,                    E.AUDITED,      S.READY),
"""
HANDLER = '''"""Auditing: look at what was applied once more."""

from fluxsm.machine.events import Event
from fluxsm.core.outcome import Outcome


def handle(observed, ports):
    """Say that it is fine."""
    return Outcome(event=Event.AUDITED, message="Audited")
'''
PATH = "FetchingArtifact, Building, Applying, HealthChecking, Auditing, Ready"
STORY = f"story: [{{expect: {{path: [{PATH}]}}}}]"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources, to be changed."""
    for name in ("fluxsm", "states", "manifests", "tools", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)  # with the bytecode: most of it stays true
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def insert(root: Path, path: str, before: str, new: str) -> None:
    """Put a line before one that stands once in a file."""
    replace(root, path, before, f"{new}{before}")


def replace(root: Path, path: str, old: str, new: str) -> None:
    """Replace a text that stands once in a file."""
    text = (root / path).read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    (root / path).write_text(text.replace(old, new))


def python(root: Path, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run Python in the copy."""
    command = [sys.executable, *args]
    return subprocess.run(
        command, cwd=root, input=stdin, capture_output=True, text=True, check=False
    )


def complaint(root: Path) -> str:
    """What importing the table says."""
    return python(root, "-c", "import states.table").stderr


def test_the_recipe_leads_to_a_new_state(copy: Path) -> None:
    """Each step is asked for by the one before it, and in the end an instance walks through."""
    states = "fluxsm/machine/states.py"
    insert(copy, states, '    READY = "Ready"\n', '    AUDITING = "Auditing"\n')
    due = '    DUE = "Due", "the timer of the state has run out"\n'
    audited = '    AUDITED = "Audited", "the objects were looked at"\n'
    insert(copy, "fluxsm/machine/events.py", due, audited)
    assert "Auditing has no definition" in complaint(copy)

    definitions = (copy / "states/definitions.py").read_text()
    assert definitions.endswith("    ),\n)\n")
    (copy / "states/definitions.py").write_text(definitions.removesuffix(")\n") + MEANING)
    assert "Auditing cannot be reached from Pending" in complaint(copy)
    assert "Auditing has no row for Audited" in complaint(copy)

    insert(copy, "states/table.py", ")  # fmt: skip\n", "    S.AUDITING,\n")
    line = "        rows(S.HEALTH_CHECKING,             E.HEALTHY,      S.READY),\n"
    replace(copy, "states/table.py", line, ROWS)
    assert complaint(copy) == ""

    (copy / "states/auditing.py").write_text(HANDLER)
    insert(copy, "states/behaviour.py", "    building,\n", "    auditing,\n")
    entry = "        State.AUDITING: auditing.handle,\n"
    insert(copy, "states/behaviour.py", "        State.READY: ready.handle,\n", entry)

    played = python(copy, "-m", "fluxsm", "simulate", "-", stdin=STORY)
    assert played.returncode == 0, played.stderr
    assert "Auditing → Ready" in played.stdout
    drawn = python(copy, "-m", "fluxsm", "graph")
    assert "HealthChecking --> Auditing: Healthy" in drawn.stdout
    drawn = python(copy, "-m", "fluxsm", "graph", "--format", "svg", "--current", "Auditing")
    assert '<g aria-current="true"><title>What was applied is being audited.' in drawn.stdout

    generated = python(copy, "-m", "tools.generate")
    assert generated.returncode == 0, generated.stderr
    assert "## Auditing" in (copy / "docs/reference/states.md").read_text()
