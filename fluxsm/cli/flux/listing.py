# SPDX-License-Identifier: Apache-2.0
"""Objects of several kinds of Flux, in the order of the kinds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from fluxsm.api.flux_kinds import FluxKind
from fluxsm.api.objects import Kind, Manifest
from fluxsm.cli.flux.kinds import Served
from fluxsm.cli.flux.row import readiness
from fluxsm.errors import NotFoundError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster

PARALLEL: Final = 8
"""Kinds that are listed at the same time."""


def objects(
    cluster: KubeCluster,
    kinds: Sequence[FluxKind],
    *,
    namespace: str = "",
    name: str = "",
    ready: str = "",
) -> list[Manifest]:
    """All objects of some kinds; a kind that is not installed has none.

    Args:
        cluster: the API server.
        kinds: in the order of the result.
        namespace: empty for all.
        name: of the objects, empty for all.
        ready: only those that are so: True, False, Unknown or Suspended.

    Raises:
        ClusterError: a kind cannot be listed.
        MalformedError: an object lacks the shape that its kind promises.
    """
    served = Served(cluster)
    fields = f"metadata.name={name}" if name else ""

    def read(kind: Kind) -> list[Manifest]:
        try:
            return list(cluster.list(kind, namespace=namespace, fields=fields))
        except NotFoundError:
            return []  # its definition went between two requests

    there = [found for kind in kinds if (found := served.find(kind)) is not None]
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        lists = list(pool.map(read, there))
    return [item for found in lists for item in found if not ready or readiness(item) == ready]
