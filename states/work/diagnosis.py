# SPDX-License-Identifier: Apache-2.0
"""Diagnosing: what pods tell about why workloads are not ready, at a cost that does not grow.

All workloads of a namespace are asked for in one request, and what came of it is kept for a while:
a wait is woken by every change of every object, many times a second while pods start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fluxsm.api.objects import Kind, Manifest
from fluxsm.core.ports import Cluster, Ports
from fluxsm.core.step import Observed, entered
from fluxsm.errors import ClusterError
from fluxsm.objects import health, manifest
from fluxsm.objects.health import Found

POD = Kind("", "v1", "Pod")
SETS = Kind("apps", "v1", "ReplicaSet")
INTERVAL = timedelta(seconds=5)
"""How long a workload may take before its pods are looked at, and until they are again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found, good until the next look.

    Attributes:
        at: when.
        sets: ReplicaSets of the workloads that were not ready then.
        pods: their pods.
    """

    at: datetime
    sets: Sequence[Manifest] = ()
    pods: Sequence[Manifest] = ()


def investigate(unhealthy: Iterable[Found], observed: Observed, ports: Ports) -> Evidence:
    """What pods tell: as found less than an interval ago, else found now."""
    found: Evidence = observed.run.notes.get("evidence") or Evidence(at=entered(observed.run))
    if observed.now - found.at < INTERVAL:
        return found
    sets: list[Manifest] = []
    pods: list[Manifest] = []
    for namespace, selectors in _workloads(unhealthy, ports).items():
        labels = _union(selectors)
        try:
            sets += _listed(ports.cluster, SETS, namespace, labels)
            pods += _listed(ports.cluster, POD, namespace, labels)
        except ClusterError:
            continue  # pods only help to fail sooner; the wait itself goes on without them
    return Evidence(at=observed.now, sets=sets, pods=pods)


def explain(
    unhealthy: Iterable[Found], evidence: Evidence, now: datetime, ports: Ports
) -> list[Found]:
    """The same in the light of what pods say: some will never start, and then waiting is no use."""
    explained: list[Found] = []
    for ref, found in unhealthy:
        live = ports.live.get(ref)
        pods = health.current_pods(live, evidence.sets, evidence.pods) if live else []
        explained.append((ref, health.with_pods(found, pods, now)))
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
