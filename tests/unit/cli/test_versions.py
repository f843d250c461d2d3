# SPDX-License-Identifier: Apache-2.0
"""`fluxsm versions` tells what a distribution offers and what a range would choose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fluxsm.cli import root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A distribution with four versions, and a folder that is none."""
    for name in ("v2.9.0-rc.1", "v2.7.5", "v2.8.8", "v2.10.0", "latest"):
        path = tmp_path / "flux" / name
        path.mkdir(parents=True)
        (path / "rbac.yaml").touch()
    return tmp_path


def versions(folder: Path, *args: str) -> Result:
    """Run the command on a folder."""
    return CliRunner().invoke(root, ["versions", "--distribution", str(folder), *args])


def rows(folder: Path, *args: str) -> list[dict[str, Any]]:
    """The JSON of the command."""
    done = versions(folder, "-o", "json", *args)
    assert done.exit_code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_newest_first(folder: Path) -> None:
    """As versions, not as text."""
    assert [row["version"] for row in rows(folder)] == [
        "v2.10.0",
        "v2.9.0-rc.1",
        "v2.8.8",
        "v2.7.5",
    ]


def test_a_range_matches_some_and_selects_one(folder: Path) -> None:
    """The newest that matches."""
    assert rows(folder, "--range", "<2.9") == [
        {"version": "v2.10.0", "matches": False, "selected": False},
        {"version": "v2.9.0-rc.1", "matches": False, "selected": False},
        {"version": "v2.8.8", "matches": True, "selected": True},
        {"version": "v2.7.5", "matches": True, "selected": False},
    ]


def test_without_a_range_every_release_matches(folder: Path) -> None:
    """A prerelease does not."""
    found = {row["version"]: row["matches"] for row in rows(folder)}
    assert found == {"v2.10.0": True, "v2.9.0-rc.1": False, "v2.8.8": True, "v2.7.5": True}


def test_the_table(folder: Path) -> None:
    """Columns are padded and followed by a tab."""
    lines = versions(folder, "--range", "2.7").stdout.splitlines()
    assert lines[0] == "VERSION    \tMATCHES\tSELECTED"
    assert lines[-1] == "v2.7.5     \tyes    \tyes"


def test_a_range_without_a_match_is_said(folder: Path) -> None:
    """The list is printed all the same."""
    done = versions(folder, "--range", "3.x")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 5
    assert done.stderr == f"• no version in {folder} matches 3.x\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--range", ">>2"), "--range '>>2' is not a version range"),
        (("--distribution", "/nowhere"), "/nowhere/flux does not exist"),
        (("--output", "xml"), "'xml' is not one of"),
    ],
)
def test_bad_flags(folder: Path, args: tuple[str, ...], message: str) -> None:
    """One line says what is wrong."""
    done = versions(folder, *args)
    assert done.exit_code == 1
    assert done.stderr.startswith("✗ ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
