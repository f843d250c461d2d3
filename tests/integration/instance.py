# SPDX-License-Identifier: Apache-2.0
"""The FluxInstance of a namespace in the hands of its user."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from fluxsm.api import names
from fluxsm.api.instance import parse_instance
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core import conditions
from fluxsm.machine.states import State
from fluxsm.objects import inventory
from states.table import TABLE
from tests.controlplane.cluster import Cluster
from tests.integration.operator import Transition, until

MERGE = "application/merge-patch+json"
RECONCILE = f"{names.GROUP}/reconcile"
CRDS = Path(__file__).resolve().parents[2] / "manifests" / "crd"


def install_crds(cluster: Cluster) -> None:
    """Install the CRDs of the operator, and wait until they are served."""
    cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")


class Instance:
    """Creates, edits, watches and deletes the one instance of a namespace, as `admin`."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.collection = (
            f"/apis/{names.API_VERSION}/namespaces/{namespace}/{names.INSTANCE_PLURAL}"
        )
        self.path = f"{self.collection}/{names.SINGLETON}"

    # What a user does

    def create(
        self,
        spec: Mapping[str, Any],
        annotations: Mapping[str, str] | None = None,
        *,
        finalizers: Sequence[str] = (),
    ) -> Manifest:
        """Create the instance."""
        body = {
            "apiVersion": names.API_VERSION,
            "kind": names.INSTANCE_KIND,
            "metadata": {
                "name": names.SINGLETON,
                "namespace": self.namespace,
                "annotations": dict(annotations or {}),
                "finalizers": list(finalizers),
            },
            "spec": dict(spec),
        }
        return self._change("POST", self.collection, body)

    def patch(self, **fields: Any) -> Manifest:
        """Merge fields into the instance, such as `spec={...}`."""
        return self._change("PATCH", self.path, fields)

    def annotate(self, annotations: Mapping[str, str | None]) -> Manifest:
        """Set annotations; None removes one."""
        return self.patch(metadata={"annotations": dict(annotations)})

    def delete(self) -> None:
        """Ask for the deletion."""
        self._ask("DELETE", self.path)

    # What a user sees

    def read(self) -> Manifest | None:
        """The instance, None when there is none."""
        return self.get(self.path)

    def get(self, path: str) -> Manifest | None:
        """Any object by its path, None when there is none."""
        try:
            found: Manifest = self._ask("GET", path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return found

    @property
    def status(self) -> Manifest:
        """The status of the instance, empty when there is none."""
        found: Manifest = (self.read() or {}).get("status") or {}
        return found

    def condition(self, kind: str) -> dict[str, Any]:
        """A condition by its type, empty when there is none."""
        return dict(conditions.find(self.status.get("conditions") or [], kind) or {})

    def inventory(self) -> list[ObjectRef]:
        """The objects that the inventory lists."""
        return [entry.ref for entry in inventory.of_status(self.read() or {})]

    def events(self) -> list[Manifest]:
        """The events about the instance, oldest first."""
        path = f"/api/v1/namespaces/{self.namespace}/events"
        query = f"?fieldSelector=involvedObject.name={names.SINGLETON}"
        found: list[Manifest] = self._ask("GET", f"{path}{query}")["items"]
        return sorted(found, key=lambda event: int(event["metadata"]["resourceVersion"]))

    def reasons(self) -> list[str]:
        """The reasons of the events, oldest first."""
        return [str(event["reason"]) for event in self.events()]

    def deployment(self, name: str) -> Manifest | None:
        """A Deployment of the namespace."""
        return self.get(f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{name}")

    # Waiting

    def becomes(
        self, holds: Callable[[Manifest], bool], what: str, *, seconds: float = 60
    ) -> Manifest:
        """Wait until something holds for the instance, and return it."""

        def look() -> Manifest | None:
            found = self.read()
            return found if found is not None and holds(found) else None

        try:
            return until(look, what, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(
                f"{error}; the instance is {json.dumps(shown(self.read()))}"
            ) from None

    def becomes_ready(self, *, seconds: float = 60) -> Manifest:
        """Wait until the instance is Ready at its newest generation and annotations."""
        return self.becomes(is_ready, "Ready", seconds=seconds)

    def becomes_failed(self, reason: str, *, seconds: float = 60) -> dict[str, Any]:
        """Wait until the newest generation has failed for a reason; returns the condition."""

        def has_failed(manifest: Manifest) -> bool:
            ready = _ready(manifest)
            return ready.get("status") == "False" and ready.get("reason") == reason

        return _ready(self.becomes(has_failed, f"Ready=False/{reason}", seconds=seconds))

    def goes(self, *, seconds: float = 60) -> None:
        """Wait until the instance is gone."""
        try:
            until(lambda: self.read() is None or None, "end of the instance", seconds=seconds)
        except AssertionError as error:
            raise AssertionError(
                f"{error}; the instance is {json.dumps(shown(self.read()))}"
            ) from None

    def _change(self, method: str, path: str, body: Manifest) -> Manifest:
        kind = MERGE if method == "PATCH" else "application/json"
        answer: Manifest = self._ask(method, path, body, content_type=kind)
        return answer

    def _ask(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Any:
        return self.cluster.request(method, path, body, content_type=content_type)


def is_ready(manifest: Manifest) -> bool:
    """Whether an instance is Ready, and nothing that was asked of it is left to do."""
    status = manifest.get("status") or {}
    instance = parse_instance(manifest)
    ready = _ready(manifest)
    return (
        ready.get("status") == "True"
        and ready.get("observedGeneration") == manifest["metadata"]["generation"]
        and status.get("state", State.READY) == State.READY
        and status.get("lastHandledReconcileAt", "") == (instance.metadata.requested_at or "")
    )


def _ready(manifest: Manifest) -> dict[str, Any]:
    """The Ready condition of the newest generation, empty while there is none."""
    status = manifest.get("status") or {}
    found = conditions.find(status.get("conditions") or [], names.READY) or {}
    current = found.get("observedGeneration") == manifest["metadata"]["generation"]
    return dict(found) if current else {}


def is_path(transitions: list[Transition]) -> bool:
    """Whether each transition starts where the one before ended, and is a row of the table."""
    rows = {(row.source, row.event, str(row.dest or "Gone")) for row in TABLE.rows}
    chained = all(first.dest == second.source for first, second in pairwise(transitions))
    return chained and all((item.source, item.event, item.dest) in rows for item in transitions)


def shown(manifest: Manifest | None) -> Manifest:
    """The part of an instance that tells why it is not what a test waits for."""
    found = manifest or {}
    status = {key: value for key, value in (found.get("status") or {}).items() if key in SHOWN}
    return {"spec": found.get("spec"), "status": status}


SHOWN = frozenset({"state", "conditions", "lastAppliedRevision", "nextTransition"})
