# SPDX-License-Identifier: Apache-2.0
"""The records of `metadata.managedFields`: who owns which fields after which write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fluxsm.api.objects import Manifest
from fluxsm.simulation.copies import copy
from fluxsm.simulation.fields import Path, decode, encode, merge, remove, values_of

APPLY: Final = "Apply"
UPDATE: Final = "Update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One record.

    Attributes:
        manager: who.
        operation: `Apply` or `Update`.
        subresource: `status` or empty.
        api_version: the version at which the fields are named.
        time: of the last change.
        fields: what is owned.
    """

    manager: str
    operation: str
    subresource: str
    api_version: str
    time: str
    fields: frozenset[Path]

    @property
    def key(self) -> tuple[str, str, str]:
        """Which records are the same one."""
        return (self.manager, self.operation, self.subresource)

    @property
    def order(self) -> tuple[str, ...]:
        """Where its place is among others."""
        return (self.operation, self.time, self.manager, self.api_version, self.subresource)


def owners_of(manifest: Manifest) -> list[Owner]:
    """The records of an object."""
    return [
        Owner(
            manager=entry["manager"],
            operation=entry["operation"],
            subresource=entry.get("subresource", ""),
            api_version=entry["apiVersion"],
            time=entry.get("time", ""),
            fields=decode(entry.get("fieldsV1") or {}),
        )
        for entry in (manifest.get("metadata") or {}).get("managedFields") or []
    ]


def apply(
    live: Manifest | None, applied: Manifest, *, manager: str, time: str, builtin: bool
) -> Manifest:
    """An object after a forced server-side apply, with its records.

    Args:
        live: the object so far, None when it is created.
        applied: what the manager wants.
        manager: who applies.
        time: now, as a timestamp.
        builtin: whether the kind comes with Kubernetes.
    """
    before = live or {"apiVersion": applied["apiVersion"], "kind": applied["kind"], "metadata": {}}
    owners = _first_owners(live, time, builtin=builtin)
    wanted = values_of(applied, builtin=builtin, status=False)
    old = values_of(before, builtin=builtin, status=False)
    mine = next((item for item in owners if item.key == (manager, APPLY, "")), None)
    taken = frozenset(p for p, value in wanted.items() if p not in old or old[p] != value)
    lost = taken | _around(taken, old)
    others = [_lose(item, lost) for item in owners if item is not mine]
    after = merge(before, applied, builtin=builtin)
    if mine is not None:
        held = [path for item in others for path in item.fields]
        gone = mine.fields - wanted.keys()
        if gone:
            after = copy(after)
            remove(after, gone, [*held, *wanted])
    fields = frozenset(wanted)
    own = Owner(
        manager=manager, operation=APPLY, subresource="", api_version=applied["apiVersion"],
        time=time, fields=fields,
    )  # fmt: skip
    if mine is not None and mine.fields == fields and mine.api_version == own.api_version:
        own = replace(own, time=mine.time)
    return _with_owners(after, [own, *others])


def update(
    live: Manifest | None, new: Manifest, *, manager: str, time: str, builtin: bool,
    subresource: str = "",
) -> Manifest:  # fmt: skip
    """An object after a create, an update or a patch, with its records.

    Records that the write itself brings are believed, as the API server does. Where an object has
    none at all, none is begun before somebody applies it.
    """
    status = subresource == "status"
    old = values_of(live, builtin=builtin, status=status) if live else {}
    wanted = values_of(new, builtin=builtin, status=status)
    changed = frozenset(p for p, value in wanted.items() if p not in old or old[p] != value)
    gone = frozenset(old.keys() - wanted.keys())
    owners = owners_of(new) or (owners_of(live) if live else [])
    if (live and not owners) or not (changed or gone):
        return _with_owners(new, owners)
    key = (manager, UPDATE, subresource)
    mine = next((item for item in owners if item.key == key), None)
    fields = ((mine.fields if mine else frozenset()) | changed) - gone
    own = Owner(
        manager=manager, operation=UPDATE, subresource=subresource,
        api_version=new["apiVersion"], time=time, fields=fields,
    )  # fmt: skip
    lost = changed | gone | _around(changed, old) | _around(gone, wanted)
    others = [_lose(item, lost) for item in owners if item is not mine]
    return _with_owners(new, [*others, own])


def _first_owners(live: Manifest | None, time: str, *, builtin: bool) -> list[Owner]:
    """The records of an object; one that has none belongs to whoever was there before."""
    owners = owners_of(live) if live else []
    if live is None or owners:
        return owners
    return [
        Owner(
            manager="before-first-apply", operation=UPDATE, subresource="",
            api_version=live["apiVersion"], time=time,
            fields=frozenset(values_of(live, builtin=builtin, status=False)),
        )
    ]  # fmt: skip


def _around(paths: Iterable[Path], others: Iterable[Path]) -> frozenset[Path]:
    """The maps around fields that hold none of the other fields: they came or went with them."""
    kept = _holders(others)
    return frozenset(path for path in _holders(paths) if path not in kept)


def _holders(paths: Iterable[Path]) -> set[Path]:
    return {path[:end] for path in paths for end in range(1, len(path))}


def _lose(owner: Owner, taken: frozenset[Path]) -> Owner:
    return replace(owner, fields=owner.fields - taken)


def _with_owners(manifest: Manifest, owners: Iterable[Owner]) -> Manifest:
    kept = sorted((item for item in owners if item.fields), key=lambda item: item.order)
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "managedFields"}
    if kept:
        metadata["managedFields"] = _entries(kept)
    return {**manifest, "metadata": metadata}


def _entries(owners: Sequence[Owner]) -> list[dict[str, Any]]:
    entries = []
    for owner in owners:
        entry: dict[str, Any] = {
            "manager": owner.manager,
            "operation": owner.operation,
            "apiVersion": owner.api_version,
            "time": owner.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": encode(owner.fields),
        }
        if owner.subresource:
            entry["subresource"] = owner.subresource
        entries.append(entry)
    return entries
