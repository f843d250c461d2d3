# SPDX-License-Identifier: Apache-2.0
"""Everything that an API server holds, as plain data that can be compared."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.objects import inventory
from tests.controlplane.cluster import Cluster
from tools.crash.normal import normal

_DISCOVERY: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_FLEETING: Final = frozenset(
    {"events", "leases", "pods", "endpointslices", "endpoints", "nodes", "ipaddresses"}
)
"""Resources whose objects come and go by themselves, or are named at random."""

World: TypeAlias = dict[str, Manifest]
"""Objects by `Kind/namespace/name`."""


class Reader:
    """Reads all objects of a cluster over one connection, as `admin`."""

    def __init__(self, cluster: Cluster) -> None:
        ca = (cluster.folder / "certs" / "apiserver.crt").read_text()
        self._connection = http.client.HTTPSConnection(
            urlsplit(cluster.server).netloc,
            context=ssl.create_default_context(cadata=ca),
            timeout=30,
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def read(self) -> World:
        """All objects as they are, but those that are fleeting."""
        return {_key(ObjectRef.of(item)): item for item in self._objects()}

    def _objects(self) -> Iterator[Manifest]:
        for root in ("/api", "/apis"):
            for path, api_version, kind in _resources(self._get(root, _DISCOVERY)):
                for item in self._get(path).get("items") or []:
                    yield {**item, "apiVersion": api_version, "kind": kind}

    def _get(self, path: str, accept: str = "application/json") -> Any:
        headers = {"Authorization": "Bearer token-of-admin", "Accept": accept}
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status == 404:
            return {}  # the kind has just gone
        return json.loads(body)


def _resources(discovery: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Path, apiVersion and kind of each resource that can be listed, at its preferred version."""
    for group in discovery.get("items") or []:
        name = (group.get("metadata") or {}).get("name", "")
        seen: set[str] = set()
        for version in group.get("versions") or []:
            api_version = f"{name}/{version['version']}" if name else version["version"]
            base = f"/apis/{api_version}" if name else f"/api/{api_version}"
            for resource in version.get("resources") or []:
                plural = resource["resource"]
                if plural in seen or plural in _FLEETING or "list" not in resource["verbs"]:
                    continue
                seen.add(plural)
                yield f"{base}/{plural}", api_version, resource["responseKind"]["kind"]


def comparable(world: World, *, forgive_failures: bool = False) -> World:
    """The objects as they are compared.

    Args:
        world: as read.
        forgive_failures: leave out of the history what failed on the way.
    """
    found = {key: normal(item) for key, item in world.items()}
    for item in found.values():
        if item["kind"] == names.INSTANCE_KIND and forgive_failures:
            status = item.get("status") or {}
            status["history"] = [
                snapshot
                for snapshot in status.get("history") or []
                if snapshot["lastReconciledStatus"] == names.RECONCILIATION_SUCCEEDED
            ]
    return found


def owned(world: World) -> set[str]:
    """Identities of the objects that carry the labels of the instance."""
    return {_key(ref) for ref in owned_refs(world)}


def owned_refs(world: World) -> set[ObjectRef]:
    """The objects that carry the labels of the instance."""
    return {
        ObjectRef.of(item)
        for item in world.values()
        if (item["metadata"].get("labels") or {}).get(names.OWNER_NAME_LABEL) == names.SINGLETON
        and not item["metadata"].get("ownerReferences")
    }


def listed(world: World) -> set[str]:
    """Identities of the objects that the inventory of the instance lists."""
    return {
        _key(entry.ref)
        for item in world.values()
        if item["kind"] == names.INSTANCE_KIND
        for entry in inventory.of_status(item)
    }


def _key(ref: ObjectRef) -> str:
    """A reference without the version of its kind."""
    return f"{ref.kind.kind}/{ref.namespace}/{ref.name}"
