# SPDX-License-Identifier: Apache-2.0
"""Debian packages that tests need, installed where the machine lacks them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_LOCK = Path(tempfile.gettempdir()) / "fluxsm-tests-apt.lock"


_PACKAGES: Final = {"chromedriver": "chromium-driver"}
"""Packages that are not called like their program."""


def lacking(programs: Sequence[str]) -> list[str]:
    """Install the packages of some programs where that is possible.

    As root and with apt-get it is. Test processes take turns: apt-get itself would refuse.

    Args:
        programs: such as `docker-registry`.

    Returns:
        The programs that are not there even now.
    """
    if _missing(programs) and os.geteuid() == 0 and shutil.which("apt-get"):
        with _LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if missing := _missing(programs):
                packages = [_PACKAGES.get(name, name) for name in missing]
                _apt_get("update")
                _apt_get("install", "-y", "--no-install-recommends", *packages)
    return _missing(programs)


def _missing(programs: Sequence[str]) -> list[str]:
    return [name for name in programs if not shutil.which(name)]


def _apt_get(*command: str) -> None:
    subprocess.run(
        ["apt-get", "-qq", *command],
        check=False,
        capture_output=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
