# SPDX-License-Identifier: Apache-2.0
"""`make crash`: a crash at every write of every scenario, on a real API server, with a report."""

from __future__ import annotations

import argparse
import sys
import time

from tests.crash import crew, report
from tests.crash.scenarios import MODES, lives
from tests.crash.stage import Verdict


def main(args: list[str]) -> int:
    """Try all faults that are wanted; returns 1 when one of them is not survived."""
    names = [life.name for life in lives()]
    parser = argparse.ArgumentParser(prog="make crash")
    parser.add_argument("--life", choices=names, action="append", help="default: all")
    parser.add_argument("--mode", choices=MODES, action="append", help="default: all")
    parser.add_argument("--every", type=int, default=1, help="take only every so manieth life")
    parser.add_argument("--workers", type=int, default=2, help="control planes at a time")
    wanted = parser.parse_args(args)
    order = crew.Order(lives=wanted.life or names, modes=wanted.mode or MODES, every=wanted.every)
    began = time.monotonic()
    verdicts: list[Verdict] = []
    failed = False
    try:
        for item in crew.work(order, wanted.workers):
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
