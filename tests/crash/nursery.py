# SPDX-License-Identifier: Apache-2.0
"""Gives birth to operator processes quickly: everything is imported once, then forked.

A child is a process of its own with nothing in its memory but the imported code, as after a start;
only the second or so that the imports take is saved. This program never starts a thread, so the
fork is safe. It reads one JSON line per birth and answers with the pid.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_PRELOADED = (
    "fluxsm.app",
    "fluxsm.cli.run",
    "fluxsm.runtime.logs",
    "kubernetes.config.kube_config",
)


def main() -> None:
    """Serve until the input ends; the children die with this process."""
    for name in _PRELOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel takes dead children away
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _live(json.loads(line))
        print(pid, flush=True)


def _live(birth: dict[str, Any]) -> None:
    """Be an operator until the end."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(birth["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, number)
    os.environ.update(birth["env"])
    from fluxsm.cli import main as operate

    sys.argv = ["fluxsm", *birth["args"]]
    code = 0
    try:
        operate()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
