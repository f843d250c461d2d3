# SPDX-License-Identifier: Apache-2.0
"""Several watches as one stream of changes, which a command reads with a limit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.cli.follow import Followed, follow
from fluxsm.errors import FluxsmError

if TYPE_CHECKING:
    from fluxsm.core.ports import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object as it is now.

    Attributes:
        ref: the object.
        obj: None when it does not exist.
    """

    ref: ObjectRef
    obj: Manifest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A watch that is not fed at the moment, or, of what is only shown, never will be."""

    text: str


class Feed:
    """Watches an object that a command waits for, and others that explain why it takes so long.

    The watches run in threads of their own, so that a limit and Ctrl-C end the wait at once.
    """

    def __init__(self, cluster: Cluster, ref: ObjectRef, others: Sequence[Followed] = ()) -> None:
        """Begin to watch.

        Args:
            cluster: the API server.
            ref: the object that is waited for. A watch of it that is refused ends the wait.
            others: further objects; without the right to watch them the wait does without.
        """
        self._cluster, self._ref = cluster, ref
        self._items: queue.SimpleQueue[Change | Trouble | FluxsmError] = queue.SimpleQueue()
        own = Followed(kind=ref.kind, namespace=ref.namespace, fields=f"metadata.name={ref.name}")
        self._start(own, needed=True)
        for followed in others:
            self._start(followed, needed=False)

    def take(self, seconds: float) -> Iterator[Change | Trouble]:
        """What comes within a time; at once when there is something.

        Args:
            seconds: how long to wait for the first item.

        Raises:
            FluxsmError: the object cannot be watched.
        """
        try:
            found = self._items.get(timeout=seconds)
            while True:
                if isinstance(found, FluxsmError):
                    raise found
                yield found
                found = self._items.get_nowait()
        except queue.Empty:
            return

    def _start(self, followed: Followed, *, needed: bool) -> None:
        body = self._watch_needed if needed else self._watch_other
        threading.Thread(target=body, args=(followed,), daemon=True).start()

    def _watch_needed(self, followed: Followed) -> None:
        there = False
        try:
            for event in follow(self._cluster, followed, on_break=self._say):
                if event.type == "SYNCED":
                    if not there:
                        self._items.put(Change(ref=self._ref, obj=None))
                    continue
                there = event.type != "DELETED"
                self._items.put(Change(ref=self._ref, obj=event.manifest if there else None))
        except FluxsmError as error:
            self._items.put(error)

    def _watch_other(self, followed: Followed) -> None:
        try:
            for event in follow(self._cluster, followed):
                if event.type != "SYNCED":
                    ref = ObjectRef.of(event.manifest)
                    obj = event.manifest if event.type != "DELETED" else None
                    self._items.put(Change(ref=ref, obj=obj))
        except FluxsmError as error:
            self._say(f"{followed.kind.kind} objects are not shown: {error}")

    def _say(self, text: str) -> None:
        self._items.put(Trouble(text=text))
