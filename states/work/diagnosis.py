# SPDX-License-Identifier: Apache-2.0
"""What pods say about why workloads are not ready, at a cost that does not grow.

All workloads of a namespace are asked for in one request, and what came of it is kept for a while:
a wait is woken by every change of every object, many times a second while pods start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from fluxsm.api.objects import Kind, Manifest
from fluxsm.core.observed import Observed
from fluxsm.core.ports import Cluster, Ports
from fluxsm.core.progress import Diagnosis
from fluxsm.errors import ClusterError
from fluxsm.objects import health, manifest
from fluxsm.objects.health import Found

POD = Kind("", "v1", "Pod")
SETS = Kind("apps", "v1", "ReplicaSet")
INTERVAL: Final = timedelta(seconds=5)
"""How long a workload may take before its pods are looked at, and until they are again."""

LATER: Final = timedelta(seconds=30)
"""The same once the most frequent troubles would have shown."""

AT_FIRST: Final = timedelta(minutes=1)
"""How long a stay is looked at often."""


def investigate(unhealthy: Sequence[Found], observed: Observed, ports: Ports) -> Diagnosis:
    """What pods say: as found less than an interval ago, else found now."""
    known = observed.stay.progress
    if not isinstance(known, Diagnosis):
        known = Diagnosis(at=observed.stay.entered)
    if observed.tick >= next_look(known, observed):
        known = _look(unhealthy, known, observed, ports)
    workloads = [live for ref, _ in unhealthy if (live := ports.live.get(ref)) is not None]
    seen = [key for item in (*workloads, *known.pods) for key in health.troubles(item)]
    return replace(known, since={key: known.since.get(key, observed.tick) for key in seen})


def next_look(diagnosis: Diagnosis, observed: Observed) -> timedelta:
    """When the pods are worth another look."""
    early = diagnosis.at - observed.stay.entered < AT_FIRST
    return diagnosis.at + (INTERVAL if early else LATER)


def _look(
    unhealthy: Iterable[Found], known: Diagnosis, observed: Observed, ports: Ports
) -> Diagnosis:
    sets: list[Manifest] = []
    pods: list[Manifest] = []
    for namespace, selectors in _workloads(unhealthy, ports).items():
        labels = _union(selectors)
        try:
            sets += _listed(ports.cluster, SETS, namespace, labels)
            pods += _listed(ports.cluster, POD, namespace, labels)
        except ClusterError:
            continue  # pods only help to fail sooner; the wait itself goes on without them
    return replace(known, at=observed.tick, sets=tuple(sets), pods=tuple(pods))


def lasting(diagnosis: Diagnosis, tick: timedelta) -> health.Lasts:
    """Which troubles have been seen for the whole grace period."""

    def lasts(key: str) -> bool:
        return tick - diagnosis.since.get(key, tick) >= health.START_GRACE

    return lasts


def explain(
    unhealthy: Iterable[Found], diagnosis: Diagnosis, observed: Observed, ports: Ports
) -> list[Found]:
    """The same in the light of what pods say: some will never start, and then waiting is no use."""
    explained: list[Found] = []
    lasts = lasting(diagnosis, observed.tick)
    for ref, _ in unhealthy:
        live = ports.live.get(ref)
        found = health.assess(live, observed.now, lasts)
        pods = health.current_pods(live, diagnosis.sets, diagnosis.pods) if live else []
        explained.append((ref, health.with_pods(found, pods, lasts)))
    return explained


def _workloads(
    unhealthy: Iterable[Found], ports: Ports
) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """The selectors of the Deployments, by namespace."""
    found = defaultdict(list)
    for ref, _ in unhealthy:
        live = ports.live.get(ref) if ref.kind.kind == "Deployment" else None
        selector = manifest.mapping(live or {}, "spec", "selector", "matchLabels")
        if selector:
            found[ref.namespace].append(selector)
    return found


def _union(selectors: Sequence[Mapping[str, str]]) -> str:
    """A label selector for everything that one of the selectors matches, and little else."""
    common = sorted(set.intersection(*(set(selector) for selector in selectors)))
    terms = ((key, sorted({selector[key] for selector in selectors})) for key in common)
    return ",".join(f"{key} in ({','.join(values)})" for key, values in terms)


def _listed(cluster: Cluster, kind: Kind, namespace: str, labels: str) -> list[Manifest]:
    return list(cluster.list(kind, namespace=namespace, labels=labels))
