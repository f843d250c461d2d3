# SPDX-License-Identifier: Apache-2.0
"""What Kubernetes and Flux do by themselves: they serve new kinds, clean up, and run workloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.simulation.api_server import ApiServer
from fluxsm.simulation.deploying import DeployingControllers
from fluxsm.simulation.garbage import GarbageCollector
from fluxsm.simulation.kinds import is_established
from fluxsm.simulation.pods import DEPLOYMENT, Pods

CLAIM: Final = Kind("", "v1", "PersistentVolumeClaim")
FLUX_FINALIZER: Final = "finalizers.fluxcd.io"

_RUN_BY: Final = {
    "source.toolkit.fluxcd.io": "source-controller",
    "kustomize.toolkit.fluxcd.io": "kustomize-controller",
    "helm.toolkit.fluxcd.io": "helm-controller",
    "notification.toolkit.fluxcd.io": "notification-controller",
}
"""Which controller of Flux reconciles the kinds of a group."""


class Controllers:
    """Does what is due when it is called.

    Attributes:
        healthy: which Deployments become available; by default all do.
        hanging: names of Deployments that do not, whatever `healthy` says.
        establishing: whether new CRDs are served.
        reconciling: whether the controllers of Flux put their finalizer on the objects of users,
            for as long as one of their pods runs.
        pods: the pods of Deployments; there are none unless they take time to end.
    """

    def __init__(self, cluster: ApiServer) -> None:
        self._cluster = cluster.as_manager("kube-controller-manager")
        self._store = cluster.store
        self._collector = GarbageCollector(self._cluster)
        self.pods = Pods(self._cluster)
        self.healthy: Callable[[Manifest], bool] = lambda _: True
        self.hanging: set[str] = set()
        self.establishing = True
        self.reconciling = False
        self._flux = DeployingControllers(self._cluster)

    @property
    def flux(self) -> DeployingControllers:
        """The controllers of Flux that deploy and prune."""
        return self._flux

    @property
    def due(self) -> timedelta | None:
        """When something will happen by itself, since the world began; None for never."""
        return self.pods.due

    def run(self) -> None:
        """Do everything that is due."""
        revision = -1
        while revision != self._store.revision:
            revision = self._store.revision
            if self.establishing:
                self._establish()
            self._clean_up()
            self.pods.run(self._is_healthy)
            self._collector.run()
            self._let_go()
            self._hold()
            self._flux.run(self._runs)
            self._bind()
            self._observe_flux()

    def _is_healthy(self, deployment: Manifest) -> bool:
        return deployment["metadata"]["name"] not in self.hanging and self.healthy(deployment)

    def _establish(self) -> None:
        for crd in self._store.peek(CRD.group, CRD.kind):
            if not is_established(crd):
                accepted = [
                    {"type": type_, "status": "True", "reason": "Fine", "message": ""}
                    for type_ in ("NamesAccepted", "Established")
                ]
                self._patch_status(crd, {"conditions": accepted})

    def _clean_up(self) -> None:
        """Remove the objects of CRDs that are being deleted, then the CRDs."""
        for crd in self._store.peek(CRD.group, CRD.kind):
            if not crd["metadata"].get("deletionTimestamp"):
                continue
            group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
            for item in self._store.peek(group, kind):
                if not item["metadata"].get("deletionTimestamp"):
                    self._cluster.delete(ObjectRef.of(item))
            if not list(self._store.peek(group, kind)):
                finalizers = crd["metadata"].get("finalizers") or []
                kept = [name for name in finalizers if not name.startswith("customresourcecleanup")]
                if kept != finalizers:
                    self._set_finalizers(crd, kept)

    def _let_go(self) -> None:
        """A source-controller that runs lets go of the repositories that are being deleted."""
        if not self._runs("source-controller"):
            return
        for item in self._store.peek("source.toolkit.fluxcd.io", "GitRepository"):
            finalizers = item["metadata"].get("finalizers") or []
            kept = [name for name in finalizers if name != FLUX_FINALIZER]
            if kept != finalizers and item["metadata"].get("deletionTimestamp"):
                self._set_finalizers(item, kept)

    def _hold(self) -> None:
        """A controller of Flux that runs puts its finalizer on every object that it reconciles."""
        if not self.reconciling:
            return
        for item in self._flux_objects():
            finalizers = item["metadata"].get("finalizers") or []
            if FLUX_FINALIZER not in finalizers and not item["metadata"].get("deletionTimestamp"):
                self._set_finalizers(item, [*finalizers, FLUX_FINALIZER])

    def _flux_objects(self) -> Iterator[Manifest]:
        """The objects of all controllers that run."""
        running = {group for group, name in _RUN_BY.items() if self._runs(name)}
        for crd in self._store.peek(CRD.group, CRD.kind):
            group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
            if group in running and is_established(crd):
                yield from self._store.peek(group, kind)

    def _runs(self, name: str) -> bool:
        """Whether a Deployment is available, or pods of it live on."""
        return self.pods.live(name) or any(
            item["metadata"]["name"] == name and (item.get("status") or {}).get("availableReplicas")
            for item in self._store.peek(DEPLOYMENT.group, DEPLOYMENT.kind)
        )

    def _bind(self) -> None:
        for item in self._store.peek(CLAIM.group, CLAIM.kind):
            if (item.get("status") or {}).get("phase") != "Bound":
                self._patch_status(item, {"phase": "Bound"})

    def _observe_flux(self) -> None:
        """The controllers of Flux report on the objects that the operator has made for the sync."""
        for group, kind in (
            ("source.toolkit.fluxcd.io", "GitRepository"),
            ("source.toolkit.fluxcd.io", "OCIRepository"),
            ("source.toolkit.fluxcd.io", "Bucket"),
            ("kustomize.toolkit.fluxcd.io", "Kustomization"),
        ):
            for item in self._store.peek(group, kind):
                generation = item["metadata"].get("generation")
                if (item.get("status") or {}).get("observedGeneration") != generation:
                    ready = {"type": "Ready", "status": "True", "reason": "Fine", "message": "ok"}
                    self._patch_status(
                        item, {"observedGeneration": generation, "conditions": [ready]}
                    )

    def _patch_status(self, item: Manifest, status: Manifest) -> None:
        self._cluster.patch(ObjectRef.of(item), {"status": status}, subresource="status")

    def _set_finalizers(self, item: Manifest, finalizers: list[str]) -> None:
        patch = {"metadata": {"finalizers": finalizers or None}}
        self._cluster.patch(ObjectRef.of(item), patch)
