# SPDX-License-Identifier: Apache-2.0
"""What the page reads from the cluster: nothing before somebody looks, and then by watches.

On the process that leads, the machine has the instance and the managed objects already. Elsewhere,
and on a laptop, they are watched here, with connections of their own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fluxsm.adapters.kube.watch import Scope, Watch
from fluxsm.adapters.kube.watches import LiveObjects, SingletonWatch
from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest
from fluxsm.core.ports import Clock, Cluster
from fluxsm.errors import MalformedError
from fluxsm.objects import inventory
from fluxsm.objects.applied_state import ObjectIdentity
from fluxsm.objects.health import assess
from fluxsm.objects.kstatus import Health

log = logging.getLogger("fluxsm.web")

WEB_AGENT: Final = "fluxsm-web"
"""How the page calls itself, so that its requests are not taken for those of the machine."""

PATIENCE: Final = 2.0
"""So many seconds the first reader waits for what is not known yet."""

EVENT: Final = Kind("", "v1", "Event")
NOT_YET: Final = "not read yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the machine of this process has.

    Attributes:
        instances: its watch of the instance, which begins when the process leads.
        live: its watches of the managed objects.
    """

    instances: SingletonWatch
    live: LiveObjects


class Watches:
    """Implements `fluxsm.web.board.Sources`."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        namespace: str,
        *,
        machine: Machine | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """Prepare; nothing is sent before somebody looks.

        Args:
            cluster: the API server.
            clock: the time.
            namespace: that of the instance.
            machine: what the machine of this process has; None where there is none.
            patience: seconds that the first reader waits.
        """
        self.on_change: Callable[[], None] = lambda: None
        self._cluster, self._clock, self._namespace = cluster, clock, namespace
        self._machine = machine
        self._patience = patience
        self._lock = threading.Lock()
        self._arrived = threading.Condition()
        self._begun = False
        wake = self._woken
        self._instances = SingletonWatch(cluster, clock, namespace, wake)
        self._reports = SingletonWatch(cluster, clock, namespace, wake, kind=names.REPORT_KIND)
        fields = f"involvedObject.kind={names.INSTANCE_KIND},involvedObject.name={names.SINGLETON}"
        scope = Scope(kind=EVENT, namespace=namespace, fields=fields)
        self._events = Watch(cluster, scope, clock, wake)
        self._live = LiveObjects(cluster, clock, wake)

    def look(self) -> None:
        """Begin to follow, and wait a moment for what is not known yet."""
        with self._lock:
            if not self._begun:
                self._begun = True
                self._reports.start()
                self._events.start()
                if not self.leads():
                    self._instances.start()
        with self._arrived:
            self._arrived.wait_for(lambda: not self._missing(), timeout=self._patience)

    def _woken(self) -> None:
        with self._arrived:
            self._arrived.notify_all()
        self.on_change()

    def _missing(self) -> list[str]:
        """What has not arrived and may still do so."""
        return [name for name, why in self.unknown().items() if why == NOT_YET]

    def leads(self) -> bool:
        """Whether the machine runs in this process."""
        return self._machine is not None and self._machine.instances.synced

    def instance(self) -> Manifest | None:
        """The FluxInstance, None when there is none, or it is not known yet."""
        if self._machine is not None and self.leads():
            return self._machine.instances.current()
        return self._instances.current()

    def report(self) -> Manifest | None:
        """The FluxReport, None when there is none, or it is not known yet."""
        return self._reports.current()

    def events(self) -> tuple[Manifest, ...]:
        """The Kubernetes events about the instance."""
        return tuple(self._events.all())

    def unknown(self) -> Mapping[str, str]:
        """What could not be read yet, and why."""
        found = {
            "instance": self.leads() or self._instances.synced or self._instances.problem,
            "report": self._reports.synced or self._reports.problem,
            "events": self._events.synced or self._events.problem,
        }
        return {name: str(why or NOT_YET) for name, why in found.items() if why is not True}

    def health(self, instance: Manifest, now: datetime) -> Mapping[ObjectIdentity, Health]:
        """The health of the objects that the inventory lists, as far as it is known."""
        try:
            refs = [entry.ref for entry in inventory.of_status(instance)]
        except MalformedError:
            return {}
        live = self._objects(ref.kind for ref in refs)
        found = {}
        for ref in refs:
            is_known, obj = live.peek(ref)
            if is_known:
                found[ref.identity] = assess(obj, now)
        return found

    def _objects(self, kinds: Iterable[Kind]) -> LiveObjects:
        """The watches of the managed objects: those of the machine, or our own."""
        if self._machine is not None and self.leads():
            return self._machine.live
        if self._begun:
            self._live.expect(kinds)
        return self._live

    def stop(self) -> None:
        """End all watches."""
        self._instances.stop()
        self._reports.stop()
        self._events.stop()
        self._live.forget()
