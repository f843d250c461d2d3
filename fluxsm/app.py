# SPDX-License-Identifier: Apache-2.0
"""The composition root: the only place that knows every part by name."""

from __future__ import annotations

import logging
import os
import platform
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsm.adapters.bundled import Distributions
from fluxsm.adapters.certificate import Certificate
from fluxsm.adapters.clock import SystemClock
from fluxsm.adapters.kube.client import KubeClient
from fluxsm.adapters.kube.cluster import IDLE_SECONDS, KubeCluster
from fluxsm.adapters.kube.reviews import Reviews
from fluxsm.adapters.kube.watch import RESYNC_SECONDS, Heartbeat
from fluxsm.adapters.kube.watches import LiveObjects, SingletonWatch
from fluxsm.adapters.metrics import PrometheusMetrics
from fluxsm.adapters.recorder import EventRecorder
from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core.ports import Fetched, Ports
from fluxsm.core.settings import (
    CertificateFiles,
    MetricsSettings,
    RegistrySettings,
    Settings,
    WebSettings,
)
from fluxsm.core.step import Step
from fluxsm.errors import LeadershipError
from fluxsm.report.reporting import Reporting
from fluxsm.runtime.election import LEASE, Elector
from fluxsm.runtime.lease import LeaderElectionConfig
from fluxsm.runtime.listener import Wrap
from fluxsm.runtime.loop import Loop
from fluxsm.runtime.probes import Page, Pages, PageServer
from fluxsm.runtime.reconciler import Reconciler
from states.behaviour import BEHAVIOUR

if TYPE_CHECKING:
    from fluxsm.adapters.registry.source import ArtifactSource
    from fluxsm.web.service import Web

log = logging.getLogger("fluxsm.app")

STUCK_SECONDS = 300.0
"""A loop or watch without a sign of life for this long is stuck, and so not alive."""

UNREADY_SECONDS = 180.0
"""A watch that received nothing from the API server for this long does not know what is there."""

REVIEW_SECONDS = 5.0
"""Time limit of a question to the API server about a reader of the metrics, who is waiting."""

PATIENCE_SECONDS = 3.0
"""After the signal to end, the step that is under way has this long to finish its work."""

END_SECONDS = 8.0
"""So long after the signal, the process ends whatever is under way: a pod has ten seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about the process itself.

    Attributes:
        storage: folder of the operator's own distribution.
        health_address: where the probes are served; empty means nowhere.
        metrics: where and to whom the metrics are served.
        web: where and to whom the page is served.
        election: how leadership is kept; None means that there is no other process.
        idle_limit: seconds without data after which a watch is opened again.
        resync: seconds after which a watch reads the whole list again.
        registry: how registries are reached.
    """

    storage: Path
    health_address: str = ""
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    web: WebSettings = field(default_factory=WebSettings)
    election: LeaderElectionConfig | None = None
    idle_limit: float = IDLE_SECONDS
    resync: float = RESYNC_SECONDS
    registry: RegistrySettings = field(default_factory=RegistrySettings)


