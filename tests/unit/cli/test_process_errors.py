# SPDX-License-Identifier: Apache-2.0
"""What the system refuses ends a command with one line and the documented exit code."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.cli import root
from fluxsm.errors import BuildError
from tests.unit.cli.wrong_files import GOOD

FULL = Path("/dev/full")
CONFIG = "apiVersion: v1\nkind: Config\ncurrent-context: x\nusers: []\nclusters: []\n"


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A good file."""
    path = tmp_path / "flux.yaml"
    path.write_text(GOOD["the least"])
    return str(path)


def run(
    args: Sequence[str], *, stdout: int, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program with a standard output of its own."""
    return subprocess.run(
        [sys.executable, "-m", "fluxsm", *args],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What was said, but for advice."""
    return [line for line in done.stderr.splitlines() if not line.startswith("• ")]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no full device")
@pytest.mark.parametrize(
    ("args", "code"),
    [(["build", "-f", "FILE"], 1), (["--help"], 1), (["--version"], 1), (["build", "-h"], 1),
     (["versions"], 1), (["diff", "FILE", "OTHER"], 2), (["install", "--export"], 1)],
)  # fmt: skip
def test_a_full_device(tmp_path: Path, file: str, args: list[str], code: int) -> None:
    """The reason of the system is given, whatever is printed."""
    other = tmp_path / "other.yaml"
    other.write_text("kind: Service\nmetadata: {name: a}\n")
    names = {"FILE": file, "OTHER": str(other)}
    with FULL.open("w") as full:
        done = run([names.get(arg, arg) for arg in args], stdout=full.fileno())
    assert done.returncode == code
    assert errors(done) == ["✗ standard output cannot be written: no space left on device"]


@pytest.mark.parametrize("args", [["build", "-f", "FILE"], ["--help"]])
def test_a_closed_pipe(file: str, args: list[str]) -> None:
    """No traceback, and nothing from the interpreter at its end."""
    reader, writer = os.pipe()
    os.close(reader)
    done = run([file if arg == "FILE" else arg for arg in args], stdout=writer)
    os.close(writer)
    assert done.returncode == 1
    assert errors(done) == ["✗ standard output was closed before everything was written"]


def test_a_folder_that_may_not_be_read(
    tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named with the reason; root may read everything, so the refusal is made up."""
    (tmp_path / "flux").mkdir()

    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    done = CliRunner().invoke(root, ["build", "-f", file, "--distribution", str(tmp_path)])
    assert done.exit_code == 1
    assert done.stderr == f"✗ storage path {tmp_path}/flux cannot be read: permission denied\n"
    with pytest.raises(BuildError, match="cannot be read: permission denied"):
        open_folder(starter_folder())


@pytest.mark.parametrize("command", [["build", "-f"], ["install", "--export", "-f"]])
def test_a_file_that_may_not_be_read(
    file: str, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Likewise."""
    real = Path.open

    def refuse(self: Path, *args: object, **extra: object) -> object:
        if str(self) == file:
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *args, **extra)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    done = CliRunner().invoke(root, [*command, file])
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert f"'{file}', must point to an existing file: permission denied" in done.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "does not exist; name another with --kubeconfig"),
        ("a: [", "is not valid YAML: at the end"),
        ("clusters: []", "cannot be used: "),
        ("", "is empty"),
        ("text", "document 1 is not a mapping"),
        (f"{CONFIG}contexts: []", "cannot be used: there is no 'x' among its contexts"),
        (
            f"{CONFIG}contexts: [{{name: x, context: {{cluster: y, user: z}}}}]",
            "cannot be used: there is no 'y' among its clusters",
        ),
    ],
)
def test_a_kubeconfig_that_is_none(tmp_path: Path, content: str | None, reason: str) -> None:
    """The file and the reason are named."""
    path = tmp_path / "kube.yaml"
    if content is not None:
        path.write_text(content)
    done = CliRunner().invoke(root, ["uninstall", "--kubeconfig", str(path)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"✗ the kubeconfig {path}")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_is_switched_off_by_the_environment(
    tmp_path: Path, file: str, variables: dict[str, str]
) -> None:
    """Unless a flag asks for it."""
    other = tmp_path / "other.yaml"
    other.write_text("kind: Service\nmetadata: {name: a}\n")
    runner = CliRunner(env={"NO_COLOR": "", "TERM": "xterm"})
    command = ["diff", file, str(other)]
    assert "\x1b[" in runner.invoke(root, command, color=True).stdout
    assert "\x1b[" not in runner.invoke(root, command, color=True, env=variables).stdout
    done = runner.invoke(root, [*command, "--color=always"], color=True, env=variables)
    assert "\x1b[" in done.stdout


@pytest.mark.parametrize("name", [[], *([item] for item in ("build", "diff", "install", "run"))])
def test_help_in_its_short_form(name: list[str]) -> None:
    """Of the program and of each command."""
    done = CliRunner().invoke(root, [*name, "-h"])
    assert done.exit_code == 0
    assert done.stdout == CliRunner().invoke(root, [*name, "--help"]).stdout


@pytest.mark.parametrize(
    ("redirection", "args", "code", "reason"),
    [
        (">&-", ["build", "-f", "FILE"], 1, "standard output is closed, and the result would go"),
        (">&-", ["diff", "FILE", "FILE"], 2, "standard output is closed, and the result would go"),
        ("<&-", ["build", "-f", "-"], 1, "standard input is closed, and the file is -"),
        ("<&-", ["diff", "-", "FILE"], 2, "standard input is closed, and the file is -"),
        ("</dev/null", ["build", "-f", "-"], 1, "standard input is empty; a FluxInstance is"),
    ],
)
def test_a_stream_that_is_closed(
    file: str, redirection: str, args: list[str], code: int, reason: str
) -> None:
    """As a shell closes it; nothing is printed into nowhere."""
    words = [sys.executable, "-m", "fluxsm", *(file if arg == "FILE" else arg for arg in args)]
    done = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.join(words)} {redirection}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"✗ {reason}")
    assert done.stderr.count("\n") == 1


