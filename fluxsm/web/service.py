# SPDX-License-Identifier: Apache-2.0
"""The page put together: what it reads, what it makes of it, how that is served."""

from __future__ import annotations

import logging
import platform
from typing import Final

from fluxsm import __version__
from fluxsm.adapters.kube.client import KubeClient
from fluxsm.adapters.kube.cluster import KubeCluster
from fluxsm.adapters.kube.reviews import ALLOWED_SECONDS, Reviews
from fluxsm.api import names
from fluxsm.core.ports import Clock
from fluxsm.core.step import Step
from fluxsm.machine.table import Table
from fluxsm.runtime.listener import Wrap
from fluxsm.web.access import Access
from fluxsm.web.board import Board
from fluxsm.web.facts import Server
from fluxsm.web.limits import Limits
from fluxsm.web.routes import Routes
from fluxsm.web.server import WebServer
from fluxsm.web.sources import WEB_AGENT, Machine, Watches
from fluxsm.web.streams import Sections, Streams

log = logging.getLogger("fluxsm.web")

REVIEW_SECONDS: Final = 5.0
"""Time limit of a question to the API server about a reader, who is waiting."""

STREAM_SECONDS: Final = 600.0
"""So long a stream lasts; the browser opens another one by itself, and is judged again."""


class Web:
    """The page of one process, in threads of its own.

    No probe follows it, because a page that cannot be shown affects nothing else.
    """

    def __init__(
        self,
        client: KubeClient,
        clock: Clock,
        table: Table,
        namespace: str,
        address: str,
        *,
        machine: Machine | None = None,
        wrap: Wrap | None = None,
        require_token: bool = False,
        hosts: frozenset[str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Bind the address; nothing is served before `start`, and nothing read before one looks.

        Args:
            client: the API server; the page has connections of its own.
            clock: the time.
            table: of the machine.
            namespace: whose instance is shown.
            address: such as `:9080`.
            machine: what the machine of this process has; None for a page that looks from outside.
            wrap: speaks TLS; plain without.
            require_token: only who has a token that the API server knows and may get the instance.
            hosts: names in the header `Host` that are answered to; None for all.
            limits: how much is answered.

        Raises:
            UsageError: the address is malformed, or taken.
        """
        limits = limits or Limits()
        self._cluster = KubeCluster(client.apart(agent=WEB_AGENT))
        self._watches = Watches(self._cluster, clock, namespace, machine=machine)
        who = Server(
            name=process_name(),
            version=f"v{__version__}",
            namespace=namespace,
            follows=machine is None,
        )
        self._board = Board(table, who, clock, self._watches)
        self._watches.on_change = self._board.changed
        span = ALLOWED_SECONDS if require_token else STREAM_SECONDS
        self._streams = Streams(self._sections, most=limits.streams, span=span, on_turn=self._turn)
        self._board.on_news = self._streams.notify
        access = _access(client, clock, namespace) if require_token else None
        routes = Routes(
            self._board, table, access, hosts=hosts, is_full=lambda: self._streams.is_full
        )
        self._server = WebServer(
            address, routes.answer, self._streams.adopt, limits=limits, wrap=wrap
        )

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.port

    def start(self) -> None:
        """Begin to serve."""
        self._streams.start()
        self._server.start()

    def on_step(self, step: Step) -> None:
        """Follow the machine."""
        self._board.on_step(step)

    def stop(self) -> None:
        """End; nobody who reads is waited for."""
        self._server.close()
        self._streams.stop()
        self._watches.stop()
        self._cluster.close()

    def _sections(self) -> Sections:
        return self._board.content().sections

    def _turn(self) -> None:
        self._board.settle()
        self._server.break_overdue()


def _access(client: KubeClient, clock: Clock, namespace: str) -> Access:
    """Judge readers by asking the API server."""
    reviews = Reviews(client.apart(REVIEW_SECONDS, agent=WEB_AGENT), clock)
    what = f"{names.INSTANCE_KIND}/{namespace}/{names.SINGLETON}"
    right = {
        "resourceAttributes": {
            "verb": "get",
            "group": names.GROUP,
            "resource": names.INSTANCE_PLURAL,
            "namespace": namespace,
            "name": names.SINGLETON,
        }
    }
    return Access(lambda header: reviews.judge_for(header, what, right))


def process_name() -> str:
    """The name of this process: that of its pod, with the prefix that the reference's has too."""
    host = platform.node() or "localhost"
    prefix = f"{names.MANAGER}-"
    return host if host.startswith(prefix) else f"{prefix}{host}"
