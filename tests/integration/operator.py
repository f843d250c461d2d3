# SPDX-License-Identifier: Apache-2.0
"""The operator as it runs in production, a process of its own, and what its log says."""

from __future__ import annotations

import json
import signal
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.controlplane.cluster import Cluster
from tests.controlplane.process import Child

POLL_SECONDS = 0.05
NO_REPORT = "--reporting-interval=0"
"""It works beside the machine, where requests are counted; tests of the report switch it on."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One transition as the log has it.

    Attributes:
        source: the state that was left.
        event: what happened.
        dest: the state that was entered, `Gone` at the end.
        message: why.
        seconds: how long the source had lasted.
    """

    source: str
    event: str
    dest: str
    message: str
    seconds: float


class Operator:
    """`fluxsm run` against a test cluster. Use it as a context manager."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        *,
        storage: Path | None = None,
        flags: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        user: str = "fluxsm",
        in_pod: bool = False,
    ) -> None:
        """Describe a process; nothing runs yet.

        Args:
            cluster: where it works.
            namespace: its runtime namespace.
            storage: folder of its distribution; the starter one when not given.
            flags: further flags.
            env: further environment.
            user: whose credentials it has; requests are counted by user.
            in_pod: it finds the API server and its credentials as a pod does, without a kubeconfig.
        """
        storing = [f"--storage-path={storage}"] if storage else []
        if in_pod:
            program = ["tests.integration.pod", str(cluster.service_account(user)), "run"]
        else:
            program = ["fluxsm", "run", f"--kubeconfig={cluster.kubeconfig(user)}"]
        addresses = ("--health-addr=", "--metrics-addr=", "--web-server-port=0")
        command = [sys.executable, "-m", *program, *addresses, NO_REPORT, *storing, *flags]
        self.log = cluster.folder / f"operator-{uuid.uuid4().hex[:8]}.log"
        environment = {
            "RUNTIME_NAMESPACE": namespace,
            "NOTIFICATIONS_DISABLED": "true",
            "PYTHONUNBUFFERED": "1",
            **({"KUBECONFIG": "", **cluster.pod_environment()} if in_pod else {}),
            **(env or {}),
        }
        self._child = Child("fluxsm", command, self.log, environment)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, or start it again."""
        self._child.start()

    def stop(self) -> None:
        """End it as Kubernetes does."""
        self._child.stop(signal.SIGTERM)

    def kill(self) -> None:
        """End it without warning."""
        self._child.stop(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The process id, 0 when it does not run."""
        return self._child.pid

    def resident(self) -> float:
        """Resident memory now, in MiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("the process does not show its resident memory")

    def lines(self) -> list[dict[str, Any]]:
        """The log so far; a last line that is still being written is left out."""
        text = self.log.read_text() if self.log.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        return [json.loads(line) for line in whole.splitlines()]

    def transitions(self) -> list[Transition]:
        """The transitions so far."""
        return [
            Transition(
                source=line["from"],
                event=line["event"],
                dest=line["to"],
                message=line["message"],
                seconds=line["seconds"],
            )
            for line in self.lines()
            if line["msg"] == "transition"
        ]

    def errors(self) -> list[str]:
        """What was logged as an error, or went wrong in an unexpected way."""
        return [
            f"{line['msg']} {line.get('error', '')}"
            for line in self.lines()
            if line["level"] == "error" or "error" in line
        ]

    def reaches(self, state: str, *, after: int = 0, seconds: float = 60) -> list[Transition]:
        """Wait for a state and return the way to it.

        Args:
            state: the state to reach.
            after: how many transitions to skip.
            seconds: how long to wait.
        """

        def way() -> list[Transition] | None:
            found = self.transitions()[after:]
            ends = [place for place, item in enumerate(found) if item.dest == state]
            return found[: ends[0] + 1] if ends else None

        return until(way, lambda: f"{state} in the log\n{self._child.tail(8)}", seconds=seconds)


def until(look: Callable[[], T | None], what: str | Callable[[], str], *, seconds: float = 60) -> T:
    """Look again and again until there is something to see, and return it.

    Args:
        look: returns None or False while there is nothing.
        what: what is waited for, for the message of the failure; a function is asked then.
        seconds: how long to wait.
    """
    limit = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > limit:
            missing = what() if callable(what) else what
            raise AssertionError(f"within {seconds:g}s no {missing}")
        time.sleep(POLL_SECONDS)
