# SPDX-License-Identifier: Apache-2.0
"""The operator as a real process that can be killed at any moment and started again quickly."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.integration.operator import Transition
from tools.crash.process_pool import ProcessPool


class Operator:
    """`fluxsm run` with one set of flags; at most one process at a time."""

    def __init__(
        self,
        pool: ProcessPool,
        *,
        kubeconfig: Path,
        namespace: str,
        log: Path,
        storage: Path | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        """Describe it; nothing runs yet.

        Args:
            pool: starts its processes.
            kubeconfig: how it reaches the API server.
            namespace: its runtime namespace.
            storage: folder of its distribution; the starter one when None.
            flags: further flags.
            log: where its log goes, appended.
        """
        storing = [f"--storage-path={storage}"] if storage else []
        self._args = [
            *("run", "--health-addr=", "--metrics-addr=", "--web-server-port=0"),
            "--enable-leader-election=false",  # or each crash would wait for a lease to run out
            "--reporting-interval=0",  # it writes beside the machine, whose writes are counted here
            f"--kubeconfig={kubeconfig}",
            *storing,
            *flags,
        ]
        self._env = {"RUNTIME_NAMESPACE": namespace, "NOTIFICATIONS_DISABLED": "true"}
        self._pool = pool
        self._place = 0
        self.log = log
        self.pid = 0

    def start(self) -> None:
        """Start a new process; what the one before logged is skipped."""
        self.skip()
        self.pid = self._pool.start(self._args, self._env, self.log)

    def kill(self) -> None:
        """End the process without warning, and wait until it is gone."""
        pid, self.pid = self.pid, 0
        if not pid:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            while True:
                os.kill(pid, 0)
                time.sleep(0.001)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return self.pid != 0

    def skip(self) -> None:
        """Skip what was logged so far."""
        self._place = self.log.stat().st_size if self.log.exists() else 0

    def transitions(self) -> list[Transition]:
        """The transitions since the start or the last `skip`."""
        return [
            Transition(
                source=line["from"],
                event=line["event"],
                dest=line["to"],
                message=line["message"],
                seconds=line["seconds"],
            )
            for line in self._lines()
            if line.get("msg") == "transition"
        ]

    def problems(self) -> list[str]:
        """Errors that were logged, and text that is no log line: a trace, say."""
        return [
            line.get("error") or line["msg"]
            for line in self._lines()
            if line.get("level") == "error" or "error" in line
        ]

    def _lines(self) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        with self.log.open("rb") as source:
            source.seek(self._place)
            text = source.read()
        return [_parsed(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"msg": line.decode(errors="replace"), "level": "error"}
    return found
