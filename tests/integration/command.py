# SPDX-License-Identifier: Apache-2.0
"""A command of the program behind a proxy that can kill it, or refuse what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.cluster import Cluster
from tools.crash.faults import Fault, Scope
from tools.crash.journal import Exchange
from tools.crash.proxy import Proxy
from tools.crash.turn import Turn

Done = subprocess.CompletedProcess[str]


@dataclass(slots=True, kw_only=True)
class InEarnest(Fault):
    """A fault for the first write that is no rehearsal."""

    number: int = 1
    scope: Scope = Scope.EVERY
    done: bool = False

    def inject(self, turn: Turn) -> None:
        """Let rehearsals pass, and all that comes after the fault."""
        if self.done or is_rehearsal(turn.exchange):
            turn.reply(turn.forward())
        else:
            self.done = True
            Fault.inject(self, turn)


class Command:
    """Runs the program against a cluster, as `other`, with a fault in one of its writes."""

    def __init__(self, proxy: Proxy, kubeconfig: Path) -> None:
        self._proxy = proxy
        self._kubeconfig = kubeconfig

    def run(self, *args: str, fault: Fault | None = None) -> Done:
        """Run it to its end, or until the fault has killed it; nobody sits at a terminal."""
        self._proxy.arm(fault)
        words = [sys.executable, "-m", "fluxsm", *args, f"--kubeconfig={self._kubeconfig}"]
        with subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            self._proxy.kill = process.kill
            out, err = process.communicate(timeout=120)
        self._proxy.wait_until_answered()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def writes(self) -> list[Exchange]:
        """What the last run has sent to change something, rehearsals included."""
        return self._proxy.journal.writes()

    def changes(self) -> list[Exchange]:
        """What the last run has sent to change something in earnest."""
        return [item for item in self.writes() if not is_rehearsal(item)]


def is_rehearsal(exchange: Exchange) -> bool:
    """Whether the API server was only asked whether it would do something."""
    if exchange.method == "DELETE":
        return bool(json.loads(exchange.body).get("dryRun") == ["All"])
    return "dryRun=All" in exchange.query


@contextmanager
def commanding(cluster: Cluster) -> Iterator[Command]:
    """A command against a cluster, behind a proxy of its own."""
    ca = (cluster.folder / "certs" / "apiserver.crt").read_text()
    with Proxy(cluster.server, ca) as proxy:
        config = json.loads(cluster.kubeconfig("other").read_text())
        config["clusters"][0]["cluster"] = {"server": proxy.url}
        path = cluster.folder / f"command-{uuid.uuid4().hex[:8]}.kubeconfig"
        path.write_text(json.dumps(config))
        yield Command(proxy, path)
