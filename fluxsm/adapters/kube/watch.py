# SPDX-License-Identifier: Apache-2.0
"""Watch a kind over one connection, and keep what it reports.

A watch is level-triggered here: an event only refreshes what is known and wakes the machine,
which looks at the whole. A doubled or reordered event therefore changes nothing. A watch that ends
is opened again where it ended. One whose place is forgotten, or that has not read the whole for
some minutes, starts over with a whole list, which is the truth (`known.py`): so a missed event is
made good as well, and a cluster that was restored from a backup is seen as it is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fluxsm.adapters.kube.known import KnownObjects, version_of
from fluxsm.adapters.kube.trim import trim
from fluxsm.api.objects import Kind, Manifest
from fluxsm.core.ports import Clock, Cluster, Interrupt, Wake, WatchEvent
from fluxsm.errors import ClusterError, ExpiredError, ForbiddenError, NotFoundError

log = logging.getLogger("fluxsm.watch")

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 60.0
"""A watch that lasted this long starts over with the first pause."""
RESYNC_SECONDS: Final = 290.0
"""A lost event is reported by nobody, so after this time the whole is read again."""
UNUSED_SECONDS: Final = 60.0
"""The watch of a kind that is not served ends when nobody has asked for the kind for so long."""

Restarted = Callable[[str], None]
"""Receives the kind whose watch is opened again. May be called from any thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one watch covers.

    Attributes:
        kind: the kind.
        namespace: empty for all.
        labels: a selector.
        fields: a selector.
        metadata_only: whether objects are reported without spec and status.
        ends_with_kind: whether the watch ends with a kind that is not served any more.
    """

    kind: Kind
    namespace: str = ""
    labels: str = ""
    fields: str = ""
    metadata_only: bool = False
    ends_with_kind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """When a watch last gave a sign of life, in monotonic seconds.

    Attributes:
        name: what is watched.
        turned: when it last did anything, be it a failed attempt.
        received: when the API server last reported something.
    """

    name: str
    turned: float
    received: float


class Watch:
    """One kind, watched in a thread of its own from `start` until it ends.

    It ends when it is stopped, or with its kind where its scope says so. What one connection
    reports is `listen`; the thread only does that again and again.

    Attributes:
        scope: what it covers.
        problem: why the last attempt failed, in words; empty when it did not.
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
        self.problem = ""
        self._on_restart = on_restart
        self._resync = resync
        self._opened = False
        self._used = self._asked_for_all = self._received = self._turned = clock.monotonic()
        self._cluster = cluster
        self._clock = clock
        self._wake = wake
        self._known = KnownObjects()
        self._version = ""
        self._absent_since: float | None = None
        self._lock = threading.Lock()  # over what follows
        self._is_listing = False
        self._is_stale = False
        self._ended = False
        self._interrupt: Interrupt | None = None  # while a connection is open
        self._roused = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"watch-{scope.kind.kind}", daemon=True
        )

    def start(self) -> None:
        """Begin to watch."""
        self._received = self._turned = self._clock.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End the thread soon, also in the middle of a read; it is not waited for."""
        with self._lock:
            self._ended = True
        self._rouse()

    def refresh(self) -> None:
        """Read the whole list again at once, instead of waiting for events.

        `wake` is called when the list has arrived. A list that is on its way is not requested
        twice, and an attempt that is due after a failure keeps its pause.
        """
        with self._lock:
            if self._is_listing:
                return
            self._is_stale = True
            is_failing = self._interrupt is None and bool(self.problem)
        if not is_failing:
            self._rouse()

    def _rouse(self) -> None:
        """End the connection, or the pause where there is none."""
        with self._lock:
            interrupt = self._interrupt
        if interrupt is None:
            self._roused.set()
        else:
            interrupt.fire()

    def keep(self) -> bool:
        """Note that the kind is asked for; return False when the watch has ended."""
        with self._lock:
            self._used = self._clock.monotonic()
            return not self._ended

    @property
    def heartbeat(self) -> Heartbeat | None:
        """The last sign of life, None before the start and after the end."""
        if self._thread.ident is None or self._ended:
            return None
        return Heartbeat(
            name=f"watch of {self.scope.kind}", turned=self._turned, received=self._received
        )

    @property
    def absent(self) -> bool:
        """Whether the API server does not serve the kind."""
        return self._absent_since is not None

    @property
    def synced(self) -> bool:
        """Whether everything that exists has been reported once."""
        return self._known.complete

    def get(self, namespace: str, name: str) -> Manifest | None:
        """Return an object as last seen, None when it does not exist."""
        return self._known.get(namespace, name)

    def all(self) -> list[Manifest]:
        """Return all objects as last seen."""
        return self._known.all()

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server."""
        self._known.put(self._kept(manifest))

    def _run(self) -> None:
        pause, steady = FIRST_PAUSE, min(STEADY_SECONDS, self._resync / 2)
        while not self._ended:
            began = self._clock.monotonic()
            self.listen()
            self._turned = self._clock.monotonic()
            if self._turned - began > steady or self._is_stale:
                pause = FIRST_PAUSE
            if not self._ended:
                self._roused.wait(pause * (0.5 + self._clock.random()))
                self._roused.clear()
            pause = min(pause * 2, LONGEST_PAUSE)

    def listen(self) -> None:
        """Note what one connection reports, and how it ended; never fail.

        Nothing is sent any more when the watch has ended, or ends now because nobody asks for a
        kind that is not served.
        """
        interrupt = self._open()
        if interrupt is None:
            return
        if self._opened:
            self._on_restart(self.scope.kind.kind)
        self._opened = True
        try:
            self._follow(interrupt)
        except ExpiredError as error:
            self._version, self.problem = "", str(error)
        except NotFoundError:
            self._note_absence()
        except ClusterError as error:
            if not interrupt.fired:
                self.problem = _explain(error)
                log.warning("%s; starting again", error)
        except Exception as error:
            self.problem = f"the watch failed with an unexpected {type(error).__name__}"
            log.exception("the watch of %s failed; starting again", self.scope.kind)
        finally:
            with self._lock:
                self._is_listing, self._interrupt = False, None

    def _open(self) -> Interrupt | None:
        """Decide what the next connection begins with; None when there is no next one."""
        now = self._clock.monotonic()
        with self._lock:
            self._ended |= self.scope.ends_with_kind and self._is_retired(now)
            if self._ended:
                return None
            if self._is_stale or now - self._asked_for_all >= self._resync:
                self._version = ""
            self._is_stale = False
            self._is_listing = not self._version
            if self._is_listing:
                # Before the server's clock starts, so that a watch that it ends in time is due.
                self._asked_for_all = now
                self._known.begin_list()
            self._interrupt = Interrupt()
            return self._interrupt

    def _is_retired(self, now: float) -> bool:
        """Whether the kind has not been served and not been asked for, for long enough."""
        since = self._absent_since
        return since is not None and now - max(since, self._used) >= UNUSED_SECONDS

    def _follow(self, interrupt: Interrupt) -> None:
        """Follow one connection to its end."""
        events = self._cluster.watch(
            self.scope.kind,
            namespace=self.scope.namespace,
            labels=self.scope.labels,
            fields=self.scope.fields,
            metadata_only=self.scope.metadata_only,
            resource_version=self._version,
            interrupt=interrupt,
        )
        for event in events:
            self._received = self._turned = self._clock.monotonic()
            self._note(event)
            if interrupt.fired:
                return

    def _note(self, event: WatchEvent) -> None:
        """Note an event. Until a whole list has ended, the place to go on from is not known."""
        match event.type:
            case "SYNCED":
                self._end_list(event.manifest)
                return
            case "BOOKMARK":
                if not self._is_listing:
                    self._check_history(event.manifest)
                    self._move_to(event.manifest)
                return
            case "DELETED":
                self._known.delete(event.manifest)
            case _:
                self._known.change(self._kept(event.manifest))
        if not self._is_listing:
            self._move_to(event.manifest)
            self._wake()

    def _end_list(self, mark: Manifest) -> None:
        before = self._known.listed_at
        self._known.end_list(version_of(mark))
        if self._known.listed_at < before:
            log.warning(
                "the history of %s went back from version %s to %s, as after a restore of etcd",
                *(self.scope.kind, before, self._known.listed_at),
            )
        self._move_to(mark)
        self._absent_since = None
        with self._lock:
            self._is_listing = False
        self._wake()

    def _check_history(self, mark: Manifest) -> None:
        """Start over when the history went back: what comes next would count as old.

        Raises:
            ExpiredError: the mark is older than the place of this watch.
        """
        here = int(self._version) if self._version.isdecimal() else 0
        if 0 < version_of(mark) < here:
            raise ExpiredError(f"watching {self.scope.kind}: the API server's history went back")

    def _move_to(self, manifest: Manifest) -> None:
        """The next connection goes on from here."""
        self.problem = ""
        version = (manifest.get("metadata") or {}).get("resourceVersion")
        self._version = str(version or "") or self._version

    def _kept(self, manifest: Manifest) -> Manifest:
        return trim(manifest) if self.scope.labels else manifest

    def _note_absence(self) -> None:
        """The kind is not served, so there are no objects of it."""
        self._version, self.problem = "", ""
        self._received = self._clock.monotonic()
        if self._absent_since is None:
            self._absent_since = self._received
        if self._known.clear():
            self._wake()


def _explain(error: ClusterError) -> str:
    if isinstance(error, ForbiddenError):
        return f"{error}; the operator's role must allow list and watch"
    return str(error)
