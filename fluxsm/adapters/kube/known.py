# SPDX-License-Identifier: Apache-2.0
"""Which of two reports about an object counts: the rules by which a watch keeps what it is sent.

Within one history of the API server a greater resourceVersion is newer, so of two single reports
(an event of the watch, the answer to a write) the greater version counts, in whatever order they
arrive. A history ends when etcd is restored from a backup: versions then go on from a lower number,
and nothing in a single report says so. A whole list does: the API server reads it after it was
requested. It therefore replaces everything that was known when it was requested, whatever the
versions say.

What arrives between the request of a list and its end may be newer than the list, such as the
answer to a write. It is kept when its version is greater than that of the list. Only an answer of
the old history that crosses the first list of the restored one is kept wrongly by that rule, until
the next whole list.
"""

from __future__ import annotations

import threading
from typing import TypeAlias

from fluxsm.api.objects import Manifest, ObjectRef

Key: TypeAlias = tuple[str, str]
"""Namespace and name."""


class KnownObjects:
    """The objects of one kind as last reported. Safe to use from several threads.

    Attributes:
        complete: whether everything that exists has been reported once.
        listed_at: resourceVersion of the last whole list, 0 when there was none.
    """

    def __init__(self) -> None:
        self.complete = False
        self.listed_at = 0
        self._lock = threading.Lock()
        self._objects: dict[Key, Manifest] = {}
        self._deleted: dict[Key, int] = {}  # versions, since the last whole list
        self._listing: dict[Key, Manifest] | None = None
        self._meanwhile: dict[Key, Manifest] = {}  # what was put since the list was requested

    def get(self, namespace: str, name: str) -> Manifest | None:
        """Return an object, None when there is none."""
        with self._lock:
            return self._objects.get((namespace, name))

    def all(self) -> list[Manifest]:
        """Return all objects."""
        with self._lock:
            return list(self._objects.values())

    def put(self, manifest: Manifest) -> None:
        """Note the answer to a write, unless something newer is known."""
        with self._lock:
            self._note(manifest)
            if self._listing is not None:
                _keep_newer(self._meanwhile, manifest)

    def begin_list(self) -> None:
        """Note that a whole list is requested now; what a former one had brought is dropped."""
        with self._lock:
            self._listing, self._meanwhile = {}, {}

    def change(self, manifest: Manifest) -> None:
        """Note an object of the list or of an event."""
        with self._lock:
            if self._listing is not None:
                self._listing[_key(manifest)] = manifest
            else:
                self._note(manifest)

    def delete(self, manifest: Manifest) -> None:
        """Note the end of an object."""
        with self._lock:
            if self._listing is not None:
                self._listing.pop(_key(manifest), None)
            else:
                self._forget(manifest)

    def end_list(self, version: int) -> None:
        """Take the list for the truth.

        Args:
            version: of the list, 0 when it is not known.
        """
        with self._lock:
            found, meanwhile = self._listing or {}, self._meanwhile
            self.listed_at = version or max(map(version_of, found.values()), default=0)
            self._objects, self._deleted = found, {}
            self._listing, self._meanwhile = None, {}
            for manifest in meanwhile.values():
                self._note(manifest)
            self.complete = True

    def clear(self) -> bool:
        """Note that there are no objects; return whether that is new."""
        with self._lock:
            is_new = bool(self._objects) or not self.complete
            self._objects, self._deleted = {}, {}
            self._listing, self._meanwhile = None, {}
            self.listed_at, self.complete = 0, True
            return is_new

    def _note(self, manifest: Manifest) -> None:
        """Keep the newer of two reports; the last whole list is a report about every object."""
        key, version = _key(manifest), version_of(manifest)
        if 0 < version <= max(self.listed_at, self._deleted.get(key, 0)):
            return
        _keep_newer(self._objects, manifest)

    def _forget(self, manifest: Manifest) -> None:
        key, version = _key(manifest), version_of(manifest)
        known = self._objects.get(key)
        if known is not None and version_of(known) > version:
            return  # a late report about an earlier incarnation
        self._objects.pop(key, None)
        self._deleted[key] = version


def version_of(manifest: Manifest) -> int:
    """Return the resourceVersion as a number, 0 when it is none."""
    text = str((manifest.get("metadata") or {}).get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0


def _keep_newer(objects: dict[Key, Manifest], manifest: Manifest) -> None:
    known = objects.get(_key(manifest))
    if known is None or version_of(manifest) >= version_of(known):
        objects[_key(manifest)] = manifest


def _key(manifest: Manifest) -> Key:
    ref = ObjectRef.of(manifest)
    return (ref.namespace, ref.name)
