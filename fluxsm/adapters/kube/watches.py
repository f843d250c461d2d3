# SPDX-License-Identifier: Apache-2.0
"""Watch kinds, one connection each, and keep what they tell.

Watches are level-triggered here: an event only refreshes what is known and wakes the machine,
which looks at the whole. A doubled or reordered event therefore changes nothing. A watch that ends
is opened again where it ended. One whose place is forgotten, or that has not heard the whole for
some minutes, starts over, and objects that are not there any more are dropped: so a missed event
is made good as well.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from fluxsm.adapters.kube.trim import METADATA_ONLY, trim
from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import Clock, Cluster, Interrupt, Wake, WatchEvent
from fluxsm.errors import ClusterError, ExpiredError, NotFoundError

log = logging.getLogger("fluxsm.watch")

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 60.0
"""A watch that lasted this long starts over with the first pause."""
RESYNC_SECONDS: Final = 290.0
"""Nobody tells of an event that was lost on its way, so after this time the whole is heard anew."""

Restarted = Callable[[str], None]
"""Told the kind whose watch is opened again. May be called from any thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one watch covers."""

    kind: Kind
    namespace: str = ""
    labels: str = ""
    fields: str = ""
    metadata_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """When a watch last gave a sign of life, in monotonic seconds.

    Attributes:
        name: what is watched.
        turned: when it last did anything, be it a failed attempt.
        heard: when the API server last told something.
    """

    name: str
    turned: float
    heard: float


@dataclass(slots=True)
class _Seen:
    """What a watch knows.

    Attributes:
        objects: by namespace and name.
        deleted: resourceVersion at which an object was seen to go, to tell late news by.
        synced: whether a whole list has arrived.
    """

    objects: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    deleted: dict[tuple[str, str], int] = field(default_factory=dict)
    synced: bool = False


class Watch:
    """One kind, watched in a thread of its own from `start` until it is stopped.

    What one connection tells is `listen`; the thread only does that again and again.
    """

    def __init__(
        self,
        cluster: Cluster,
        scope: Scope,
        clock: Clock,
        wake: Wake,
        on_restart: Restarted = lambda _: None,
        resync: float = RESYNC_SECONDS,
    ) -> None:
        self.scope = scope
        self._on_restart = on_restart
        self._resync = resync
        self._asked_for_all = clock.monotonic()
        self._opened = False
        self._heard = self._turned = clock.monotonic()
        self._cluster = cluster
        self._clock = clock
        self._wake = wake
        self._lock = threading.Lock()
        self._seen = _Seen()
        self._version = ""
        self._interrupt = Interrupt()
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"watch-{scope.kind.kind}", daemon=True
        )

    def start(self) -> None:
        """Begin to watch."""
        self._heard = self._turned = self._clock.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End the thread soon, also in the middle of a read; it is not waited for."""
        self._stopping.set()
        self._interrupt.fire()

    @property
    def heartbeat(self) -> Heartbeat | None:
        """The last sign of life, None before the start."""
        if self._thread.ident is None:
            return None
        return Heartbeat(name=f"watch of {self.scope.kind}", turned=self._turned, heard=self._heard)

    @property
    def synced(self) -> bool:
        """Whether everything that exists has been heard of once."""
        return self._seen.synced

    def get(self, namespace: str, name: str) -> Manifest | None:
        """An object as last seen."""
        with self._lock:
            return self._seen.objects.get((namespace, name))

    def all(self) -> list[Manifest]:
        """All objects as last seen."""
        with self._lock:
            return list(self._seen.objects.values())

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server."""
        with self._lock:
            self._note(trim(manifest) if self.scope.labels else manifest)

    def _run(self) -> None:
        pause, steady = FIRST_PAUSE, min(STEADY_SECONDS, self._resync / 2)
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            self.listen()
            self._turned = self._clock.monotonic()
            if self._turned - began > steady:
                pause = FIRST_PAUSE
            self._stopping.wait(pause * (0.5 + self._clock.random()))
            pause = min(pause * 2, LONGEST_PAUSE)

    def listen(self) -> None:
        """Hear what one connection tells, and note how it ended; never fails."""
        if self._opened:
            self._on_restart(self.scope.kind.kind)
        self._opened = True
        try:
            self._follow()
        except ExpiredError:
            self._version = ""
        except NotFoundError:
            self._sync_nothing()
        except ClusterError as error:
            if not self._stopping.is_set():
                log.warning("%s; starting again", error)
        except Exception:
            log.exception("the watch of %s failed; starting again", self.scope.kind)

    def _follow(self) -> None:
        """Follow one connection to its end; it begins with the whole when that is due."""
        if self._clock.monotonic() - self._asked_for_all >= self._resync:
            self._version = ""
        if not self._version:
            # Before the server's clock starts, so that a watch that it ends in time is due.
            self._asked_for_all = self._clock.monotonic()
        fresh: set[tuple[str, str]] | None = None if self._version else set()
        events = self._cluster.watch(
            self.scope.kind,
            namespace=self.scope.namespace,
            labels=self.scope.labels,
            fields=self.scope.fields,
            metadata_only=self.scope.metadata_only,
            resource_version=self._version,
            interrupt=self._interrupt,
        )
        for event in events:
            self._heard = self._turned = self._clock.monotonic()
            fresh = self._hear(event, fresh)
            if self._stopping.is_set():
                return

    def _hear(
        self, event: WatchEvent, fresh: set[tuple[str, str]] | None
    ) -> set[tuple[str, str]] | None:
        """Note an event; `fresh` collects what a first list names, so that the rest can go."""
        version = str(event.manifest.get("metadata", {}).get("resourceVersion", ""))
        match event.type:
            case "BOOKMARK":
                if fresh is None:  # else the list is not whole, and must be begun again
                    self._version = version or self._version
                return fresh
            case "SYNCED":
                self._version = version or self._version
                self._drop_all_but(fresh, _version(event.manifest))
                self._wake()
                return None
            case "DELETED":
                self._forget(event.manifest)
            case _:
                with self._lock:
                    self._note(self._kept(event.manifest))
                if fresh is not None:
                    fresh.add(_key(event.manifest))
        if fresh is None:
            self._version = version or self._version
            self._wake()
        return fresh

    def _kept(self, manifest: Manifest) -> Manifest:
        return trim(manifest) if self.scope.labels else manifest

    def _note(self, manifest: Manifest) -> None:
        """Keep the newer of two versions; called with the lock held."""
        key = _key(manifest)
        known = self._seen.objects.get(key)
        if known is not None and _version(manifest) < _version(known):
            return
        if _version(manifest) <= self._seen.deleted.get(key, -1):
            return
        self._seen.objects[key] = manifest

    def _forget(self, manifest: Manifest) -> None:
        key = _key(manifest)
        with self._lock:
            known = self._seen.objects.get(key)
            if known is not None and _version(known) > _version(manifest):
                return  # late news of an earlier incarnation
            self._seen.objects.pop(key, None)
            self._seen.deleted[key] = _version(manifest)

    def _drop_all_but(self, fresh: set[tuple[str, str]] | None, listed: int) -> None:
        """Drop what a list did not name; what was written after the list may not be in it."""
        with self._lock:
            for key in self._seen.objects.keys() - (fresh or set()) if fresh is not None else ():
                if not listed or _version(self._seen.objects[key]) <= listed:
                    del self._seen.objects[key]
            self._seen.synced = True

    def _sync_nothing(self) -> None:
        """The kind is not served, so there are no objects of it."""
        self._version = ""
        with self._lock:
            self._seen.objects.clear()
            self._seen.synced = True
        self._heard = self._clock.monotonic()
        self._wake()


def _heartbeats(*watches: Watch) -> Iterator[Heartbeat]:
    yield from (watch.heartbeat for watch in watches if watch.heartbeat is not None)


def _key(manifest: Manifest) -> tuple[str, str]:
    ref = ObjectRef.of(manifest)
    return (ref.namespace, ref.name)


def _version(manifest: Manifest) -> int:
    """The resourceVersion as a number; newer is greater, as the API server promises."""
    text = str(manifest.get("metadata", {}).get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0


class LiveObjects:
    """Implements `fluxsm.core.ports.Live`: the managed objects, by their owner label."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        wake: Wake,
        *,
        instance: str = names.SINGLETON,
        begin: Callable[[Watch], None] = Watch.start,
        on_restart: Restarted = lambda _: None,
        resync: float = RESYNC_SECONDS,
    ) -> None:
        """Prepare; nothing is watched before it is expected.

        Args:
            cluster: the API server.
            clock: the time.
            wake: called when something was heard.
            instance: the owner whose objects are watched.
            begin: sets a watch going; by default in a thread of its own.
            on_restart: called when a watch is opened again.
            resync: seconds after which a watch hears the whole anew.
        """
        self._cluster = cluster
        self._clock = clock
        self._wake = wake
        self._begin = begin
        self._on_restart = on_restart
        self._resync = resync
        self._labels = f"{names.OWNER_NAME_LABEL}={instance}"
        self._watches: dict[Kind, Watch] = {}

    def expect(self, kinds: Iterable[Kind]) -> bool:
        """Watch these kinds; True when the first list of each has arrived."""
        wanted = set(kinds)
        for kind in sorted(wanted - self._watches.keys()):
            scope = Scope(kind=kind, labels=self._labels, metadata_only=kind.kind in METADATA_ONLY)
            self._watches[kind] = watch = Watch(
                self._cluster, scope, self._clock, self._wake, self._on_restart, self._resync
            )
            self._begin(watch)
        return all(self._watches[kind].synced for kind in wanted)

    def get(self, ref: ObjectRef) -> Manifest | None:
        """The object as last seen, None when it does not exist."""
        watch = self._watches.get(ref.kind)
        return watch.get(ref.namespace, ref.name) if watch else None

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server."""
        watch = self._watches.get(Kind.of(manifest))
        if watch is not None:
            watch.put(manifest)

    def forget(self) -> None:
        """Stop all watches and drop what they told."""
        watches, self._watches = self._watches, {}
        for watch in watches.values():
            watch.stop()

    def heartbeats(self) -> Iterator[Heartbeat]:
        """The signs of life of all watches."""
        yield from _heartbeats(*self._watches.copy().values())


class SingletonWatch:
    """The object of a kind of which there is only one, such as the FluxInstance."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        namespace: str,
        wake: Callable[[], None],
        *,
        name: str = names.SINGLETON,
        kind: str = names.INSTANCE_KIND,
        on_restart: Restarted = lambda _: None,
        resync: float = RESYNC_SECONDS,
    ) -> None:
        watched = Kind(names.GROUP, names.VERSION, kind)
        scope = Scope(kind=watched, namespace=namespace, fields=f"metadata.name={name}")
        self._name, self._namespace = name, namespace
        self._watch = Watch(cluster, scope, clock, wake, on_restart, resync)

    def start(self) -> None:
        """Begin to watch."""
        self._watch.start()

    def listen(self) -> None:
        """Hear what one connection tells."""
        self._watch.listen()

    def stop(self) -> None:
        """End the watch."""
        self._watch.stop()

    @property
    def synced(self) -> bool:
        """Whether it is known if there is an instance."""
        return self._watch.synced

    def heartbeats(self) -> Iterator[Heartbeat]:
        """The sign of life of the watch, none before it was started."""
        yield from _heartbeats(self._watch)

    def current(self) -> Manifest | None:
        """The instance as last seen, None when there is none."""
        return self._watch.get(self._namespace, self._name)

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server."""
        self._watch.put(manifest)
