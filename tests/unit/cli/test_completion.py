# SPDX-License-Identifier: Apache-2.0
"""Completion, as far as no cluster is needed: commands, kinds, files, and no errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluxsm.api.flux_kinds import FLUX_KINDS
from fluxsm.cli import root
from fluxsm.cli.commands import COMMANDS
from fluxsm.cli.completion.plugin import complete

NOWHERE = "--kubeconfig=/nowhere"


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a kubeconfig nor a home with one."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))


def words(*before: str, incomplete: str = "") -> list[str]:
    """What is offered, without help."""
    return [line.split("\t")[0] for line in complete(root, list(before), incomplete)]


def test_commands_and_nouns() -> None:
    """With their texts; a noun for objects of Flux is offered as the kinds that it takes."""
    assert words() == [*COMMANDS, ":4"]
    assert complete(root, [], "rec") == [f"reconcile\t{COMMANDS['reconcile'].text}", ":4"]
    found = words("reconcile")
    assert found[:2] == ["instance", "all"]
    assert "resource" not in found
    assert found[-1] == ":6"
    assert {f"{kind.short}/" for kind in FLUX_KINDS} <= set(found)
    assert words("tree", incomplete="k") == ["ks/", ":6"]


def test_values() -> None:
    """Kinds and choices; files only where there may be one."""
    assert words("get", "all", "--kind", incomplete="h") == ["hr", "helmrepo", "hc", ":4"]
    assert words("get", "-o", incomplete="j") == ["json", ":4"]
    assert words("build", "-f") == [":0"]
    assert words("get", "instance", incomplete="--ou") == ["--output", ":4"]


@pytest.mark.parametrize(
    "before", [["suspend", "instance"], ["get", "-n"], ["get", "--context"], ["suspend", "ks"]]
)
def test_without_a_cluster_there_are_no_names(before: list[str]) -> None:
    """And no error, which would stand in the middle of a command line."""
    assert words(*before) == [":4"]
    assert words(*before[:1], NOWHERE, *before[1:])[-1].startswith(":")
    assert words("get", "nothing", "at", "all") == [":4"]


def test_contexts_come_from_the_kubeconfig(tmp_path: Path) -> None:
    """No request is needed for them."""
    (tmp_path / "none").write_text("{contexts: [{name: one}, {name: two}]}")
    assert words("get", "--context", incomplete="t") == ["two", ":4"]


def test_completion_of_commands_loads_nothing_heavy() -> None:
    """Somebody waits at a prompt."""
    code = (
        "import sys, fluxsm.cli as c\n"
        "from fluxsm.cli.completion.plugin import complete\n"
        "complete(c.root, [], 'g'), complete(c.root, ['get', 'all', '--kind'], 'a')\n"
        "print([n for n in ('pydantic', 'yaml', 'kubernetes', 'urllib3') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(shell: str) -> None:
    """Each calls the program back in the form that the shell reads."""
    script = CliRunner().invoke(root, ["completion", shell])
    assert script.exit_code == 0
    assert f"_FLUXSM_COMPLETE={shell}_complete" in script.stdout


def test_the_script_of_bash_works() -> None:
    """In a real shell, which completes the first word after the program."""
    folder = Path(sys.executable).parent
    script = (
        "source <(fluxsm completion bash); COMP_WORDS=(fluxsm rec); COMP_CWORD=1;"
        ' _fluxsm_completion fluxsm; echo "${COMPREPLY[@]}"'
    )
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.strip() == "reconcile"


def test_common_flags_are_listed_once() -> None:
    """Also those that the help of a command does not show."""
    shown = CliRunner().invoke(root, ["options"]).stdout
    for flag in ("--namespace", "--timeout", "--as-group, --kube-as-group", "--color"):
        assert shown.count(flag) == 1
    assert "--as-group" not in CliRunner().invoke(root, ["get", "instance", "--help"]).stdout
