# SPDX-License-Identifier: Apache-2.0
"""Time whole processes of the command line, as a shell sees them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from bench.measure import Cost
from fluxsm.adapters.folder import Folder
from fluxsm.adapters.registry.archive import pack
from fluxsm.adapters.registry.client import OrasRegistry
from tests.registry.server import Registry

RUNS = 9
SHARDS = (1, 5, 20)
VERSIONS = 29
"""So many versions has the official artifact."""


def programs(storage: Path) -> Iterator[Cost]:
    """What people wait for: help, lists and builds, plain and with ever more shards."""
    yield timed("fluxsm --help", ["--help"], most=0.05)
    yield timed("fluxsm simulate --list", ["simulate", "--list"], most=0.15)
    yield _build("fluxsm build from a folder", str(storage), most=0.25)
    yield _build_from_artifact(storage)
    for shards in SHARDS:
        yield _build(f"fluxsm build, {shards} shards", str(storage), shards)


def _build_from_artifact(storage: Path) -> Cost:
    """The target is what the reference takes for the same."""
    with tempfile.TemporaryDirectory() as folder, Registry(Path(folder)) as registry:
        reference = f"oci://{registry.host}/flux/manifests:latest"
        client = OrasRegistry(cache_dir=None, plain_http_hosts={registry.host})
        client.push(reference, None, pack(_many_versions(storage)), {})
        work = f"fluxsm build from an artifact of {VERSIONS} versions"
        return _build(work, reference, most=0.39)


def _many_versions(storage: Path) -> Mapping[str, bytes]:
    """Files of as many versions as the official artifact has, made of those that are there."""
    files = Folder(storage)
    known = sorted({path.split("/")[1] for path in files})
    found: dict[str, bytes] = {}
    for number in range(VERSIONS):
        version = known[number % len(known)]
        patch = f"{version.rpartition('.')[0]}.{100 + number}"
        for path in files:
            top, folder, name = path.split("/")
            if folder == version:
                found[f"{top}/{patch}/{name}"] = files[path]
    return found


def _build(work: str, distribution: str, shards: int = 0, *, most: float | None = None) -> Cost:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(_instance(shards), file)
        file.flush()
        return timed(work, ["build", "-f", file.name, "--distribution", distribution], most=most)


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


def timed(work: str, args: list[str], *, most: float | None) -> Cost:
    """The median of some runs, after one that warms the caches of the machine."""
    command = [str(Path(sys.executable).with_name("fluxsm")), *args]
    took = [_run(command) for _ in range(RUNS + 1)][1:]
    return Cost(work=work, seconds=median(took), most_seconds=most, requests=None, resident=None)


def _run(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began
