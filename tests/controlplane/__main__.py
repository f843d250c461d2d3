# SPDX-License-Identifier: Apache-2.0
"""Build the control plane, say where it is, run kubectl of it, or run a cluster until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys

from tests.controlplane.binary import ControlPlaneError, build, find
from tests.controlplane.cluster import Cluster

_USAGE = "usage: python3 -m tests.controlplane build|path|kubectl ARGS...|run"


def main(args: list[str]) -> int:
    """Do what the first argument says; returns the exit code."""
    match args:
        case ["build"] | ["path"]:
            print(build())
        case ["kubectl", *rest]:
            command = [*find().command("kubectl"), *rest]
            os.execv(command[0], command)
        case ["run"]:
            _run()
        case _:
            print(_USAGE, file=sys.stderr)
            return 2
    return 0


def _run() -> None:
    with Cluster() as cluster:
        print(cluster.kubeconfig(), flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        sys.exit(main(sys.argv[1:]))
    except ControlPlaneError as problem:
        print(f"✗ {problem}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
