# SPDX-License-Identifier: Apache-2.0
"""What kustomize-controller and helm-controller do that matters here, played on a real API server.

The played controller puts its finalizer on every object of its kinds, deploys two ConfigMaps for
each and lists them in the status. When an object is deleted, it deletes what is listed unless the
object is suspended or does not prune, as the real ones do, and takes its finalizer off.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any, Final, Self
from urllib.error import HTTPError

from fluxsm.api.objects import Manifest
from tests.controlplane.cluster import Cluster
from tests.integration.instance import MERGE

FINALIZER: Final = "finalizers.fluxcd.io"
KUSTOMIZATIONS: Final = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{}/kustomizations"
RELEASES: Final = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/{}/helmreleases"
_LOOK: Final = 0.02
"""Seconds between two looks."""


class DeployingController:
    """Reconciles in a thread of its own until it is stopped.

    Attributes:
        stale: whether it prunes by the spec that it saw first, as one in the middle of its work.
        deployed: paths of what it has deployed.
    """

    def __init__(self, cluster: Cluster, namespace: str, *, stale: bool = False) -> None:
        self.stale = stale
        self.deployed: set[str] = set()
        self._cluster, self._namespace = cluster, namespace
        self._seen: dict[str, Manifest] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stopped.set()
        self._thread.join()

    def missing(self) -> set[str]:
        """What of that which was deployed is not there any more."""
        return {path for path in tuple(self.deployed) if self._get(path) is None}

    def _work(self) -> None:
        while not self._stopped.wait(_LOOK):
            for template in (KUSTOMIZATIONS, RELEASES):
                path = template.format(self._namespace)
                for item in (self._get(path) or {}).get("items") or []:
                    with suppress(HTTPError):  # changed or gone meanwhile: the next look is soon
                        self._reconcile(f"{path}/{item['metadata']['name']}", item)

    def _reconcile(self, path: str, item: Manifest) -> None:
        metadata, spec = item["metadata"], item["spec"]
        first = self._seen.setdefault(metadata["uid"], spec)
        finalizers = metadata.get("finalizers") or []
        if metadata.get("deletionTimestamp"):
            if FINALIZER in finalizers:
                self._finalize(path, item, first if self.stale else spec)
        elif FINALIZER not in finalizers:
            self._patch(path, {"metadata": {"finalizers": [*finalizers, FINALIZER]}})
        elif not spec.get("suspend") and "inventory" not in (item.get("status") or {}):
            self._deploy(path, metadata["name"])

    def _deploy(self, path: str, name: str) -> None:
        maps = f"/api/v1/namespaces/{self._namespace}/configmaps"
        entries = []
        for number in (1, 2):
            deployed = f"deployed-by-{name}-{number}"
            self._cluster.request("POST", maps, {"metadata": {"name": deployed}})
            self.deployed.add(f"{maps}/{deployed}")
            entries.append({"id": f"{self._namespace}_{deployed}__ConfigMap", "v": "v1"})
        self._patch(f"{path}/status", {"status": {"inventory": {"entries": entries}}})

    def _finalize(self, path: str, item: Manifest, spec: Manifest) -> None:
        prunes = spec.get("prune", path.startswith(RELEASES[:20])) and not spec.get("suspend")
        for entry in item["status"]["inventory"]["entries"] if prunes else ():
            name = entry["id"].split("_")[1]
            with suppress(HTTPError):
                self._cluster.request(
                    "DELETE", f"/api/v1/namespaces/{self._namespace}/configmaps/{name}"
                )
        kept = [name for name in item["metadata"]["finalizers"] if name != FINALIZER]
        self._patch(path, {"metadata": {"finalizers": kept or None}})

    def _patch(self, path: str, body: Any) -> None:
        query = "?fieldManager=kustomize-controller"
        self._cluster.request("PATCH", f"{path}{query}", body, content_type=MERGE)

    def _get(self, path: str) -> Any:
        try:
            return self._cluster.request("GET", path)
        except HTTPError:
            return None
