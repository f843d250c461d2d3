# SPDX-License-Identifier: Apache-2.0
"""The wheel, and not the source tree, is what people install: it has all that it needs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Fluxsm = Callable[..., str]


@pytest.fixture(scope="module")
def fluxsm(tmp_path_factory: pytest.TempPathFactory) -> Fluxsm:
    """Calls the command line of a wheel that was just built, far from the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from fluxsm.cli import main; main()"

    def call(*args: str) -> str:
        command = [sys.executable, "-I", "-c", code, *args]
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    return call


def test_says_its_version(fluxsm: Fluxsm) -> None:
    """The console script starts."""
    from fluxsm import __version__

    assert __version__ in fluxsm("--version")


def test_brings_the_starter_distribution(fluxsm: Fluxsm) -> None:
    """A build works without a checkout: the manifests are in the wheel."""
    sample = ROOT / "manifests" / "samples" / "flux.yaml"
    assert "kind: Deployment" in fluxsm("build", "-f", str(sample))