class Operator:
    """One operator process, put together and ready to run."""

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        options: Options,
    ) -> None:
        self._clock = SystemClock()
        self.metrics = PrometheusMetrics()
        client.on_request = self.metrics.request
        self._client = client
        self._cluster = KubeCluster(client, idle_limit=options.idle_limit, span=options.resync)
        self._loop = Loop(self._turn, self._clock, self.metrics.woken)
        wake = self._loop.wake
        restarted, resync = self.metrics.watch_restarted, options.resync
        self._live = LiveObjects(
            self._cluster, self._clock, wake, on_restart=restarted, resync=resync
        )
        self._instances = SingletonWatch(
            self._cluster,
            self._clock,
            settings.namespace,
            wake,
            on_restart=restarted,
            resync=resync,
        )
        self._report = self._reporting(settings, options)
        self._web = self._page(settings, options.web)
        self._recorder = EventRecorder(self._cluster, self._clock, host=platform.node())
        artifacts = _Artifacts(options.registry)
        artifacts.prepare()
        self._distributions = Distributions(
            options.storage,
            pull=artifacts.pull,
            digest=artifacts.digest,
            images=artifacts.images,
            wake=wake,
        )
        ports = Ports(
            cluster=self._cluster,
            live=self._live,
            distributions=self._distributions,
            recorder=self._recorder,
            metrics=self.metrics,
            clock=self._clock,
        )
        self._reconciler = Reconciler(
            instances=self._instances,
            behaviour=BEHAVIOUR,
            ports=ports,
            settings=settings,
            on_step=self._on_step,
        )
        self._elector = self._candidate(options.election, settings.namespace)
        self._ended = threading.Event()
        self._servers: list[PageServer] = []
        if options.health_address:
            self._servers.append(PageServer(options.health_address, self._probes()))
        if options.metrics.address:
            self._servers.append(self._metrics_server(options.metrics))

    def run(self) -> None:
        """Reconcile until `stop` is called, then let go of everything.

        Raises:
            LeadershipError: the lease was lost, so another process is at work now.
        """
        log.info("the operator has started")
        if self._web is not None:
            self._web.start()
        if self._elector is None:
            self._begin()
        else:
            self._elector.start()
        try:
            self._loop.run()
        finally:
            self._close()
            log.info("the operator has ended")
        if self._elector is not None and self._elector.lost:
            raise LeadershipError(self._elector.lost)

    def stop(self) -> None:
        """End soon. May be called from any thread; a signal handler could find its locks taken."""
        self._loop.stop()
        threading.Thread(target=self._end_in_time, name="end", daemon=True).start()

    def _candidate(self, config: LeaderElectionConfig | None, namespace: str) -> Elector | None:
        """The election, with connections of its own: a renewal never waits for other requests."""
        if config is None:
            return None
        elector = Elector(
            KubeCluster(self._client.apart(config.deadline.total_seconds() / 2)),
            self._clock,
            config,
            ref=ObjectRef(LEASE, namespace, names.MANAGER),
            holder_identity=f"{platform.node()}_{uuid.uuid4()}",
            on_gained=self._begin,
            on_lost=lambda _: self.stop(),
        )
        for client in self._clients():
            client.before_mutation = elector.check
        return elector

    def _reporting(self, settings: Settings, options: Options) -> Reporting | None:
        """The report, unless the settings do without it."""
        if settings.reporting_interval <= timedelta(0):
            return None
        return Reporting(
            self._client,
            self._instances,
            self.metrics,
            self._clock,
            settings,
            idle_limit=options.idle_limit,
            resync=options.resync,
        )

    def _page(self, settings: Settings, wanted: WebSettings) -> Web | None:
        """The page, unless the settings do without it."""
        if not wanted.address:
            return None
        from fluxsm.web.service import Web
        from fluxsm.web.sources import Machine

        return Web(
            self._client,
            self._clock,
            BEHAVIOUR.engine.table,
            settings.namespace,
            wanted.address,
            machine=Machine(instances=self._instances, live=self._live),
            wrap=_wrap(wanted.certificate),
            require_token=wanted.require_token,
        )

    def _on_step(self, step: Step) -> None:
        """Pass a step on to what works beside the machine."""
        if self._report is not None:
            self._report.on_step(step)
        if self._web is not None:
            self._web.on_step(step)

    def _clients(self) -> list[KubeClient]:
        """Those that only the leader may write with."""
        return [self._client, *([self._report.client] if self._report else [])]

    def _begin(self) -> None:
        """Watch the instance: from now on this process is the one at work."""
        self._instances.start()
        self._loop.wake()

    def _turn(self) -> timedelta | None:
        """One step, once it is known whether there is an instance at all."""
        if not self._instances.synced:
            return None
        if self._report is not None:
            self._report.start()
        return self._reconciler.turn()

    def _close(self) -> None:
        """Let go of everything; the lease comes last, when nothing can be written any more."""
        self._recorder.close()
        for client in self._clients():
            client.refuse("the operator ends")
        if self._elector is not None:
            self._elector.stop()
        if self._web is not None:
            self._web.stop()
        self._instances.stop()
        self._live.forget()
        if self._report is not None:
            self._report.stop()
        self._distributions.close()
        self._cluster.close()
        for server in self._servers:
            server.close()
        self._ended.set()

    def _end_in_time(self) -> None:
        """Cut short what is under way, and if even that does not help, the process.

        Then the lease is not given back, because a request may still arrive: it runs out instead.
        """
        if self._ended.wait(PATIENCE_SECONDS):
            return
        for client in self._clients():
            client.refuse("the operator ends")
        if self._ended.wait(END_SECONDS - PATIENCE_SECONDS):
            return
        log.error("a request did not end in time; ending without it")
        logging.shutdown()
        os._exit(1)

    def _probes(self) -> Pages:
        alive, ready = self._alive_page, self._ready_page
        return {
            "/healthz": alive,
            "/healthz/ping": alive,
            "/readyz": ready,
            "/readyz/ping": ready,
        }

    def _alive_page(self) -> Page:
        """Alive while every loop goes round, whether or not the API server answers."""
        now = self._clock.monotonic()
        ages = {"the loop": now - self._loop.turned}
        if self._elector is not None:
            ages["the election"] = now - self._elector.turned
        ages |= {watch.name: now - watch.turned for watch in self._watches()}
        return _page(ages, STUCK_SECONDS)

    def _ready_page(self) -> Page:
        """Ready while alive and, on the leader, while the API server answers."""
        now = self._clock.monotonic()
        alive = self._alive_page()
        ages = {watch.name: now - watch.received for watch in self._watches()}
        return alive if alive.status != 200 else _page(ages, UNREADY_SECONDS)

    def _watches(self) -> list[Heartbeat]:
        """The signs of life of all watches; a process in waiting has none."""
        return [*self._instances.heartbeats(), *self._live.heartbeats()]

    def _metrics_server(self, settings: MetricsSettings) -> PageServer:
        """Plain and for everybody, as in the reference, unless the settings say otherwise."""
        guard = None
        if settings.require_token:
            reviews = Reviews(self._client.apart(REVIEW_SECONDS), self._clock)
            guard = reviews.judge
        pages = {"/metrics": self._metrics_page}
        return PageServer(settings.address, pages, wrap=_wrap(settings.certificate), guard=guard)

    def _metrics_page(self) -> Page:
        return Page(200, self.metrics.page(), "text/plain; version=0.0.4; charset=utf-8")


