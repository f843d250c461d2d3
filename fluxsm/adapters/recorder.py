# SPDX-License-Identifier: Apache-2.0
"""Tell people: Kubernetes events, and posts to notification-controller.

Each has a thread and a bounded queue of its own, so that the machine never waits for them, nor an
event for a post that is tried again. What cannot be delivered is logged and dropped.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Final

import urllib3

from fluxsm.adapters import note
from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core import notification
from fluxsm.core.ports import Clock, Cluster, KubernetesEvent
from fluxsm.errors import ClusterError
from fluxsm.objects.redaction import redact, redact_all
from fluxsm.objects.timestamp import format_time

log = logging.getLogger("fluxsm.events")

QUEUE_SIZE: Final = 100
DRAIN_SECONDS: Final = 3.0


class Sender:
    """Does one kind of work in a thread of its own, in order."""

    def __init__(self, name: str, work: Callable[[Manifest, KubernetesEvent, str], None]) -> None:
        self._name = name
        self._work = work
        self._queue: queue.Queue[tuple[Manifest, KubernetesEvent, str] | None] = queue.Queue(
            QUEUE_SIZE
        )
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, instance: Manifest, event: KubernetesEvent, address: str) -> None:
        """Queue an event; a full queue drops it."""
        try:
            self._queue.put_nowait((instance, event, address))
        except queue.Full:
            log.warning("%s dropped, too many are waiting: %s", self._name, event.message)

    def close(self) -> None:
        """Send what is queued, for a few seconds at most, and end the thread."""
        try:
            self._queue.put(None, timeout=DRAIN_SECONDS)
        except queue.Full:
            log.warning("%s dropped at the end: %d", self._name, self._queue.qsize())
        self._thread.join(timeout=DRAIN_SECONDS)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._work(*item)
            except Exception:
                log.exception("%s could not be sent", self._name)


class EventRecorder:
    """Implements `fluxsm.core.ports.Recorder`."""

    def __init__(self, cluster: Cluster, clock: Clock, *, host: str) -> None:
        """Start the threads.

        Args:
            cluster: where events are written.
            clock: the time.
            host: name of this machine, for the events.
        """
        self._cluster = cluster
        self._clock = clock
        self._host = host
        self._closing = threading.Event()
        self._http = urllib3.PoolManager(retries=False)
        self._count = 0
        self._events = Sender("events", self._emit)
        self._posts = Sender("notifications", self._post)

    def record(self, instance: Manifest, event: KubernetesEvent, *, address: str = "") -> None:
        """Queue an event for the API server, and as a post if there is an address."""
        self._events.put(instance, event, "")
        if address:
            self._posts.put(instance, event, address)

    def close(self) -> None:
        """Send what is queued, for a few seconds at most, and end the threads."""
        self._closing.set()
        self._events.close()
        self._posts.close()
        self._http.clear()

    def _emit(self, instance: Manifest, event: KubernetesEvent, _: str) -> None:
        """Write an event; a Warning that one event has no room for becomes several."""
        text = redact(event.message)
        notes = note.split(text) if event.type == "Warning" else [note.fit(text)]
        try:
            for item in notes:
                self._cluster.create(self._event(instance, event, item))
        except ClusterError as error:
            log.warning("event not recorded: %s", error)

    def _event(self, instance: Manifest, event: KubernetesEvent, text: str) -> Manifest:
        metadata = instance["metadata"]
        now = format_time(self._clock.now())
        self._count += 1
        stamp = f"{int(self._clock.now().timestamp() * 1_000_000):x}{self._count:x}"
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{stamp}",
                "namespace": metadata["namespace"],
                "annotations": {**redact_all(event.annotations), **_state(event)},
            },
            "involvedObject": _reference(instance),
            "type": event.type,
            "reason": event.reason,
            "message": text,
            "source": {"component": names.MANAGER},
            "reportingComponent": names.MANAGER,
            "reportingInstance": self._host,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }

    def _post(self, instance: Manifest, event: KubernetesEvent, address: str) -> None:
        """Send an event, and again after growing waits while that may help."""
        body = notification.payload(
            instance,
            type_=event.type,
            reason=event.reason,
            message=redact(event.message),
            metadata=redact_all(event.annotations),
            now=self._clock.now(),
            host=self._host,
        )
        for attempt in range(notification.RETRIES + 1):
            if attempt:
                wait = notification.wait_before(attempt).total_seconds()
                if self._closing.wait(wait):
                    return
            status = self._try(address, body)
            if not notification.is_retried(status):
                return
        log.warning("notification not delivered to %s after %d attempts", address, attempt + 1)

    def _try(self, address: str, body: dict[str, Any]) -> int | None:
        """Post once; the HTTP status, None when there was no answer."""
        try:
            answer = self._http.request(
                "POST",
                address,
                body=json.dumps(body).encode(),
                headers={"Content-Type": "application/json"},
                timeout=notification.TIMEOUT.total_seconds(),
            )
        except urllib3.exceptions.HTTPError as error:
            log.info("notification not delivered: %s", type(error).__name__)
            return None
        return answer.status


def _state(event: KubernetesEvent) -> dict[str, str]:
    """Which state the instance was in afterwards: for `fluxsm history`, not for notifications."""
    return {names.STATE_ANNOTATION: event.state} if event.state else {}


def _reference(instance: Manifest) -> dict[str, str]:
    ref, metadata = ObjectRef.of(instance), instance["metadata"]
    return {
        "apiVersion": ref.kind.api_version,
        "kind": ref.kind.kind,
        "name": ref.name,
        "namespace": ref.namespace,
        "uid": str(metadata.get("uid", "")),
        "resourceVersion": str(metadata.get("resourceVersion", "")),
    }
