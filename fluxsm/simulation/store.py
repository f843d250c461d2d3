# SPDX-License-Identifier: Apache-2.0
"""What is stored: objects, a revision that grows with each write, and the history for watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from fluxsm.api.objects import Manifest

Key: TypeAlias = tuple[str, str, str, str]
"""Group, kind, namespace, name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write.

    Attributes:
        revision: of the write.
        key: of the object.
        old: the object before, None when it was created.
        new: the object after; for a deletion as it was last, with the revision of the deletion.
        gone: whether it was deleted.
    """

    revision: int
    key: Key
    old: Manifest | None
    new: Manifest
    gone: bool = False


@dataclass(slots=True)
class Store:
    """Objects by key. They are never changed, only replaced, so histories and forks share them.

    What goes in is kept, so whoever writes gives it away; what comes out is for looking only.

    Attributes:
        revision: of the last write.
        compacted: the oldest revision from which a watch may go on.
        stored_at: by key, the API version in which an object was last written.
        on_write: called with each write.
    """

    revision: int = 100
    compacted: int = 100
    stored_at: dict[Key, str] = field(default_factory=dict)
    on_write: Callable[[Change], None] = lambda _: None
    _objects: dict[tuple[str, str], dict[Key, Manifest]] = field(default_factory=dict)
    _history: list[Change] = field(default_factory=list)
    _uids: int = 0

    def get(self, key: Key) -> Manifest | None:
        """An object, None when there is none."""
        return self._of_kind(key[:2]).get(key)

    def peek(self, group: str, kind: str) -> Iterator[Manifest]:
        """All objects of a kind, in any order; the store may change meanwhile."""
        return iter(list(self._of_kind((group, kind)).values()))

    def all(self, group: str, kind: str) -> list[Manifest]:
        """All objects of a kind, in the order of their keys."""
        found = self._of_kind((group, kind))
        return [found[key] for key in sorted(found)]

    def all_at(self, revision: int, group: str, kind: str) -> list[Manifest]:
        """All objects of a kind as they were after a revision, in the order of their keys."""
        found = dict(self._of_kind((group, kind)))
        for change in reversed(self.since(revision, group, kind)):
            if change.old is None:
                found.pop(change.key, None)
            else:
                found[change.key] = change.old
        return [found[key] for key in sorted(found)]

    def everything(self) -> list[Manifest]:
        """All objects."""
        return [item for found in self._objects.values() for item in found.values()]

    def put(self, key: Key, manifest: Manifest, version: str) -> Manifest:
        """Write an object and return it as it is now; a write that changes nothing is none."""
        found = self._objects.setdefault(key[:2], {})
        old = found.get(key)
        if old is not None and old == manifest and self.stored_at[key] == version:
            return old
        metadata = {**manifest["metadata"], "resourceVersion": self._next()}
        new = {**manifest, "metadata": metadata}
        found[key] = new
        self.stored_at[key] = version
        self._note(Change(revision=self.revision, key=key, old=old, new=new))
        return new

    def remove(self, key: Key) -> Manifest:
        """Remove an object and return it as it was last."""
        old = self._objects[key[:2]].pop(key)
        del self.stored_at[key]
        last = {**old, "metadata": {**old["metadata"], "resourceVersion": self._next()}}
        self._note(Change(revision=self.revision, key=key, old=old, new=last, gone=True))
        return last

    def since(self, revision: int, group: str, kind: str) -> list[Change]:
        """The writes to a kind after a revision."""
        found: list[Change] = []
        for change in reversed(self._history):
            if change.revision <= revision:
                break
            if change.key[:2] == (group, kind):
                found.append(change)
        return found[::-1]

    def compact(self) -> None:
        """Forget all history."""
        self.compacted = self.revision
        self._history.clear()

    def fork(self) -> Store:
        """Another store that begins with what this one holds."""
        return replace(
            self,
            stored_at=dict(self.stored_at),
            _objects={kind: dict(found) for kind, found in self._objects.items()},
            _history=list(self._history),
        )

    def new_uid(self) -> str:
        """A uid that was never used."""
        self._uids += 1
        return f"00000000-0000-4000-8000-{self._uids:012d}"

    def _of_kind(self, kind: tuple[str, str]) -> dict[Key, Manifest]:
        return self._objects.get(kind, {})

    def _next(self) -> str:
        self.revision += 1
        return str(self.revision)

    def _note(self, change: Change) -> None:
        self._history.append(change)
        self.on_write(change)