def test_a_command_that_is_misspelt() -> None:
    """The nearest is named."""
    done = CliRunner().invoke(root, ["biuld"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "✗ 'biuld' is not a command; did you mean build? fluxsm --help lists them all\n"
    )


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["install", "--export", "--namespace", "Bad_NS"], "--namespace 'Bad_NS' is not a DNS lab"),
        (["uninstall", "--namespace", "a.b"], "--namespace 'a.b' is not a DNS label"),
        (["install", "--export", "--image", "a b"], "--image 'a b' is not an image such as"),
        (["install", "--export", "--image", "https://x/y"], "--image 'https://x/y' is not an"),
        (["install", "--export", "--image", "x/Y:1"], "--image 'x/Y:1' is not an image"),
        (["install", "--export", "--image", ""], "--image '' is not an image"),
        (["install", "--export", "--timeout", "5"], "'5' is not a duration such as 90s"),
        (["versions", "--distribution", "https://x/y"], "neither a folder nor oci://"),
        (["versions", "--distribution", "/dev/null"], "/dev/null/flux does not exist"),
        (["build", "-f", "/"], "is a directory"),
        (["build", "-f", ""], "--filename is required"),
        (["build"], "--filename is required"),
    ],
)
def test_a_flag_that_is_wrong(args: list[str], reason: str) -> None:
    """One line, before anything is done."""
    done = CliRunner().invoke(root, args)
    assert (done.exit_code, done.stdout) == (1, "")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "image", ["x/y", "ghcr.io/a/b:v1", "localhost:5000/a/b-c:1_0@sha256:" + "0" * 64, "busybox"]
)
def test_an_image_that_is_one(image: str) -> None:
    """Of any registry, with a tag, a digest, or neither."""
    done = CliRunner().invoke(root, ["install", "--export", "--image", image])
    assert done.exit_code == 0
    assert f"image: {image}\n" in done.stdout