def _wrap(files: CertificateFiles | None) -> Wrap | None:
    """How TLS is spoken; None for not at all."""
    return Certificate(files.chain, files.key).wrap if files else None


def _page(ages: Mapping[str, float], limit: float) -> Page:
    """Good as long as nothing is older than the limit, in seconds."""
    late = [f"{name}: no activity for {age:.0f}s" for name, age in ages.items() if age > limit]
    return Page(500, ("\n".join(late) + "\n").encode()) if late else Page(200, b"ok\n")


class _Artifacts:
    """The registry client, loaded when the first artifact is asked for."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings

    @cached_property
    def _source(self) -> ArtifactSource:
        from fluxsm.adapters.registry.source import ArtifactSource

        policy = self._settings.verify
        if policy is None:
            return ArtifactSource(self._settings)
        from fluxsm.adapters.registry.signatures import checker

        return ArtifactSource(self._settings, checker(policy))

    def prepare(self) -> None:
        """Load the policy for signatures, if there is one, so that an error shows at the start.

        Raises:
            UsageError: a file that it names cannot be used, or a library is not installed.
        """
        if self._settings.verify is not None:
            self._source  # noqa: B018 loads it

    def pull(self, reference: str, secret: Manifest | None) -> Fetched:
        return self._source.pull(reference, secret)

    def digest(self, reference: str, secret: Manifest | None) -> str:
        return self._source.digest(reference, secret)

    def images(self, images: Sequence[str], secret: Manifest | None) -> Mapping[str, str]:
        return self._source.image_digests(images, secret)
