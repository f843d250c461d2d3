# SPDX-License-Identifier: Apache-2.0
"""`make crash`: a crash at every write of every scenario, on a real API server, with a report."""

from __future__ import annotations

import argparse
import sys
import time

from tests.controlplane.binary import ControlPlaneError
from tests.crash import campaign, report
from tests.crash.scenarios import lives
from tests.crash.stage import PhaseError, Verdict


def main(args: list[str]) -> int:
    """Try all faults that are wanted; returns 1 when one of them is not survived."""
    known = {life.name: life for life in lives()}
    parser = argparse.ArgumentParser(prog="make crash")
    parser.add_argument("--life", choices=list(known), action="append", help="default: all")
    parser.add_argument("--mode", choices=campaign.MODES, action="append", help="default: all")
    parser.add_argument("--every", type=int, default=1, help="take only every so manieth life")
    wanted = parser.parse_args(args)
    began = time.monotonic()
    verdicts: list[Verdict] = []

    def tell(verdict: Verdict) -> None:
        verdicts.append(verdict)
        print(report.line(verdict), flush=True)

    try:
        for name in wanted.life or known:
            modes = wanted.mode or campaign.MODES
            campaign.run(known[name], modes, tell, every=wanted.every)
    except (ControlPlaneError, PhaseError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    finally:
        print()
        print(report.totals(verdicts, time.monotonic() - began))
    return 1 if any(verdict.findings for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
