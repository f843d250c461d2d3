# SPDX-License-Identifier: Apache-2.0
"""`make bench`: measure a life on a real control plane and print it against the targets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.commands import commands
from bench.endurance import endure
from bench.life import live
from bench.measure import Cost
from bench.migration import migrate
from bench.page import look
from bench.program import programs
from bench.report import show
from tests.controlplane.binary import ControlPlaneError
from tests.controlplane.cluster import Cluster
from tests.integration.instance import install_crds

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("program", "commands", "life", "page", "migration", "endurance")


def main(args: list[str]) -> int:
    """Measure and print; the exit code says whether all targets are met."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--details", action="store_true", help="show the requests by verb")
    parser.add_argument(
        "--storage", type=Path, default=_storage(), help="folder with flux/<version>/*.yaml"
    )
    parser.add_argument("--only", choices=PARTS, help="one part of it")
    wanted = parser.parse_args(args)
    costs: list[Cost] = []
    try:
        for cost in _measure(wanted.only, wanted.storage):
            print(f"{cost.work}: done", file=sys.stderr)
            costs.append(cost)
    except ControlPlaneError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 2
    show(costs, details=wanted.details)
    return 0 if all(cost.is_met for cost in costs) else 1


def _measure(only: str | None, storage: Path) -> Iterator[Cost]:
    if only in {None, "program"}:
        yield from programs(storage)
    for name, part in (
        ("commands", commands),
        ("life", live),
        ("page", look),
        ("migration", migrate),
        ("endurance", endure),
    ):
        if only in {None, name}:
            with Cluster() as cluster:
                install_crds(cluster)
                yield from part(cluster, storage)


def _storage() -> Path:
    """Releases of Flux beside this repository, else the starter distribution."""
    upstream = ROOT.parent / "shared"
    return upstream if (upstream / "flux").is_dir() else ROOT / "manifests" / "distribution"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
