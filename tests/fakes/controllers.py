# SPDX-License-Identifier: Apache-2.0
"""What Kubernetes does by itself: it serves new kinds, cleans up, and makes workloads ready."""

from __future__ import annotations

from collections.abc import Callable

from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from tests.fakes.cluster import FakeCluster
from tests.fakes.kinds import is_established

DEPLOYMENT = Kind("apps", "v1", "Deployment")
CLAIM = Kind("", "v1", "PersistentVolumeClaim")
FLUX_FINALIZER = "finalizers.fluxcd.io"


class Controllers:
    """Does what is due when it is told to.

    Attributes:
        healthy: which Deployments become available; by default all do.
        establishing: whether new CRDs are served.
    """

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster.as_manager("kube-controller-manager")
        self._store = cluster.store
        self.healthy: Callable[[Manifest], bool] = lambda _: True
        self.establishing = True

    def run(self) -> None:
        """Do everything that is due."""
        revision = -1
        while revision != self._store.revision:
            revision = self._store.revision
            if self.establishing:
                self._establish()
            self._clean_up()
            self._roll_out()
            self._let_go()
            self._bind()
            self._observe_flux()

    def _establish(self) -> None:
        for crd in list(self._store.peek(CRD.group, CRD.kind)):
            if not is_established(crd):
                accepted = [
                    {"type": type_, "status": "True", "reason": "Fine", "message": ""}
                    for type_ in ("NamesAccepted", "Established")
                ]
                self._patch_status(crd, {"conditions": accepted})

    def _clean_up(self) -> None:
        """Remove the objects of CRDs that are being deleted, then the CRDs."""
        for crd in list(self._store.peek(CRD.group, CRD.kind)):
            if not crd["metadata"].get("deletionTimestamp"):
                continue
            group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
            for item in list(self._store.peek(group, kind)):
                if not item["metadata"].get("deletionTimestamp"):
                    self._cluster.delete(ObjectRef.of(item))
            if not list(self._store.peek(group, kind)):
                finalizers = crd["metadata"]["finalizers"]
                kept = [name for name in finalizers if not name.startswith("customresourcecleanup")]
                self._cluster.patch(ObjectRef.of(crd), {"metadata": {"finalizers": kept or None}})

    def _roll_out(self) -> None:
        for item in list(self._store.peek(DEPLOYMENT.group, DEPLOYMENT.kind)):
            wanted = rolled_out(item, available=self.healthy(item))
            if item.get("status") != wanted:
                self._patch_status(item, wanted)

    def _let_go(self) -> None:
        """A source-controller that runs lets go of the repositories that are being deleted."""
        running = any(
            item["metadata"]["name"] == "source-controller"
            and (item.get("status") or {}).get("availableReplicas")
            for item in self._store.peek(DEPLOYMENT.group, DEPLOYMENT.kind)
        )
        for item in list(self._store.peek("source.toolkit.fluxcd.io", "GitRepository")):
            finalizers = item["metadata"].get("finalizers") or []
            kept = [name for name in finalizers if name != FLUX_FINALIZER]
            if running and kept != finalizers and item["metadata"].get("deletionTimestamp"):
                patch = {"metadata": {"finalizers": kept or None}}
                self._cluster.patch(ObjectRef.of(item), patch)

    def _bind(self) -> None:
        for item in list(self._store.peek(CLAIM.group, CLAIM.kind)):
            if (item.get("status") or {}).get("phase") != "Bound":
                self._patch_status(item, {"phase": "Bound"})

    def _observe_flux(self) -> None:
        """The controllers of Flux report on the objects that the operator has made for the sync."""
        for group, kind in (
            ("source.toolkit.fluxcd.io", "GitRepository"),
            ("kustomize.toolkit.fluxcd.io", "Kustomization"),
        ):
            for item in list(self._store.peek(group, kind)):
                generation = item["metadata"].get("generation")
                if (item.get("status") or {}).get("observedGeneration") != generation:
                    ready = {"type": "Ready", "status": "True", "reason": "Fine", "message": "ok"}
                    self._patch_status(
                        item, {"observedGeneration": generation, "conditions": [ready]}
                    )

    def _patch_status(self, item: Manifest, status: Manifest) -> None:
        self._cluster.patch(ObjectRef.of(item), {"status": status}, subresource="status")


def rolled_out(deployment: Manifest, *, available: bool) -> Manifest:
    """The status of a Deployment whose pods run, or do not."""
    replicas = deployment["spec"].get("replicas", 1)
    running = replicas if available else 0
    progress = "NewReplicaSetAvailable" if available else "ReplicaSetUpdated"
    verdict = "True" if available else "False"
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": running,
        "availableReplicas": running,
        "conditions": [
            {"type": "Progressing", "status": "True", "reason": progress, "message": ""},
            {"type": "Available", "status": verdict, "reason": "Pods", "message": ""},
        ],
    }
