# SPDX-License-Identifier: Apache-2.0
"""One life of an installation, measured step by step."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from http import HTTPStatus
from pathlib import Path

from bench.measure import Cost, in_production, measured
from fluxsm.adapters.folder import open_folder
from fluxsm.api import names
from fluxsm.build import version
from fluxsm.build.distribution import Distribution
from tests.controlplane.cluster import Cluster
from tests.integration.instance import MERGE, Instance
from tests.integration.operator import until

SHARDS = (0, 1, 10)
QUIET_SECONDS = 5.0
LIMIT_SECONDS = 120.0
DEFAULT_OBJECTS = 32
"""So many objects has the default installation, which the limits of time are made for."""

REPORT_OVERHEAD = 12
"""Requests of a report besides a list for each kind of Flux: what it looks at, and two writes."""


def live(cluster: Cluster, storage: Path) -> Iterator[Cost]:
    """A whole life without shards, then with one and with ten.

    The first installation pays for the caches of an API server that has just started; nobody counts
    that one.
    """
    newest, older = last_two_minors(open_folder(storage))
    Life(cluster, storage, 0).warm_up(older)
    for shards in SHARDS:
        life = Life(cluster, storage, shards)
        yield from life.run(older, newest)


def last_two_minors(distribution: Distribution) -> tuple[str, str]:
    """The newest version, and the newest one of the minor before it."""
    found = sorted(map(version.parse, distribution.versions()), reverse=True)
    older = next(item for item in found if item.minor < found[0].minor)
    return str(found[0]), str(older)


class Life:
    """An instance in a namespace of its own, with an operator of its own."""

    def __init__(self, cluster: Cluster, storage: Path, shards: int) -> None:
        namespace = cluster.create_namespace(f"bench-{uuid.uuid4().hex[:8]}")
        self._cluster = cluster
        self._instance = Instance(cluster, namespace)
        self._operator = in_production(cluster, namespace, storage)
        self._shards = [f"shard{number}" for number in range(1, shards + 1)]

    def run(self, older: str, newest: str) -> Iterator[Cost]:
        """Each step in turn, with its cost."""
        with self._operator:
            self._operator_is_up()
            yield self._install(older)
            yield self._look_again()
            yield self._upgrade(newest)
            yield self._repair_deleted()
            yield self._repair_changed()
            yield self._rest()
            yield self._report()
            yield self._delete()

    def warm_up(self, version: str) -> None:
        """Install and delete, without a measurement."""
        with self._operator:
            self._install(version)
            self._delete()

    def _operator_is_up(self) -> None:
        uri = f"namespaces/{self._instance.namespace}/fluxinstances"

        def watches() -> bool | None:
            sent = self._cluster.audit("fluxsm")
            return any(uri in item.uri and item.code == HTTPStatus.OK for item in sent) or None

        until(watches, "watch of the instance")

    def _install(self, older: str) -> Cost:
        with self._measured(f"install {older}") as cost:
            self._instance.create(self._spec(older))
            self._instance.becomes_ready(seconds=LIMIT_SECONDS)
        cost.most_requests, cost.most_seconds = self._objects() + 20, self._scaled(2.0)
        return cost

    def _look_again(self) -> Cost:
        with self._measured("no-op, asked for") as cost:
            self._instance.annotate({names.REQUESTED_AT: "bench"})
            self._instance.becomes_ready()
        cost.most_requests, cost.most_seconds = 3, 1.0
        return cost

    def _upgrade(self, newest: str) -> Cost:
        with self._measured(f"upgrade to {newest}") as cost:
            self._instance.patch(spec=self._spec(newest))
            self._instance.becomes_ready(seconds=LIMIT_SECONDS)
        cost.most_requests, cost.most_seconds = self._objects() + 25, self._scaled(3.0)
        return cost

    def _repair_deleted(self) -> Cost:
        path = self._deployment("source-controller")
        before = self._cluster.request("GET", path)["metadata"]["uid"]

        def is_back() -> bool | None:
            found = self._instance.get(path)
            return (found is not None and found["metadata"]["uid"] != before) or None

        with self._measured("drift: a deleted Deployment") as cost:
            self._cluster.request("DELETE", path)
            until(is_back, "repair")
        cost.most_requests, cost.most_seconds = 4, 1.0
        return self._ready(cost)

    def _repair_changed(self) -> Cost:
        path = self._deployment("kustomize-controller")

        def is_back() -> bool | None:
            return self._cluster.request("GET", path)["spec"]["replicas"] == 1 or None

        with self._measured("drift: a changed Deployment") as cost:
            edit = {"spec": {"replicas": 3}}
            self._cluster.request("PATCH", path, edit, content_type=MERGE)
            until(is_back, "repair")
        cost.most_requests, cost.most_seconds = 4, 1.0
        return self._ready(cost)

    def _rest(self) -> Cost:
        """Some periodic runs: quiet ones ask nothing and write nothing."""
        self._instance.annotate({names.RECONCILE_EVERY: "1s", names.REQUESTED_AT: "rest"})
        self._instance.becomes_ready()
        time.sleep(1)  # the event of that run is sent beside it
        before = len(self._operator.transitions())
        with self._measured("periodic runs in 5 s") as cost:
            time.sleep(QUIET_SECONDS)
        runs = [item for item in self._operator.transitions()[before:] if item.dest == "Ready"]
        cost.work = f"{len(runs)} periodic runs"
        cost.most_requests, cost.seconds = 0, 0.0
        return cost

    def _report(self) -> Cost:
        """One report, which somebody has asked for: a list of each kind, and two writes."""
        path = self._instance.path.replace(names.INSTANCE_PLURAL, names.REPORT_PLURAL)
        asked = {"metadata": {"annotations": {names.REQUESTED_AT: "bench"}}}

        def is_answered() -> bool | None:
            status = self._cluster.request("GET", path)["status"]
            return status.get("lastHandledReconcileAt") == "bench" or None

        with self._measured("report", report=True) as cost:
            self._cluster.request("PATCH", path, asked, content_type=MERGE)
            until(is_answered, "report")
        cost.most_requests = len(self._kinds()) + REPORT_OVERHEAD
        return cost

    def _kinds(self) -> list[str]:
        return [ref.name for ref in self._instance.inventory() if "Definition" in ref.kind.kind]

    def _delete(self) -> Cost:
        with self._measured("delete") as cost:
            self._instance.delete()
            self._instance.goes(seconds=LIMIT_SECONDS)
        cost.most_seconds = 6.0  # what the reference operator takes
        return cost

    def _measured(self, work: str, *, report: bool = False) -> AbstractContextManager[Cost]:
        shards = f", {len(self._shards)} shards" if self._shards else ""
        return measured(self._cluster, self._operator, f"{work}{shards}", report=report)

    def _ready(self, cost: Cost) -> Cost:
        self._instance.becomes_ready()
        return cost

    def _spec(self, wanted: str) -> dict[str, object]:
        spec: dict[str, object] = {
            "distribution": {"version": wanted, "registry": "ghcr.io/fluxcd"}
        }
        if self._shards:
            spec["sharding"] = {"shards": self._shards}
        return spec

    def _scaled(self, seconds: float) -> float:
        """A limit for the default installation, for one of this size."""
        return seconds * max(1, self._objects() / DEFAULT_OBJECTS)

    def _objects(self) -> int:
        return len(self._instance.inventory())

    def _deployment(self, name: str) -> str:
        return f"/apis/apps/v1/namespaces/{self._instance.namespace}/deployments/{name}"
