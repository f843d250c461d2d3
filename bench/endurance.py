# SPDX-License-Identifier: Apache-2.0
"""What does not change the cost: many runs, and many objects that belong to somebody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from bench.life import LIMIT_SECONDS, Life, last_two_minors
from bench.measure import Cost
from fluxsm.adapters.folder import open_folder
from fluxsm.adapters.kube.client import KubeClient
from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.integration.operator import until

STARTS = 5
RUNS = 1000
WARM_UP = 50
"""Runs before the memory is looked at for the first time, when all caches are full."""

FLAT_MIB = 1.0
"""So much more memory after all the runs is taken for noise."""

FOREIGN = {"configmaps": "ConfigMap", "serviceaccounts": "ServiceAccount"}
FOREIGN_EACH = 5000


def endure(cluster: Cluster, storage: Path) -> Iterator[Cost]:
    """Many starts and runs in an empty cluster, then a life in a crowded one."""
    newest, older = last_two_minors(open_folder(storage))
    yield from LongLife(cluster, storage, 0).run(older, newest)
    crowd(cluster)
    yield from CrowdedLife(cluster, storage, 0).run(older, newest)


class LongLife(Life):
    """Starts again and again, then runs again and again."""

    def run(self, _: str, newest: str) -> Iterator[Cost]:
        """Each part in turn, with its cost."""
        yield self._start("start to the first list")
        with self._operator:
            self._install(newest)
            self._ask(WARM_UP)
            before = self._operator.resident()
            with self._measured(f"{RUNS} runs, asked for") as cost:
                self._ask(RUNS)
            cost.most_requests = 3 * RUNS
            cost.most_resident = min(cost.most_resident, before + FLAT_MIB)
            yield cost
            self._delete()

    def _start(self, work: str) -> Cost:
        """The fastest of some starts: what else the machine does only adds to them."""
        took = min(self._first_list() for _ in range(STARTS))
        return Cost(work=work, seconds=took, most_seconds=1.0, requests=None, resident=None)

    def _first_list(self) -> float:
        """Seconds from the start of the process until the API server has its first question."""
        uri = f"namespaces/{self._instance.namespace}/fluxinstances"
        seen = len(self._cluster.audit("fluxsm"))

        def asked() -> float | None:
            news = self._cluster.audit("fluxsm")[seen:]
            times = [datetime.fromisoformat(item.time) for item in news if uri in item.uri]
            return min(times).timestamp() if times else None

        began = time.time()
        with self._operator:
            return until(asked, "first list") - began

    def _ask(self, times: int) -> None:
        """Ask for runs, one after the other."""
        for number in range(times):
            self._instance.annotate({names.REQUESTED_AT: f"{times}-{number}"})
            self._instance.becomes_ready(seconds=LIMIT_SECONDS)


class CrowdedLife(LongLife):
    """A life among objects that are none of its business."""

    def run(self, older: str, newest: str) -> Iterator[Cost]:
        """Each part in turn, with its cost."""
        yield self._start("start, crowded")
        with self._operator:
            yield self._crowded(self._install(older))
            yield self._crowded(self._look_again())
            yield self._crowded(self._upgrade(newest))
            yield self._crowded(self._repair_deleted())
            yield self._crowded(self._delete())

    def _crowded(self, cost: Cost) -> Cost:
        cost.work = f"{cost.work}, crowded"
        return cost


def crowd(cluster: Cluster) -> None:
    """Fill a namespace with foreign objects, also of a kind that Flux is made of."""
    namespace = cluster.create_namespace("crowd")
    client = KubeClient.from_kubeconfig(str(cluster.kubeconfig("admin")))

    def create(item: tuple[str, int]) -> None:
        plural, number = item
        body = {
            "apiVersion": "v1",
            "kind": FOREIGN[plural],
            "metadata": {"name": f"foreign-{number}"},
        }
        path = f"/api/v1/namespaces/{namespace}/{plural}"
        client.request("POST", path, what="creating a foreign object", body=body)

    with ThreadPoolExecutor(8) as pool:
        items = ((plural, number) for plural in FOREIGN for number in range(FOREIGN_EACH))
        list(pool.map(create, items))
    client.close()
