# SPDX-License-Identifier: Apache-2.0
"""A wait for health ends as soon as there is no point in it any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import MERGE, Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

NOWHERE = {
    "target": {"kind": "Deployment"},
    "patch": "- op: add\n  path: /spec/template/spec/nodeSelector\n  value: {no: node}\n",
}
SPEC: Manifest = {
    "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
    "components": ["source-controller"],
    "kustomize": {"patches": [NOWHERE]},
    "migrateResources": False,
}
"""An installation whose Pods find no node."""


@pytest.fixture
def waiting(instance: Instance, operate: Operate) -> Operator:
    """An operator that waits for Pods that never start."""
    operator = operate()
    instance.create(SPEC, {names.RECONCILE_TIMEOUT: "5m"})
    operator.reaches("HealthChecking")
    return operator


def test_a_newer_request_and_a_deletion_end_the_wait(instance: Instance, waiting: Operator) -> None:
    """Both at once, not after the time limit; the first is reported and starts a new run."""

    def is_attempted(found: Manifest) -> bool:
        return bool((found.get("status") or {}).get("lastAttemptedRevision"))

    instance.becomes(is_attempted, "an attempted revision")
    before = len(waiting.transitions())
    instance.patch(spec={"distribution": {"registry": "docker.io/fluxcd"}})
    way = waiting.reaches("HealthChecking", after=before, seconds=30)
    assert (way[0].source, way[0].event) == ("HealthChecking", "Changed")

    def reported() -> Manifest | None:
        found = (e for e in instance.events() if e["reason"] == names.HEALTH_CHECK_CANCELED)
        return next(found, None)

    event = until(reported, "event that the wait was canceled", seconds=30)
    assert "Health checks canceled" in event["message"]
    assert f"FluxInstance/{instance.namespace}/flux" in event["message"]
    instance.delete()
    instance.goes(seconds=60)
    assert instance.deployment("source-controller") is None


def test_a_pod_that_cannot_start_ends_the_wait(instance: Instance, waiting: Operator) -> None:
    """The message names the Pod and the reason; another spec leads to Ready at once."""
    pods = f"/api/v1/namespaces/{instance.namespace}/pods"

    def pod() -> Manifest | None:
        items = instance.cluster.request("GET", pods)["items"]
        return items[0] if items else None

    name = until(pod, "Pod")["metadata"]["name"]
    break_down(instance, f"{pods}/{name}/status")
    ready = instance.becomes_failed(names.HEALTH_CHECK_FAILED, seconds=30)
    assert "failed early after" in ready["message"]
    assert f"Deployment/{instance.namespace}/source-controller status: 'Failed'" in ready["message"]
    reason = "container manager: InvalidImageName: couldn't parse"
    assert f"Pod/{instance.namespace}/{name}: {reason}" in ready["message"]
    instance.patch(spec={"kustomize": None})
    instance.becomes_ready()
    assert waiting.errors() == []


def test_what_is_deleted_meanwhile_is_applied_again(instance: Instance, waiting: Operator) -> None:
    """At once, and an event of the instance says so; it does not come to the limit of the wait."""
    old = instance.deployment("source-controller")
    assert old is not None
    deployments = f"/apis/apps/v1/namespaces/{instance.namespace}/deployments"
    before = len(waiting.transitions())
    instance.cluster.request("DELETE", f"{deployments}/source-controller")
    way = waiting.reaches("HealthChecking", after=before, seconds=30)
    assert [step.event for step in way] == ["Drifted", "Applied"]
    new = instance.deployment("source-controller")
    assert new is not None
    assert new["metadata"]["uid"] != old["metadata"]["uid"]


def break_down(instance: Instance, path: str) -> None:
    """Say what a kubelet says of an image whose name makes no sense."""
    waits: dict[str, Any] = {"reason": "InvalidImageName", "message": "couldn't parse"}
    container = {
        "name": "manager",
        "image": "?",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": waits},
    }
    status = {"phase": "Pending", "containerStatuses": [container]}
    instance.cluster.request("PATCH", path, {"status": status}, content_type=MERGE)
