# SPDX-License-Identifier: Apache-2.0
"""What kustomize-controller and helm-controller do that matters to an operator: deploy and prune.

Each of their objects deploys one ConfigMap and lists it in its inventory. When the object is
deleted, the controller deletes what is listed, unless the object is suspended or does not prune,
and then takes its finalizer off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import NotFoundError
from fluxsm.simulation.api_server import ApiServer

CONFIG_MAP: Final = Kind("", "v1", "ConfigMap")
FINALIZER: Final = "finalizers.fluxcd.io"

_RUN_BY: Final = {
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): "kustomize-controller",
    ("helm.toolkit.fluxcd.io", "HelmRelease"): "helm-controller",
}


class DeployingControllers:
    """Does what is due when it is asked to; by default it does nothing.

    Attributes:
        on: whether anything is deployed or pruned.
        stale: whether a controller prunes by the spec that it saw first, as one does that is in
            the middle of its work.
        deployed: everything that was ever deployed.
    """

    def __init__(self, cluster: ApiServer) -> None:
        self._cluster = cluster.as_manager("kustomize-controller")
        self._store = cluster.store
        self._seen: dict[str, Manifest] = {}
        self.on = False
        self.stale = False
        self.deployed: set[ObjectRef] = set()

    def run(self, runs: Callable[[str], bool]) -> None:
        """Reconcile every object whose controller runs.

        Args:
            runs: whether a Deployment of some name has a pod.
        """
        if not self.on:
            return
        for (group, kind), controller in _RUN_BY.items():
            for item in self._store.peek(group, kind) if runs(controller) else ():
                self._reconcile(item)

    def _reconcile(self, item: Manifest) -> None:
        metadata, spec = item["metadata"], item.get("spec") or {}
        first = self._seen.setdefault(metadata["uid"], spec)
        if metadata.get("deletionTimestamp"):
            self._finalize(item, first if self.stale else spec)
        elif FINALIZER not in (metadata.get("finalizers") or []):
            self._set_finalizers(item, [*(metadata.get("finalizers") or []), FINALIZER])
        elif not spec.get("suspend"):
            self._deploy(item)

    def _deploy(self, item: Manifest) -> None:
        metadata = item["metadata"]
        name, namespace = f"deployed-by-{metadata['name']}", metadata["namespace"]
        ref = ObjectRef(CONFIG_MAP, namespace, name)
        if self._store.get(ref.identity) is None:
            head = {"name": name, "namespace": namespace}
            self._cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": head})
            self.deployed.add(ref)
        entries = [{"id": f"{namespace}_{name}__ConfigMap", "v": "v1"}]
        if (item.get("status") or {}).get("inventory") != {"entries": entries}:
            status = {"status": {"inventory": {"entries": entries}}}
            self._cluster.patch(ObjectRef.of(item), status, subresource="status")

    def _finalize(self, item: Manifest, spec: Manifest) -> None:
        """Prune by a spec, then let the object go."""
        finalizers = item["metadata"].get("finalizers") or []
        prunes = spec.get("prune", item["kind"] == "HelmRelease") and not spec.get("suspend")
        entries = ((item.get("status") or {}).get("inventory") or {}).get("entries") or []
        for entry in entries if prunes else ():
            namespace, name, *_ = entry["id"].split("_")
            try:
                self._cluster.delete(ObjectRef(CONFIG_MAP, namespace, name))
            except NotFoundError:
                continue
        if FINALIZER in finalizers:
            self._set_finalizers(item, [name for name in finalizers if name != FINALIZER])

    def _set_finalizers(self, item: Manifest, finalizers: list[str]) -> None:
        patch = {"metadata": {"finalizers": finalizers or None}}
        self._cluster.patch(ObjectRef.of(item), patch)
