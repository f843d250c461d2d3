# SPDX-License-Identifier: Apache-2.0
"""The list of applied objects that the status carries, in the format that Flux tools share.

It is what garbage collection and uninstallation go by, so an object must be listed before it is
created and may leave the list only after it is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import MalformedError
from fluxsm.objects import manifest
from fluxsm.objects.order import sort_key

COLON_KINDS: Final = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
"""Kinds whose names may hold a colon, which an id writes as two underscores."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One listed object.

    Attributes:
        id: `<namespace>_<name>_<group>_<kind>`; namespace and group may be empty.
        version: API version of the kind, without the group.
    """

    id: str
    version: str

    @classmethod
    def of(cls, ref: ObjectRef) -> Self:
        """Return the entry of an object."""
        kind = ref.kind
        name = ref.name.replace(":", "__") if kind.kind in COLON_KINDS else ref.name
        return cls(f"{ref.namespace}_{name}_{kind.group}_{kind.kind}", kind.version)

    @property
    def ref(self) -> ObjectRef:
        """The object that the entry lists.

        Raises:
            MalformedError: the id does not have four parts, or no name or kind.
        """
        namespace, _, rest = self.id.partition("_")
        rest, _, kind = rest.rpartition("_")
        name, separator, group = rest.rpartition("_")
        if not (separator and name and kind):
            raise MalformedError(f"{self.id!r} is not an inventory id")
        return ObjectRef(Kind(group, self.version, kind), namespace, name.replace("__", ":"))


def of_objects(objects: Iterable[Manifest]) -> tuple[Entry, ...]:
    """Return the entries of objects in their order; an object that comes twice is listed once."""
    return union((Entry.of(ObjectRef.of(obj)) for obj in objects), ())


def of_status(instance: Manifest) -> tuple[Entry, ...]:
    """Return the entries that an instance's status lists.

    An entry that is not an object's identity is left out: it names nothing that could be deleted,
    and it must not keep an instance from being reconciled or deleted.

    Raises:
        MalformedError: the inventory is not a list of objects.
    """
    items = manifest.entries(instance, "status", "inventory", "entries")
    listed = (_read(item) for item in items)
    return union((entry for entry in listed if entry is not None), ())


def to_status(entries: Iterable[Entry]) -> list[dict[str, str]]:
    """Return entries as `status.inventory.entries` holds them."""
    return [{"id": entry.id, "v": entry.version} for entry in entries]


def ids(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the ids of entries: which objects are listed, at whatever version."""
    return frozenset(entry.id for entry in entries)


def union(first: Iterable[Entry], second: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries of both; where both list an object, that of the first is kept.

    Before an apply this is the old list followed by what is about to be written, so that no crash
    can leave an object unlisted. An object that is listed already keeps the version that is known
    to be served.
    """
    merged: dict[str, Entry] = {}
    for entries in (first, second):
        for entry in entries:
            merged.setdefault(entry.id, entry)
    return tuple(merged.values())


def stale(old: Iterable[Entry], new: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the old entries whose object is not in the new list, at the version they had."""
    listed = ids(new)
    return tuple(entry for entry in old if entry.id not in listed)


def in_deletion_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries in the order of deletion: dependents first, namespaces and kinds last."""
    return tuple(sorted(entries, key=lambda entry: _rank(entry.ref), reverse=True))


def _rank(ref: ObjectRef) -> tuple[int, str, str, str, str]:
    metadata = {"name": ref.name, "namespace": ref.namespace}
    kind = {"apiVersion": ref.kind.api_version, "kind": ref.kind.kind}
    return sort_key({**kind, "metadata": metadata})


def _read(item: Mapping[str, Any]) -> Entry | None:
    try:
        entry = Entry(manifest.text(item, "id"), manifest.text(item, "v"))
        _ = entry.ref
    except MalformedError:
        return None
    return entry
