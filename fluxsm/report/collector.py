# SPDX-License-Identifier: Apache-2.0
"""One look at everything that a FluxReport and the metrics of Flux objects tell.

Objects are read page by page, looked at one by one and dropped: memory does not grow with the
cluster, but for one line of text per Flux object, which is what `flux_resource_info` consists of.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from fluxsm.api import names
from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.api.report import (
    ReconcilerStats,
    ReportCluster,
    ReportComponent,
    ReportDistribution,
    ReportOperator,
    ReportReconciler,
    ReportSpec,
    ReportSync,
)
from fluxsm.core.ports import Cluster
from fluxsm.errors import ClusterError, FluxsmError, NotFoundError
from fluxsm.objects import manifest, ownership
from fluxsm.report import content as report
from fluxsm.report import counts as counting
from fluxsm.report import resource

log = logging.getLogger("fluxsm.report")

DEPLOYMENT: Final = Kind("apps", "v1", "Deployment")
NODE: Final = Kind("", "v1", "Node")
SECRET: Final = Kind("", "v1", "Secret")
OWN_KINDS: Final = tuple(
    Kind(names.GROUP, names.VERSION, kind)
    for kind in (names.INSTANCE_KIND, "ResourceSet", "ResourceSetInputProvider")
)
"""Kinds of the operator itself; the last two are the reference's, where its CRDs are installed."""

EVIDENCE: Final = "gitrepositories.source.toolkit.fluxcd.io"
"""The CRD that tells whether Flux is installed."""

ENTITLEMENT: Final = "flux-operator-entitlement"
"""The Secret in which a vendor says that he stands behind the installation."""

PARTS: Final = ("cluster", "components", "reconcilers", "sync")
"""In the order in which they are read, after the distribution."""

PART_OF_FLUX: Final = f"{names.PART_OF_LABEL}=flux"
"""What the manifests of Flux come with. `commonMetadata` may change it, so our own Flux is found
by the labels of ownership; this finds one that somebody else has installed."""

PAGE: Final = 100
"""Objects per answer: a HelmRelease may be large."""


class Gauges(Protocol):
    """The metrics about Flux objects."""

    def resources(self, series: Iterable[Mapping[str, str]]) -> None:
        """Replace all series of `flux_resource_info` at once; when reading fails, none is."""


class Collector:
    """One collection; what it meets on the way is forgotten with it.

    Attributes:
        unknown: what could not be read, in words: which parts, and why.
    """

    def __init__(
        self, cluster: Cluster, gauges: Gauges, *, namespace: str, sync: str, now: datetime
    ) -> None:
        """Prepare.

        Args:
            cluster: the API server.
            gauges: where the series of the objects go.
            namespace: that of the report.
            sync: name of the sync of the cluster.
            now: the current time.
        """
        self.unknown: list[str] = []
        self._cluster, self._gauges = cluster, gauges
        self._namespace, self._sync_name, self._now = namespace, sync, now
        self._ours = ownership.owner_selector(names.SINGLETON, namespace)
        self._kinds: list[Kind] = []
        self._same_named: dict[str, Manifest] = {}

    def take(self, operator: ReportOperator) -> ReportSpec:
        """Return what is there. The first part that cannot be read ends it.

        What could not be read is absent, or `Unknown`; `unknown` says so, and why.

        Args:
            operator: who takes it.
        """
        found: dict[str, Any] = {"operator": operator, "distribution": self._distribution()}
        try:
            found["cluster"] = self._look_at_cluster()
            if self._find_kinds():
                found["components"] = self._components()
                found["reconcilers"] = self._reconcilers()
                found["sync"] = self._sync()
        except FluxsmError as error:
            self._miss(*(part for part in PARTS if part not in found), error=error)
        return ReportSpec.model_validate(found)

    def _miss(self, *parts: str, error: FluxsmError) -> None:
        self.unknown.append(f"{', '.join(parts)} not known: {error}")
        log.warning("the report is not complete: %s", self.unknown[-1])

    def _distribution(self) -> ReportDistribution:
        """The distribution; that something may not be read does not say that it is not there."""
        is_known, crd, entitlement = True, None, None
        try:
            crd = self._find(ObjectRef(CRD, "", EVIDENCE))
        except ClusterError as error:
            is_known = False
            self._miss("distribution", error=error)
        try:
            entitlement = self._find(ObjectRef(SECRET, self._namespace, ENTITLEMENT))
        except ClusterError as error:
            self._miss("entitlement", error=error)
        return report.distribution(crd, entitlement, is_known=is_known)

    def _find(self, ref: ObjectRef) -> Manifest | None:
        """An object, None when there is none.

        Raises:
            ClusterError: it cannot be read.
        """
        try:
            return self._cluster.get(ref)
        except NotFoundError:
            return None

    def _look_at_cluster(self) -> ReportCluster:
        nodes = sum(1 for _ in self._cluster.list(NODE, metadata_only=True))
        return report.cluster(self._cluster.server_version(), nodes)

    def _find_kinds(self) -> bool:
        """Find the kinds of Flux; without any there are no objects, and no series of them."""
        found = {
            ObjectRef.of(crd).name: crd
            for labels in (PART_OF_FLUX, self._ours)
            for crd in self._cluster.list(CRD, labels=labels)
        }
        self._kinds = report.flux_kinds(found[name] for name in sorted(found))
        if not self._kinds:
            self._gauges.resources(())
        return bool(self._kinds)

    def _components(self) -> list[ReportComponent]:
        found = self._cluster.list(DEPLOYMENT, namespace=self._namespace)
        ours = (item for item in found if self._is_flux(item))
        return report.components(ours, self._now)

    def _is_flux(self, deployment: Manifest) -> bool:
        """Whether it is a part of Flux, by our labels or by the one of its manifests."""
        part = manifest.labels_of(deployment).get(names.PART_OF_LABEL)
        owned = ownership.is_owned(deployment, names.SINGLETON, self._namespace)
        return owned or part == "flux"

    def _reconcilers(self) -> list[ReportReconciler]:
        found: list[ReportReconciler] = []
        self._gauges.resources(self._count(found))
        for kind in OWN_KINDS:
            try:
                stats = counting.count(self._cluster.list(kind, limit=PAGE))
            except NotFoundError:
                continue  # not installed
            found.append(_entry(kind, stats))
        return sorted(found, key=lambda item: item.api_version + item.kind)

    def _count(self, found: list[ReportReconciler]) -> Iterator[Mapping[str, str]]:
        """The series of all Flux objects; `found` gets the counts of each kind."""
        for kind in self._kinds:
            counts = counting.Counts()
            for obj in self._cluster.list(kind, limit=PAGE):
                counts.add(obj)
                self._keep_same_named(obj)
                yield resource.labels(obj)
            found.append(_entry(kind, counts.stats()))

    def _keep_same_named(self, obj: Manifest) -> None:
        ref = ObjectRef.of(obj)
        if (ref.namespace, ref.name) == (self._namespace, self._sync_name):
            self._same_named[ref.kind.kind] = obj

    def _sync(self) -> ReportSync | None:
        return report.sync(self._kinds, self._same_named, self._sync_name)


def _entry(kind: Kind, stats: ReconcilerStats) -> ReportReconciler:
    return ReportReconciler(api_version=kind.api_version, kind=kind.kind, stats=stats)
