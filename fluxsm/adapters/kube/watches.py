# SPDX-License-Identifier: Apache-2.0
"""The watches of the operator: one per kind of the managed objects, and one for its own object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from fluxsm.adapters.kube.trim import METADATA_ONLY
from fluxsm.adapters.kube.watch import RESYNC_SECONDS, Heartbeat, Restarted, Scope, Watch
from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import Clock, Cluster, Wake


class LiveObjects:
    """Implements `fluxsm.core.ports.Live`: the managed objects, by their owner label.

    A kind is watched from the time it is expected. Its watch ends when the API server has stopped
    to serve the kind and nobody asks for it; whoever asks again starts another one.
    """

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
            wake: called when something was reported.
            instance: the owner whose objects are watched.
            begin: sets a watch going; by default in a thread of its own.
            on_restart: called when a watch is opened again.
            resync: seconds after which a watch reads the whole again.
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
        watches = [self._watch(kind) for kind in sorted(set(kinds))]
        return all(watch.synced for watch in watches)

    def problems(self, kinds: Iterable[Kind]) -> Mapping[Kind, str]:
        """Return why first lists have not arrived, for the kinds whose last attempt failed."""
        watches = {kind: self._watches[kind] for kind in kinds if kind in self._watches}
        return {
            kind: watch.problem
            for kind, watch in watches.items()
            if watch.problem and not watch.synced
        }

    def get(self, ref: ObjectRef) -> Manifest | None:
        """Return the object as last seen, None when it does not exist.

        An object is the same at every version of its kind: where the version of the reference is
        not served, the object is looked for at the others that are watched.
        """
        if ref.kind not in self._watches:
            return None
        watch = self._watch(ref.kind)
        is_served = watch.synced and not watch.absent
        watches = [watch] if is_served else [watch, *self._other_versions(ref.kind)]
        found = (item.get(ref.namespace, ref.name) for item in watches)
        return next((item for item in found if item is not None), None)

    def peek(self, ref: ObjectRef) -> tuple[bool, Manifest | None]:
        """Return whether the objects of a kind are known, and the object as last seen.

        For whoever looks on from another thread: no watch is started, and none kept by it.
        """
        watch = self._watches.get(ref.kind)
        if watch is None or not watch.synced:
            return False, None
        return True, watch.get(ref.namespace, ref.name)

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server."""
        kind = Kind.of(manifest)
        if kind in self._watches:
            self._watch(kind).put(manifest)

    def _watch(self, kind: Kind) -> Watch:
        """Return the watch of a kind, a new one where there is none or the last one has ended."""
        watch = self._watches.get(kind)
        if watch is None or not watch.keep():
            scope = Scope(
                kind=kind,
                labels=self._labels,
                metadata_only=kind.kind in METADATA_ONLY,
                ends_with_kind=True,
            )
            self._watches[kind] = watch = Watch(
                self._cluster, scope, self._clock, self._wake, self._on_restart, self._resync
            )
            self._begin(watch)
        return watch

    def _other_versions(self, kind: Kind) -> list[Watch]:
        return [
            watch
            for other, watch in self._watches.items()
            if (other.group, other.kind) == (kind.group, kind.kind) and not watch.absent
        ]

    def forget(self) -> None:
        """Stop all watches and drop what they reported."""
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
        """Note what one connection reports."""
        self._watch.listen()

    def refresh(self) -> None:
        """Read the instance again at once; `wake` is called when that is done."""
        self._watch.refresh()

    def stop(self) -> None:
        """End the watch."""
        self._watch.stop()

    @property
    def synced(self) -> bool:
        """Whether it is known if there is an instance."""
        return self._watch.synced

    @property
    def problem(self) -> str:
        """Why the last attempt failed, in words; empty when it did not."""
        return self._watch.problem

    def heartbeats(self) -> Iterator[Heartbeat]:
        """The sign of life of the watch, none before it was started."""
        yield from _heartbeats(self._watch)

    def current(self) -> Manifest | None:
        """The instance as last seen, None when there is none."""
        return self._watch.get(self._namespace, self._name)

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server."""
        self._watch.put(manifest)


def _heartbeats(*watches: Watch) -> Iterator[Heartbeat]:
    yield from (watch.heartbeat for watch in watches if watch.heartbeat is not None)
