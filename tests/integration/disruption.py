# SPDX-License-Identifier: Apache-2.0
"""What can happen to an operator and to its API server, whatever state it is in.

The stated limits: a request that gets no answer is given up after 15 s, a watch that is silent
after `--watch-idle-limit`, and the pause before the next attempt is 30 s at most. A process that is
told to end has ten seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from tests.integration.instance import Instance
from tests.integration.process import Process, bring_back, eventually
from tests.integration.proxy import Proxy

FLAGS: Final = ("--enable-leader-election=false", "--watch-idle-limit=2s")
"""Of an operator that is to be harmed: its lease could not be renewed here."""

LIMIT: Final = 50
"""Seconds: the time limit of a request, the longest pause, and five for the work itself."""

END_SECONDS: Final = 10

UNANSWERED: Final = "a request did not end in time"
"""What a process says that ends though it still waits for an answer; that is an error."""


@dataclass(frozen=True)
class Scene:
    """An operator behind a network that can fall silent, and its instance."""

    process: Process
    instance: Instance
    proxy: Proxy

    @property
    def state(self) -> str:
        """The state that the process has last told of; it tells of a life from Pending on."""
        found = self.process.transitions()
        last = found[-1].dest if found else "Ready"
        return "Pending" if last == "Gone" else last

    def gives_up(self, *, after: int) -> bool:
        """Whether a time limit has ended something, some first lines of the log aside."""
        limits = ("silent for too long", "did not answer in time")
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
    """Tell a process to end, and see that it does: well, or because an answer did not come."""
    code, seconds = process.terminates()
    assert seconds < END_SECONDS
    assert code == int(process.says(UNANSWERED))


Harm = Callable[[Scene, str], None]


def the_network_falls_silent(scene: Scene, state: str) -> None:
    """No FIN, no RST, no answer: only the time limits tell."""
    scene.proxy.swallow()
    told = len(scene.process.lines())
    assert scene.state == state
    eventually(lambda: scene.gives_up(after=told), "end of the patience")


def the_apiserver_dies(scene: Scene, state: str) -> None:
    """It is killed, and comes again."""
    cluster = scene.instance.cluster
    cluster.kill("kube-apiserver")
    assert scene.state == state
    bring_back(cluster)


def the_apiserver_forgets(scene: Scene, state: str) -> None:
    """When it comes again, etcd was compacted: the old place of a watch is gone."""
    cluster = scene.instance.cluster
    cluster.kill("kube-apiserver")
    assert scene.state == state
    cluster.compact()
    bring_back(cluster)


def the_process_is_told_to_end(scene: Scene, state: str) -> None:
    """As Kubernetes does it; another process will find the status that it has left."""
    assert scene.state == state
    end_in_time(scene.process)


HARM = pytest.mark.parametrize(
    "harm",
    [
        the_network_falls_silent,
        the_apiserver_dies,
        the_apiserver_forgets,
        the_process_is_told_to_end,
    ],
)
