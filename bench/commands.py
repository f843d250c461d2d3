# SPDX-License-Identifier: Apache-2.0
"""Time the verbs that people type most, against an API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.measure import Cost
from bench.program import timed
from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.integration.instance import Instance

SPEC = {"distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"}}
REPORT = {
    "distribution": {"entitlement": "Unknown", "status": "Installed", "version": "v2.8.8"},
    "operator": {"apiVersion": names.API_VERSION, "platform": "linux/amd64", "version": "v1.0.0"},
}


def commands(cluster: Cluster, _storage: Path) -> Iterator[Cost]:
    """What is there is created by hand, so that no operator takes time away."""
    namespace = cluster.create_namespace(names.DEFAULT_NAMESPACE)
    Instance(cluster, namespace).create(SPEC)
    path = f"/apis/{names.API_VERSION}/namespaces/{namespace}/{names.REPORT_PLURAL}"
    metadata = {"name": names.SINGLETON, "namespace": namespace}
    head = {"apiVersion": names.API_VERSION, "kind": names.REPORT_KIND}
    cluster.request("POST", path, {**head, "metadata": metadata, "spec": REPORT})
    config = f"--kubeconfig={cluster.kubeconfig('other')}"
    for words in (["version"], ["get"], ["get", "all"], ["explain"]):
        yield timed(f"fluxsm {' '.join(words)}", [*words, config], most=0.5)
