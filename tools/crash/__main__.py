# SPDX-License-Identifier: Apache-2.0
"""`make crash`: a crash at every write of every lifecycle, on a real API server, with a report."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from tools.crash import report, workers
from tools.crash.environment import Verdict
from tools.crash.lifecycles import MODES, lifecycles


def main(args: Sequence[str]) -> int:
    """Try all faults that are wanted; returns 1 when one of them is not survived."""
    options = _parser().parse_args(args)
    part, parts = options.part
    selection = workers.Selection(
        lifecycles=options.lifecycle or _names(),
        modes=options.mode or MODES,
        part=part,
        parts=parts,
    )
    began = time.monotonic()
    verdicts: list[Verdict] = []
    failed = False
    try:
        for item in workers.run(selection, options.workers):
            if isinstance(item, Verdict):
                verdicts.append(item)
                print(report.line(item), flush=True)
            else:
                failed = True
                print(f"✗ {item}", file=sys.stderr, flush=True)
    finally:
        print()
        print(report.totals(verdicts, time.monotonic() - began))
    return 1 if failed or any(verdict.findings for verdict in verdicts) else 0


def part_of(text: str) -> tuple[int, int]:
    """Read `2/4`: the second of four parts.

    Raises:
        argparse.ArgumentTypeError: there is no such part.
    """
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part such as 1/4, 2/4, 3/4 or 4/4")
    return int(number), int(count)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make crash")
    parser.add_argument("--lifecycle", choices=_names(), action="append", help="default: all")
    parser.add_argument("--mode", choices=MODES, action="append", help="default: all")
    parser.add_argument(
        "--part",
        type=part_of,
        default=(1, 1),
        metavar="N/M",
        help="the Nth of M parts, which together have every fault once",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=2 * (os.cpu_count() or 1),  # a worker waits about half of its time
        help="control planes at a time; default: two for each processor",
    )
    return parser


def _names() -> list[str]:
    return [lifecycle.name for lifecycle in lifecycles()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
