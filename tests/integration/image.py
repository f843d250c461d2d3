# SPDX-License-Identifier: Apache-2.0
"""An image without a container engine: buildah, a base made by debootstrap, wheels from a folder.

The base and the wheels are kept in the cache, so that only the first run on a machine takes long.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.debian import lacking
from tests.integration.process import ROOT
from tools.image import STARTER, build_command, data_folder, prepare

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache") / "fluxsm"
BUILDAH = ["buildah", "--storage-driver", "vfs"]
_PACKAGES = "python3,python3-venv,ca-certificates"


def run(*command: str, **options: object) -> str:
    """Run a program and return what it printed; what it complains of is the failure."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


def need_tools() -> None:
    """Skip where an image cannot be built, and say why; FLUXSM_REQUIRE_IMAGE=1 fails instead."""
    give_up = pytest.fail if os.environ.get("FLUXSM_REQUIRE_IMAGE") else pytest.skip
    if os.geteuid():
        give_up("building an image without a container engine needs root")
    if missing := lacking(["buildah", "debootstrap"]):
        give_up(f"{' and '.join(missing)} cannot be installed here")


def base_image() -> str:
    """A small Debian with Python, as an image; returns its name."""
    archive = CACHE / f"base-{_digest(_PACKAGES)}.tar"
    if not archive.is_file():
        _make_base(archive)
    name = f"localhost/fluxsm-test-base:{_digest(_PACKAGES)}"
    if name not in run(*BUILDAH, "images", "--format", "{{.Name}}:{{.Tag}}"):
        container = run(*BUILDAH, "from", "scratch").strip()
        run(*BUILDAH, "add", "--quiet", container, str(archive), "/")
        run(*BUILDAH, "commit", "--quiet", "--rm", container, name)
    return name


def _make_base(archive: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"base-{os.getpid()}"
    try:
        run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(folder))
        part = archive.with_suffix(".part")
        left_out = ("dev/*", "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*")
        flags = [f"--exclude=./{pattern}" for pattern in left_out]
        run("tar", *flags, "-C", str(folder), "-cf", str(part), ".")
        part.replace(archive)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wheels() -> Path:
    """A folder with the wheels of the lock, checked by their hashes."""
    lock = ROOT / "requirements" / "run.txt"
    folder = CACHE / f"wheels-{_digest(lock.read_text())}"
    if not folder.is_dir():
        part = folder.with_suffix(f".{os.getpid()}")
        run(sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps",
            "--only-binary", ":all:", "--requirement", str(lock), "--dest", str(part))  # fmt: skip
        part.replace(folder)
    return folder


def build(name: str) -> None:
    """Build the image of this working copy, with no index of packages."""
    base, folder = base_image(), wheels()
    prepare(data_folder(STARTER))
    environment = {
        "IMAGE": name,
        "BASE": base,
        "BUILD_FLAGS": f"--isolation chroot --pull=never --volume {folder}:/wheels:ro",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "/wheels",
    }
    run(*build_command(BUILDAH, environment), cwd=ROOT)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
