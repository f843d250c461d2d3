# SPDX-License-Identifier: Apache-2.0
"""The deletion of an instance removes Flux and nothing else, whatever gets in the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.conftest import flux_crds
from tests.integration.instance import MERGE, Instance
from tests.integration.operator import Operator, until
from tests.integration.policies import forbidding
from tests.integration.test_install import managed

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

FOREIGN = "example.com/foreign"
REPOSITORIES = "gitrepositories.source.toolkit.fluxcd.io"


def spec(*components: str, **more: Any) -> Manifest:
    """An installation of some components."""
    return {
        "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
        "components": list(components),
        **more,
    }


def repository(instance: Instance) -> str:
    """Where a Git repository is served."""
    group = "/apis/source.toolkit.fluxcd.io/v1"
    return f"{group}/namespaces/{instance.namespace}/gitrepositories/some"


def create_repository(instance: Instance) -> None:
    """Create a Git repository of which Flux and somebody else must let go."""
    body = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "some", "finalizers": ["finalizers.fluxcd.io", FOREIGN]},
        "spec": {"url": "https://example.com/some", "interval": "1m"},
    }
    instance.cluster.request("POST", repository(instance).rpartition("/")[0], body)


def create_workloads(instance: Instance) -> None:
    """Create what Flux would have deployed, and a Secret of the user."""
    metadata = {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}
    kinds = (("configmaps", "ConfigMap", "app"), ("secrets", "Secret", "pull-secret"))
    for plural, kind, name in kinds:
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **metadata}}
        path = f"/api/v1/namespaces/{instance.namespace}/{plural}"
        instance.cluster.request("POST", path, body)


def test_leftovers_are_named_and_a_restart_goes_on(instance: Instance, operate: Operate) -> None:
    """Only the finalizer of Flux is taken off; what Flux deployed is still there at the end."""
    operator = operate()
    instance.create(spec("source-controller", "kustomize-controller"))
    instance.becomes_ready()
    create_repository(instance)
    create_workloads(instance)
    instance.delete()
    named_as_left_over(instance)
    held = instance.cluster.request("GET", repository(instance))
    assert held["metadata"]["finalizers"] == [FOREIGN]
    assert instance.deployment("source-controller") is None
    operator.kill()
    before = len(operator.transitions())
    operator.start()
    operator.reaches("Uninstalling", after=before)
    named_as_left_over(instance)
    free = {"metadata": {"finalizers": None}}
    instance.cluster.request("PATCH", repository(instance), free, content_type=MERGE)
    instance.goes()
    assert operator.errors() == []
    assert flux_crds(instance.cluster) == []
    namespace = instance.namespace
    assert managed(instance) == {f"_{namespace}__Namespace"}
    for path in ("configmaps/app", "secrets/pull-secret"):
        found = instance.get(f"/api/v1/namespaces/{namespace}/{path}")
        assert found is not None
        assert "deletionTimestamp" not in found["metadata"]
    found = instance.get(f"/api/v1/namespaces/{namespace}")
    assert found is not None
    assert found["status"]["phase"] == "Active"


def named_as_left_over(instance: Instance) -> None:
    """The status tells what the uninstallation still waits for."""

    def tells(found: Manifest) -> bool:
        text = json.dumps((found.get("status") or {}).get("conditions"))
        return f"CustomResourceDefinition/{REPOSITORIES} is still being deleted" in text

    instance.becomes(tells, "leftover in the status")


def test_an_installation_that_failed_half_way_is_removed(
    instance: Instance, operate: Operate
) -> None:
    """Also what was applied before the failure, and never was Ready."""
    operate()
    name = "notification-controller"
    with forbidding(instance.cluster, instance.namespace, "CREATE", name):
        instance.create(spec("source-controller", name, wait=False))
        ready = instance.becomes_failed(names.RECONCILIATION_FAILED)
        assert f"Deployment/{instance.namespace}/{name}" in ready["message"]
        assert "forbidden by a policy" in ready["message"]
        assert instance.deployment("source-controller") is not None
        assert "lastAppliedRevision" not in instance.status
        instance.delete()
        instance.goes()
    until(lambda: flux_crds(instance.cluster) == [], "end of the Flux CRDs")
    assert managed(instance) == {f"_{instance.namespace}__Namespace"}
