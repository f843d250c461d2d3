# SPDX-License-Identifier: Apache-2.0
"""Disruptions of an operator and of its API server, whatever state the operator is in.

The stated limits: a request that gets no answer is given up after 15 s, a watch that is idle
after `--watch-idle-limit`, and the pause before the next attempt is 30 s at most. A process that is
asked to end has ten seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.integration.instance import Instance
from tests.integration.process import Process, bring_back, eventually
from tests.integration.proxy import Proxy

FLAGS: Final = ("--enable-leader-election=false", "--watch-idle-limit=2s")
"""Flags of an operator that is disrupted: it could not renew a lease here."""

LIMIT: Final = 50
"""Seconds: the time limit of a request, the longest pause, and five for the work itself."""

END_SECONDS: Final = 10

UNANSWERED: Final = "a request did not end in time"
"""What a process says that ends though it still waits for an answer; that is an error."""


@dataclass(frozen=True)
class Subject:
    """An operator behind a network that can stop to answer, and its instance."""

    process: Process
    instance: Instance
    proxy: Proxy

    @property
    def state(self) -> str:
        """The state that the process has logged last; it logs each lifecycle from Pending on."""
        found = self.process.transitions()
        last = found[-1].dest if found else "Ready"
        return "Pending" if last == "Gone" else last

    def gives_up(self, *, after: int) -> bool:
        """Whether a time limit has ended something, some first lines of the log aside."""
        limits = ("idle for too long", "did not answer in time")
        return any(self.process.says(text, after=after) for text in limits)

    def errors(self) -> list[str]:
        """What went wrong, but for an end that did not wait for an answer that got lost."""
        return [error for error in self.process.errors() if UNANSWERED not in error]

    def clear(self) -> None:
        """New connections work again, and there is an operator."""
        self.proxy.restore()
        if not self.process.pid:
            self.process.start()


def end_in_time(process: Process) -> None:
    """Ask a process to end, and check that it does: well, or because an answer did not come."""
    code, seconds = process.terminates()
    assert seconds < END_SECONDS
    assert code == int(process.says(UNANSWERED))


Disruption = Callable[[Subject, str], None]


def the_network_stops_answering(subject: Subject, state: str) -> None:
    """No FIN, no RST, no answer: only the time limits tell."""
    subject.proxy.swallow()
    logged = len(subject.process.lines())
    assert subject.state == state
    eventually(lambda: subject.gives_up(after=logged), "time limit")


def the_apiserver_dies(subject: Subject, state: str) -> None:
    """It is killed, and starts again."""
    cluster = subject.instance.cluster
    cluster.kill("kube-apiserver")
    assert subject.state == state
    bring_back(cluster)


def the_apiserver_is_compacted(subject: Subject, state: str) -> None:
    """When it comes again, etcd was compacted: the old place of a watch is gone."""
    cluster = subject.instance.cluster
    cluster.kill("kube-apiserver")
    assert subject.state == state
    cluster.compact()
    bring_back(cluster)


def the_process_is_asked_to_end(subject: Subject, state: str) -> None:
    """As Kubernetes does it; another process will find the status that it has left."""
    assert subject.state == state
    end_in_time(subject.process)


DISRUPTIONS: Final[Sequence[Disruption]] = (
    the_network_stops_answering,
    the_apiserver_dies,
    the_apiserver_is_compacted,
    the_process_is_asked_to_end,
)
