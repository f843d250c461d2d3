# SPDX-License-Identifier: Apache-2.0
"""Time whole processes of the command line, as a shell sees them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.measure import Cost

RUNS = 5
SHARDS = (1, 5, 20)


def programs(storage: Path) -> Iterator[Cost]:
    """The help, then the build of the default instance, plain and with ever more shards."""
    yield _timed("fluxsm --help", ["--help"], most=0.15)
    yield _build(storage, 0, most=0.4)
    yield from (_build(storage, count) for count in SHARDS)


def _build(storage: Path, shards: int, *, most: float | None = None) -> Cost:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(_instance(shards), file)
        file.flush()
        args = ["build", "-f", file.name, "--distribution", str(storage)]
        work = f"fluxsm build, {shards} shards" if shards else "fluxsm build"
        return _timed(work, args, most=most)


def _instance(shards: int) -> dict[str, object]:
    spec: dict[str, object] = {"distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"}}
    if shards:
        spec["sharding"] = {"shards": [f"shard{number}" for number in range(1, shards + 1)]}
    return {
        "apiVersion": "fluxcd.controlplane.io/v1",
        "kind": "FluxInstance",
        "metadata": {"name": "flux", "namespace": "flux-system"},
        "spec": spec,
    }


def _timed(work: str, args: list[str], *, most: float | None) -> Cost:
    """The median of some runs, after one that warms the caches of the machine."""
    command = [str(Path(sys.executable).with_name("fluxsm")), *args]
    took = [_run(command) for _ in range(RUNS + 1)][1:]
    return Cost(work=work, seconds=median(took), most_seconds=most, requests=None, resident=None)


def _run(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began
