# SPDX-License-Identifier: Apache-2.0
"""The command line as a whole: quick to start, one line for an error."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from fluxsm import __version__
from fluxsm.cli import root
from fluxsm.cli.commands import COMMANDS, SECTIONS

HEAVY = (
    "pydantic", "yaml", "kubernetes", "oras", "requests", "rich", "transitions", "semver",
    "sigstore", "cryptography",
)  # fmt: skip


def test_help_loads_nothing_heavy() -> None:
    """Libraries that take long to import are left to the commands that need them."""
    code = (
        "import sys, fluxsm.cli as c\n"
        "try: c.root(['--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "build" in done.stdout
    assert done.stderr.strip() == "[]"


def test_build_loads_no_client_library() -> None:
    """Building from a folder needs neither a cluster nor a registry."""
    code = (
        "import sys, fluxsm.cli as c\n"
        "try: c.root(['build', '-f', '-'])\n"
        "except SystemExit as end: assert not end.code\n"
        "print([name for name in ('kubernetes', 'oras', 'requests', 'urllib3', 'rich', 're2',"
        " 'transitions', 'jsonpatch') if name in sys.modules], file=sys.stderr)"
    )
    instance = (
        "{apiVersion: fluxcd.controlplane.io/v1, kind: FluxInstance, metadata: {name: flux},"
        " spec: {distribution: {version: 2.x, registry: ghcr.io/fluxcd}}}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=instance, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("---\n")
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_list_of_scenarios_loads_no_world() -> None:
    """Neither the API server in memory nor the operator that would run on it."""
    code = (
        "import sys, fluxsm.cli as c\n"
        "try: c.root(['simulate', '--list'])\n"
        "except SystemExit as end: assert not end.code\n"
        "print([name for name in ('pydantic', 'fluxsm.simulation.world', 'fluxsm.runtime',"
        " 'fluxsm.adapters', 'states', 'transitions', 'jsonpatch') if name in sys.modules],"
        " file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "upgrade                A minor is skipped" in done.stdout
    assert done.stderr.strip() == "[]"


def test_no_signature_library_is_loaded_unless_one_is_asked_for() -> None:
    """Neither by the operator's parts nor by a pull; by a policy with a key only one of them."""
    code = (
        "import sys, pathlib\n"
        "import fluxsm.app, fluxsm.cli.run, fluxsm.adapters.registry.source\n"
        "from fluxsm.core.settings import RegistrySettings, VerifyPolicy\n"
        "loaded = lambda: [n for n in ('sigstore', 'cryptography') if n in sys.modules]\n"
        "fluxsm.app._Artifacts(RegistrySettings()).prepare()\n"
        "print(loaded())\n"
        "policy = VerifyPolicy(key=pathlib.Path('/nowhere'))\n"
        "try: fluxsm.app._Artifacts(RegistrySettings(verify=policy)).prepare()\n"
        "except Exception as error: print(error)\n"
        "print(loaded())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[]",
        "--verify-artifact: /nowhere cannot be read: No such file or directory",
        "['cryptography']",
    ]


def test_without_a_command_there_is_help() -> None:
    """It lists every command with what it does, under headings and aligned."""
    done = CliRunner().invoke(root, [])
    assert done.exit_code == 0
    for title, entries in SECTIONS.items():
        assert f"\n{title}:\n" in done.stdout
        for name, entry in entries.items():
            assert f"  {name:<13}  {entry.text}\n" in done.stdout


def test_the_version() -> None:
    """In the short form too."""
    assert __version__ in CliRunner().invoke(root, ["-v"]).stdout


def test_every_listed_command_can_be_loaded() -> None:
    """And has help."""
    for name, entry in COMMANDS.items():
        for words in [[name], *([name, noun] for noun in entry.nouns)]:
            done = CliRunner().invoke(root, [*words, "--help"])
            assert done.exit_code == 0, words
            assert done.stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nothing"], "✗ 'nothing' is not a command; fluxsm --help lists them all\n"),
        (
            ["biuld"],
            "✗ 'biuld' is not a command; did you mean build? fluxsm --help lists them all\n",
        ),
        (["gte"], "✗ 'gte' is not a command; did you mean get? fluxsm --help lists them all\n"),
        (
            ["get", "instnace"],
            (
                "✗ 'instnace' is not a command; did you mean instance?"
                " fluxsm get --help lists them all\n"
            ),
        ),
        (
            ["get", "--as-group=a"],
            "✗ --as-group and --as-uid go with --as; add --as USER\n",
        ),
        (["--nothing"], "✗ No such option '--nothing'.\n"),
        (["build", "extra"], "✗ Invalid value for '[instance]': 'extra' is not 'instance'.\n"),
        (["build"], "✗ --filename is required\n"),
    ],
)
def test_wrong_words(args: list[str], message: str) -> None:
    """One line, exit code 1, no usage text."""
    done = CliRunner().invoke(root, args)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == message
