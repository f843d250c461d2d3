# SPDX-License-Identifier: Apache-2.0
"""Deployments, and the pods that they run: these may live on for a while after their deletion."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.simulation.api_server import ApiServer
from fluxsm.simulation.copies import copy

DEPLOYMENT: Final = Kind("apps", "v1", "Deployment")
REPLICA_SET: Final = Kind("apps", "v1", "ReplicaSet")
POD: Final = Kind("", "v1", "Pod")


class Pods:
    """Rolls Deployments out when it is called.

    Attributes:
        termination: how long a pod takes to end. Where it takes no time there are no ReplicaSets
            and pods at all, for nobody could see them go.
    """

    def __init__(self, cluster: ApiServer) -> None:
        self._cluster = cluster
        self._store = cluster.store
        self._ends: dict[str, timedelta] = {}
        self.termination = timedelta(0)

    @property
    def due(self) -> timedelta | None:
        """When the next pod ends, since the world began; None when none is about to."""
        return min(self._ends.values(), default=None)

    def run(self, is_healthy: Callable[[Manifest], bool]) -> None:
        """Make Deployments available, or not, and let pods end whose time has come."""
        for item in self._store.peek(DEPLOYMENT.group, DEPLOYMENT.kind):
            healthy = is_healthy(item)
            wanted = rolled_out(item, available=healthy)
            if item.get("status") != wanted:
                self._cluster.patch(ObjectRef.of(item), {"status": wanted}, subresource="status")
            if self.termination and healthy and not item["metadata"].get("deletionTimestamp"):
                self._replicate(item)
        self._end()

    def live(self, deployment: str) -> bool:
        """Whether a pod of a Deployment runs, be it gone or not."""
        return any(
            owner["name"].rpartition("-")[0] == deployment
            for pod in self._store.peek(POD.group, POD.kind)
            for owner in _owners(pod)
        )

    def _replicate(self, deployment: Manifest) -> None:
        """Run the pods of a Deployment as it is now, and end those of an earlier one."""
        name = f"{deployment['metadata']['name']}-{_fingerprint(deployment)}"
        replicas = deployment["spec"].get("replicas", 1)
        current = self._make(REPLICA_SET, name, deployment, deployment["spec"])
        sets = {item["metadata"]["uid"] for item in self._owned(REPLICA_SET, deployment)}
        wanted = {f"{name}-{number}" for number in range(replicas)}
        for pod in self._store.peek(POD.group, POD.kind):
            ours = any(owner["uid"] in sets for owner in _owners(pod))
            dies = bool(pod["metadata"].get("deletionTimestamp"))
            if ours and not dies and pod["metadata"]["name"] not in wanted:
                self._cluster.delete(ObjectRef.of(pod))
        template = deployment["spec"]["template"]
        for pod_name in sorted(wanted):
            spec = {**template["spec"], "nodeName": "node"}
            self._make(POD, pod_name, current, spec, template.get("metadata"))

    def _make(
        self, kind: Kind, name: str, owner: Manifest, spec: Manifest, metadata: Any = None
    ) -> Manifest:
        """An object that another owns; it is created unless it exists."""
        ref = ObjectRef(kind, owner["metadata"]["namespace"], name)
        found = self._store.get(ref.identity)
        if found is not None:
            return found
        reference = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        body = {
            **(metadata or {}),
            "name": name,
            "namespace": ref.namespace,
            "ownerReferences": [reference],
        }
        head = {"apiVersion": kind.api_version, "kind": kind.kind}
        return self._cluster.create(copy({**head, "metadata": body, "spec": spec}))

    def _owned(self, kind: Kind, owner: Manifest) -> Iterator[Manifest]:
        uid = owner["metadata"]["uid"]
        for item in self._store.peek(kind.group, kind.kind):
            if any(entry["uid"] == uid for entry in _owners(item)):
                yield item

    def _end(self) -> None:
        """Remove the pods that were given their time."""
        now = timedelta(seconds=self._cluster.clock.monotonic())
        dying = {
            item["metadata"]["uid"]: item
            for item in self._store.peek(POD.group, POD.kind)
            if item["metadata"].get("deletionTimestamp")
        }
        self._ends = {
            uid: self._ends.get(uid, now + self.termination)
            for uid, item in dying.items()
            if not item["metadata"].get("finalizers")
        }
        for uid in [uid for uid, end in self._ends.items() if end <= now]:
            del self._ends[uid]
            self._cluster.finish(ObjectRef.of(dying[uid]))


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


def _fingerprint(deployment: Manifest) -> str:
    text = json.dumps(deployment["spec"]["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _owners(item: Manifest) -> list[Manifest]:
    return list(item["metadata"].get("ownerReferences") or [])
