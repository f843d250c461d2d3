# SPDX-License-Identifier: Apache-2.0
"""Plan how stored custom resources get to another storage version without loss.

A CRD lists in `status.storedVersions` every version in which an object may still lie in etcd, and
the API server refuses a CRD that lacks one of them. An object is stored again by any write to it.
So before a version can go, every object must be written once, and the list be trimmed:

* After an upgrade, when the storage version has changed: rewrite, trim.
* Before an upgrade, when the new CRD lacks a version that is still listed. If the storage version
  of the live CRD stays, the objects are rewritten to that one. If not (an upgrade that skips
  minors), no version is both in the live CRD and in the new one, or none that could be stored:
  then a bridge is applied first, the new CRD plus the old versions. They are not stored any more
  but are served as before, so that running controllers go on; the API server decodes what is in
  etcd by any version that the CRD lists.

Flux CRDs convert with strategy None: only the apiVersion changes, and what the new schema does not
know is pruned.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import MigrationError
from fluxsm.objects import manifest
from fluxsm.objects.ownership import unite

Patch: TypeAlias = list[dict[str, Any]] | dict[str, Any]
"""A JSON patch if it is a list, a merge patch if it is a mapping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the objects of one CRD are rewritten.

    Attributes:
        crd: name of the CRD.
        kind: kind of the objects, at the version by which they are listed and written.
        storage: the version in which they are stored afterwards, the only one that is then left
            in `status.storedVersions`.
        retired: versions in which no object is stored any more afterwards.
        bridge: the CRD to apply before the rewrite; None when the live one will do.
    """

    crd: str
    kind: Kind
    storage: str
    retired: tuple[str, ...] = ()
    bridge: Manifest | None = None

    @property
    def api_version(self) -> str:
        """The apiVersion that ownership records of the rewritten objects name."""
        return f"{self.kind.group}/{self.storage}"

    def __str__(self) -> str:
        """Return what is going to happen, for logs and messages."""
        old = f" from {', '.join(self.retired)}" if self.retired else ""
        way = " over a bridge" if self.bridge is not None else ""
        return f"{self.crd}: rewrite{old} to {self.storage}{way}"


def plan_before(live: Manifest | None, desired: Manifest) -> Plan | None:
    """Plan what has to happen before a CRD can be applied, None if nothing has to.

    Args:
        live: the CRD in the cluster, None if there is none.
        desired: the CRD that is going to be applied.

    Raises:
        MigrationError: an object may be stored in a version that the live CRD does not describe,
            or a CRD has no storage version.
    """
    if live is None:
        return None
    stored, lost = _stored_versions(live), lost_versions(live, desired)
    if not lost:
        return None
    storage = storage_version(live)
    if storage in _versions(desired):
        return _plan(live, storage, stored)
    bridge = bridge_crd(live, desired, lost)
    return _plan(bridge, storage_version(bridge), stored, bridge=bridge)


def lost_versions(live: Manifest, desired: Manifest) -> list[str]:
    """Return the versions in which objects may be stored and which the new CRD does not have.

    Args:
        live: the CRD in the cluster.
        desired: the CRD that is going to be applied.
    """
    return [version for version in _stored_versions(live) if version not in _versions(desired)]


def plan_after(live: Manifest, *, forced: bool = False) -> Plan | None:
    """Plan what has to happen after a CRD was applied, None if nothing has to.

    Args:
        live: the CRD in the cluster.
        forced: rewrite even if all objects are known to be stored in the storage version, so
            that ownership records of former versions are brought up to date.

    Raises:
        MigrationError: the CRD has no storage version.
    """
    stored, storage = _stored_versions(live), storage_version(live)
    if not forced and stored == [storage]:
        return None
    return _plan(live, storage, stored)


def _plan(
    crd: Manifest, storage: str, stored: Sequence[str], *, bridge: Manifest | None = None
) -> Plan:
    served = [
        manifest.text(version, "name")
        for version in _versions(crd).values()
        if version.get("served") is True
    ]
    version = storage if storage in served or not served else served[0]
    group, kind = (
        manifest.text(crd, "spec", "group"),
        manifest.text(crd, "spec", "names", "kind"),
    )
    return Plan(
        crd=ObjectRef.of(crd).name,
        kind=Kind(group, version, kind),
        storage=storage,
        retired=tuple(name for name in stored if name != storage),
        bridge=bridge,
    )


def storage_version(crd: Manifest) -> str:
    """Return the version in which a CRD stores objects.

    Raises:
        MigrationError: there is none, which the API server would not accept.
    """
    for name, version in _versions(crd).items():
        if version.get("storage") is True:
            return name
    raise MigrationError(f"{ObjectRef.of(crd)} has no storage version")


def bridge_crd(live: Manifest, desired: Manifest, versions: Sequence[str]) -> Manifest:
    """Return the new CRD with versions of the live one added, which are not stored any more.

    Args:
        live: the CRD in the cluster.
        desired: the CRD that is going to be applied in the end; not changed.
        versions: names of the versions that must not go yet.

    Raises:
        MigrationError: the live CRD does not have one of the versions.
    """
    bridge = copy.deepcopy(desired)
    bridge.pop("status", None)
    known = _versions(live)
    for name in versions:
        if name not in known:
            raise MigrationError(
                f"{ObjectRef.of(live)} may hold objects of version {name},"
                " which neither it nor its successor describes"
            )
        bridge["spec"]["versions"].append({**copy.deepcopy(dict(known[name])), "storage": False})
    return bridge


def trim_patch(crd: Manifest) -> dict[str, Any]:
    """Return the merge patch of a CRD's status that says that all objects were rewritten.

    It holds only if the CRD has not changed since it was read: with another storage version the
    claim would be wrong.

    Raises:
        MigrationError: the CRD has no storage version.
    """
    return {
        "metadata": {"resourceVersion": manifest.text(crd, "metadata", "resourceVersion")},
        "status": {"storedVersions": [storage_version(crd)]},
    }


def rewrite_patch(obj: Mapping[str, Any], api_version: str) -> Patch:
    """Return the patch that makes the API server store an object again.

    A record of ownership in a version that is going away would break every later server-side
    apply, so all of them are moved to the new version; that is a JSON patch which holds only for
    the object as it was read. If none has to be moved, an empty merge patch is enough.

    Args:
        obj: the object, at least its metadata.
        api_version: the apiVersion that its records must name.
    """
    records = manifest.managed_fields_of(obj)
    if all(record.get("apiVersion") == api_version for record in records):
        return {}
    version = manifest.text(obj, "metadata", "resourceVersion")
    return [
        {
            "op": "replace",
            "path": "/metadata/managedFields",
            "value": _moved(records, api_version),
        },
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _moved(records: Sequence[Mapping[str, Any]], api_version: str) -> list[dict[str, Any]]:
    """The records at one version; those of one manager that differed only in it become one."""
    moved: dict[tuple[str, ...], dict[str, Any]] = {}
    for record in records:
        key = tuple(manifest.text(record, part) for part in ("manager", "operation", "subresource"))
        new = {**record, "apiVersion": api_version}
        old = moved.get(key)
        if old is not None:
            new["fieldsV1"] = unite(
                manifest.mapping(old, "fieldsV1"), manifest.mapping(record, "fieldsV1")
            )
            times = [manifest.text(item, "time") for item in (old, record)]
            new["time"] = max(times) or None
        moved[key] = {name: value for name, value in new.items() if value is not None}
    return list(moved.values())


def _versions(crd: Manifest) -> dict[str, Mapping[str, Any]]:
    return {
        manifest.text(version, "name"): version
        for version in manifest.entries(crd, "spec", "versions")
    }


def _stored_versions(crd: Manifest) -> list[str]:
    return [str(version) for version in manifest.read(crd, "status", "storedVersions") or []]
