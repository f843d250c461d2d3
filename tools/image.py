# SPDX-License-Identifier: Apache-2.0
"""`make image`: build the image with docker, podman or buildah, whichever works here.

The environment says what differs:
    IMAGE: name of the image.
    BASE, BASE_DIGEST: the base image and its digest.
    DATA: folder with the official manifests, as `fluxsm vendor` fills it; or the word `starter`.
    ENGINE: the command, with its global options.
    BUILD_FLAGS: further options of its build.
    PIP_NO_INDEX, PIP_FIND_LINKS: for a build without a network.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from fluxsm import __version__
from fluxsm.adapters.folder import Folder, open_folder, starter_folder
from fluxsm.errors import BuildError, UsageError
from tools.sbom import bill

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
STARTER = "starter"
_BUILD = {"docker": "build", "podman": "build", "buildah": "bud"}


def main(environment: Mapping[str, str]) -> int:
    """Build; returns the exit code of the engine, 1 where it was not called."""
    engine = shlex.split(environment.get("ENGINE", "")) or find_engine()
    if not engine:
        print("✗ none of docker, podman and buildah works here; set ENGINE", file=sys.stderr)
        return 1
    try:
        data = data_folder(environment.get("DATA", ""))
    except UsageError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    prepare(data)
    command = build_command(engine, environment)
    print("►", shlex.join(command), flush=True)
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def find_engine() -> list[str]:
    """The first engine that can be talked to."""
    for name in _BUILD:
        if (
            shutil.which(name)
            and not subprocess.run([name, "info"], capture_output=True, check=False).returncode
        ):
            return [name]
    return []


def data_folder(name: str) -> Path:
    """The folder of the manifests that go into the image.

    Args:
        name: a folder, or `starter` for the manifests that are for evaluation; a folder of that
            name is `./starter`.

    Raises:
        UsageError: it is empty, or not the folder of a distribution.
    """
    if name == STARTER:
        return starter_folder()
    if not name:
        raise UsageError(
            "DATA is not set: name a folder with the official manifests (fluxsm vendor --to FOLDER"
            " fills it), or DATA=starter for an image that is for evaluation only"
        )
    folder = ROOT / name
    try:
        found = open_folder(folder)
        found.versions()
    except BuildError as error:
        raise UsageError(f"DATA={name}: {error}") from None
    if found.is_starter:
        raise UsageError(
            f"DATA={name} is the starter distribution: it is asked for as DATA=starter"
        )
    return folder


def prepare(data: Path) -> None:
    """Make what the Dockerfile copies: the wheel, the bill of materials and the manifests.

    Args:
        data: the folder with the manifests, anywhere.
    """
    shutil.rmtree(DIST / "data", ignore_errors=True)
    for path, content in Folder(data).items():
        file = DIST / "data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    for old in DIST.glob("fluxsm-*.whl"):
        old.unlink()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    text = json.dumps(bill((ROOT / "requirements" / "run.txt").read_text()), indent=2)
    (DIST / "sbom.cdx.json").write_text(text + "\n")


def build_command(engine: list[str], environment: Mapping[str, str]) -> list[str]:
    """The command that builds the image.

    Args:
        engine: the command of the engine, with global options.
        environment: see the top of this file.
    """
    arguments = {
        "VERSION": __version__,
        "REVISION": environment.get("REVISION", "") or _revision(),
        **{
            name: environment[name]
            for name in ("BASE", "BASE_DIGEST", "PIP_NO_INDEX", "PIP_FIND_LINKS")
            if environment.get(name)
        },
    }
    options = [
        part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")
    ]
    image = environment.get("IMAGE", "") or f"fluxsm:v{__version__}"
    flags = shlex.split(environment.get("BUILD_FLAGS", ""))
    return [*engine, _BUILD[Path(engine[0]).name], *flags, *options, "--tag", image, "."]


def _revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(os.environ))
