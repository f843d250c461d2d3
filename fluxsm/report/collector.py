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

PART_OF_FLUX: Final = f"{names.PART_OF_LABEL}=flux"
PAGE: Final = 100
"""Objects per answer: a HelmRelease may be large."""


class Gauges(Protocol):
    """The metrics about Flux objects."""

    def resources(self, series: Iterable[Mapping[str, str]]) -> None:
        """Replace all series of `flux_resource_info` at once; when reading fails, none is."""


class Collector:
    """One collection; what it meets on the way is forgotten with it."""

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
        self._cluster, self._gauges = cluster, gauges
        self._namespace, self._sync_name, self._now = namespace, sync, now
        self._kinds: list[Kind] = []
        self._same_named: dict[str, Manifest] = {}

    def take(self, operator: ReportOperator) -> ReportSpec:
        """What is there. The first part that cannot be told ends it; the log says why.

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
            log.warning("the report tells only a part: %s", error)
        return ReportSpec.model_validate(found)

    def _distribution(self) -> ReportDistribution:
        crd = self._get(ObjectRef(CRD, "", EVIDENCE))
        entitlement = self._get(ObjectRef(SECRET, self._namespace, ENTITLEMENT))
        return report.distribution(crd, entitlement)

    def _get(self, ref: ObjectRef) -> Manifest | None:
        """An object, None when it cannot be read."""
        try:
            return self._cluster.get(ref)
        except ClusterError as error:
            if not isinstance(error, NotFoundError):
                log.warning("the report goes on as if %s did not exist: %s", ref, error)
            return None

    def _look_at_cluster(self) -> ReportCluster:
        nodes = sum(1 for _ in self._cluster.list(NODE, metadata_only=True))
        return report.cluster(self._cluster.server_version(), nodes)

    def _find_kinds(self) -> bool:
        """Find the kinds of Flux; without any there are no objects, and no series of them."""
        self._kinds = report.flux_kinds(self._cluster.list(CRD, labels=PART_OF_FLUX))
        if not self._kinds:
            self._gauges.resources(())
        return bool(self._kinds)

    def _components(self) -> list[ReportComponent]:
        found = self._cluster.list(DEPLOYMENT, namespace=self._namespace, labels=PART_OF_FLUX)
        return report.components(found, self._now)

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
