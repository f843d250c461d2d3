# SPDX-License-Identifier: Apache-2.0
"""An upgrade with more and more custom resources that have to be stored again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bench.life import last_two_minors
from bench.measure import Cost, in_production, measured
from fluxsm.adapters.folder import open_folder
from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.core.step import PROGRESS
from tests.controlplane.cluster import Cluster
from tests.integration.instance import MERGE, Instance
from tests.integration.operator import until

AMOUNTS: Final = (10, 1_000, 5_000)
PARALLEL: Final = 8
LIMIT_SECONDS: Final = 600.0
PAGE: Final = 500
SPARE: Final = 25
"""Requests that an upgrade may send besides two for each resource and one for each object, the
pages of the lists of resources, and what tells people how it gets on."""

CRD: Final = (
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    "/kustomizations.kustomize.toolkit.fluxcd.io"
)
OLD, NEW = "v1beta2", "v1"


def migrate(cluster: Cluster, storage: Path) -> Iterator[Cost]:
    """An upgrade with each amount of resources, each on an installation of its own.

    The cost of each resource must not grow with their number: the last upgrade may take twice the
    time for each that the one before it took.
    """
    newest, older = last_two_minors(open_folder(storage))
    costs: list[Cost] = []
    for amount in AMOUNTS:
        cost = Migration(cluster, storage).run(older, newest, amount)
        if len(costs) > 1:
            few, many = costs[-2:]
            each = (many.seconds - few.seconds) / (AMOUNTS[1] - AMOUNTS[0])
            cost.most_seconds = few.seconds + 2 * each * amount
        costs.append(cost)
        yield cost


class Migration:
    """An installation with resources that are stored in a version which is going away."""

    def __init__(self, cluster: Cluster, storage: Path) -> None:
        namespace = cluster.create_namespace(f"bench-{uuid.uuid4().hex[:8]}")
        self._cluster = cluster
        self._instance = Instance(cluster, namespace)
        self._operator = in_production(cluster, namespace, storage)

    def run(self, older: str, newest: str, amount: int) -> Cost:
        """The cost of the upgrade alone."""
        with self._operator:
            self._instance.create(_spec(older))
            self._instance.becomes_ready()
            self._instance.annotate({f"{names.GROUP}/reconcile": "disabled"})
            self._operator.reaches("Suspended")
            self._store(amount)
            with measured(self._cluster, self._operator, f"upgrade, {amount:,} resources") as cost:
                self._instance.patch(
                    metadata={"annotations": {f"{names.GROUP}/reconcile": None}},
                    spec=_spec(newest),
                )
                self._instance.becomes_ready(seconds=LIMIT_SECONDS)
            reported = int(cost.seconds / PROGRESS.total_seconds())
            listed = 2 * amount // PAGE
            objects = len(self._instance.inventory())
            cost.most_requests = objects + 2 * amount + listed + reported + SPARE
            self._instance.delete()
            self._instance.goes(seconds=LIMIT_SECONDS)
            self._cluster.request("DELETE", f"/api/v1/namespaces/{self._instance.namespace}")
        return cost

    def _store(self, amount: int) -> None:
        """Store resources in the old version, then make the new one the storage version."""
        self._switch(OLD)
        until(self._is_stored_as_old, "resource in the old version")
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(self._create, range(1, amount)))
        self._switch(NEW)

    def _is_stored_as_old(self) -> bool:
        """Whether the API server stores by the CRD that it has just accepted."""
        name = self._create(0)
        key = f"kustomize.toolkit.fluxcd.io/kustomizations/{self._instance.namespace}/{name}"
        if str(self._cluster.stored(key)["apiVersion"]).endswith(OLD):
            return True
        self._cluster.request("DELETE", f"{self._resources}/{name}")
        return False

    def _switch(self, storage: str) -> None:
        """Make a version the one that is stored."""
        versions = self._cluster.request("GET", CRD)["spec"]["versions"]
        for version in versions:
            version["storage"] = version["name"] == storage
        patch = {"spec": {"versions": versions}}
        self._cluster.request("PATCH", CRD, patch, content_type=MERGE)

    @property
    def _resources(self) -> str:
        group = f"/apis/kustomize.toolkit.fluxcd.io/{NEW}"
        return f"{group}/namespaces/{self._instance.namespace}/kustomizations"

    def _create(self, number: int) -> str:
        """Create a resource and return its name."""
        name = f"resource-{number}"
        self._cluster.request("POST", self._resources, _resource(name))
        return name


def _spec(version: str) -> Manifest:
    return {
        "distribution": {"version": version, "registry": "ghcr.io/fluxcd"},
        "components": ["source-controller", "kustomize-controller"],
        "wait": False,
    }


def _resource(name: str) -> Manifest:
    return {
        "apiVersion": f"kustomize.toolkit.fluxcd.io/{NEW}",
        "kind": "Kustomization",
        "metadata": {"name": name},
        "spec": {
            "interval": "5m",
            "prune": True,
            "path": f"./{name}",
            "sourceRef": {"kind": "GitRepository", "name": "some"},
        },
    }
