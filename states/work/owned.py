# SPDX-License-Identifier: Apache-2.0
"""Find what is ours by the ownership labels, for an instance whose inventory is lost.

A backup that was restored without its status, or somebody who has emptied it, must not leave an
installation behind that nobody removes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.core.observed import Observed
from fluxsm.core.ports import Cluster
from fluxsm.errors import ClusterError, KindNotServedError
from fluxsm.objects import inventory, ownership
from fluxsm.objects.inventory import Entry

KINDS: Final = (
    CRD,
    Kind("", "v1", "Namespace"),
    Kind("", "v1", "ServiceAccount"),
    Kind("", "v1", "Service"),
    Kind("", "v1", "ResourceQuota"),
    Kind("", "v1", "PersistentVolumeClaim"),
    Kind("apps", "v1", "Deployment"),
    Kind("networking.k8s.io", "v1", "NetworkPolicy"),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"),
)
"""The kinds of a build, besides those that its own definitions bring."""


def find_owned(observed: Observed, cluster: Cluster) -> tuple[tuple[Entry, ...], dict[str, str]]:
    """Look for everything that carries the ownership labels of the instance.

    Args:
        observed: whose labels.
        cluster: the API server.

    Returns:
        Entries of what was found, and by kind why a kind could not be searched.
    """
    metadata = observed.instance.metadata
    labels = ownership.owner_selector(metadata.name, metadata.namespace)
    found: list[Manifest] = []
    refused: dict[str, str] = {}
    definitions = _search((CRD,), labels, cluster, refused)
    found += definitions
    found += _search(KINDS[1:], labels, cluster, refused)
    found += _search(custom_kinds(definitions), labels, cluster, refused)
    entries = inventory.union((inventory.Entry.of(ObjectRef.of(item)) for item in found), ())
    return entries, refused


def custom_kinds(definitions: Iterable[Manifest]) -> Iterator[Kind]:
    """The kinds that definitions define, at a version that is served, the stored one first."""
    for definition in definitions:
        spec = definition.get("spec") or {}
        served = [item for item in spec.get("versions") or [] if item.get("served")]
        stored = sorted(served, key=lambda item: not item.get("storage"))
        if stored:
            yield Kind(spec["group"], stored[0]["name"], spec["names"]["kind"])


def _search(
    kinds: Iterable[Kind], labels: str, cluster: Cluster, refused: dict[str, str]
) -> list[Manifest]:
    found: list[Manifest] = []
    for kind in kinds:
        try:
            found += cluster.list(kind, labels=labels, metadata_only=kind != CRD)
        except KindNotServedError:
            continue
        except ClusterError as error:
            refused[str(kind)] = str(error)
    return found
