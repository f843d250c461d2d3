# SPDX-License-Identifier: Apache-2.0
"""Starts operator processes quickly: one process imports everything once, each operator is a fork.

A fork is a process of its own with nothing in its memory but the imported code, as after a start;
only the second or so that the imports take is saved. The pool process never starts a thread, so the
fork is safe. It reads one JSON line per operator and answers with the pid.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

_PR_SET_PDEATHSIG: Final = 1
_PRELOADED: Final = (
    "fluxsm.app",
    "fluxsm.cli.run",
    "fluxsm.runtime.logs",
    "kubernetes.config.kube_config",
)


class ProcessPool:
    """The pool process, from the side of the program that uses it. Use it as a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.crash.process_pool"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    def start(self, args: Sequence[str], env: Mapping[str, str], log: Path) -> int:
        """Start an operator and return its pid."""
        assert self._process.stdin is not None
        order = {"args": list(args), "env": dict(env), "log": str(log)}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process pool ended too early; its error output says why")
        return line


def main() -> None:
    """Serve until the input ends; the operators end with this process."""
    for name in _PRELOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel removes processes that have ended
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _operate(json.loads(line))
        print(pid, flush=True)


def _operate(order: dict[str, Any]) -> None:
    """Be an operator until the end."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, number)
    os.environ.update(order["env"])
    sys.argv = ["fluxsm", *order["args"]]
    code = 0
    try:
        importlib.import_module("fluxsm.cli").main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
