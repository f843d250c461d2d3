# SPDX-License-Identifier: Apache-2.0
"""What goes wrong is said, tried again, and never in the way of a deletion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import MERGE, Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]


def spec(version: str = "2.x", **more: Any) -> Manifest:
    """A small installation that waits for nothing."""
    return {
        "distribution": {"version": version, "registry": "ghcr.io/fluxcd"},
        "components": ["source-controller"],
        "wait": False,
        **more,
    }


def test_an_artifact_that_cannot_be_fetched(instance: Instance, operate: Operate) -> None:
    """The artifact is named, the fetch is tried again, and the instance can be deleted."""
    operator = operate()
    artifact = "oci://not.found.invalid/artifact"
    distribution = {**spec()["distribution"], "artifact": artifact}
    instance.create({**spec(), "distribution": distribution})
    ready = instance.becomes_failed(names.ARTIFACT_FAILED, seconds=60)
    assert "not.found.invalid/artifact" in ready["message"]
    assert instance.condition("Reconciling")["reason"] == "ProgressingWithRetry"
    assert instance.condition("Stalled") == {}
    assert "history" not in instance.status
    operator.reaches("FetchingArtifact", after=2)
    assert set(instance.reasons()) == {names.ARTIFACT_FAILED}
    instance.delete()
    instance.goes()


def test_a_downgrade_is_refused(instance: Instance, operate: Operate, upstream: Path) -> None:
    """A lower minor is refused and nothing is touched; the instance still uninstalls."""
    operate(storage=upstream)
    instance.create(spec("2.7.5"))
    instance.becomes_ready()
    before = (instance.deployment("source-controller") or {})["spec"]
    instance.patch(spec={"distribution": {"version": "2.6.x"}})
    ready = instance.becomes_failed(names.BUILD_FAILED)
    assert "is not supported" in ready["message"]
    assert "downgrading from" in ready["message"]
    assert instance.condition("Stalled")["status"] == "True"
    assert (instance.deployment("source-controller") or {})["spec"] == before
    instance.delete()
    instance.goes()
    assert instance.deployment("source-controller") is None


def test_a_health_check_that_times_out(instance: Instance, operate: Operate) -> None:
    """The message lists what was waited for, also in the next run; deletion works."""
    operate()
    unschedulable = {
        "target": {"kind": "Deployment"},
        "patch": "- op: add\n  path: /spec/template/spec/nodeSelector\n  value: {no: node}\n",
    }
    instance.create(
        spec(wait=True, kustomize={"patches": [unschedulable]}),
        {names.RECONCILE_TIMEOUT: "3s"},
    )
    for request in ("first", "second"):
        ready = instance.becomes_failed(names.HEALTH_CHECK_FAILED)
        assert "timeout waiting for" in ready["message"]
        assert "source-controller status: 'InProgress'" in ready["message"]
        assert "limit 3s" in ready["message"]
        instance.annotate({names.REQUESTED_AT: request})
        instance.becomes(lambda found: not _has_failed(found), "another run")
    instance.delete()
    instance.goes()


def _has_failed(manifest: Manifest) -> bool:
    conditions = {item["type"]: item["status"] for item in manifest["status"]["conditions"]}
    return bool(conditions["Ready"] == "False")


def test_an_immutable_field_is_not_forced(instance: Instance, operate: Operate) -> None:
    """A claim is not created again; the failure names it and is cured by the old value."""
    operator = operate()
    instance.create(spec(storage={"class": "standard", "size": "1Gi"}))
    instance.becomes_ready()
    claims = f"/api/v1/namespaces/{instance.namespace}/persistentvolumeclaims"
    (before,) = instance.cluster.request("GET", claims)["items"]
    instance.patch(spec={"storage": {"class": "fast", "size": "1Gi"}})
    ready = instance.becomes_failed(names.BUILD_FAILED)
    assert "PersistentVolumeClaim" in ready["message"]
    assert "is immutable" in ready["message"]
    count = len(operator.transitions())
    operator.reaches("Failed", after=count)
    (after,) = instance.cluster.request("GET", claims)["items"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    instance.patch(spec={"storage": {"class": "standard", "size": "1Gi"}})
    instance.becomes_ready()


def test_a_stage_that_does_not_get_ready(instance: Instance, operate: Operate) -> None:
    """A CRD that is stuck in deletion is named, and waited for while everything else is there.

    What holds it may be a custom resource that only a controller of a later stage lets go.
    """
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    name = "buckets.source.toolkit.fluxcd.io"
    instance.cluster.request("POST", crds, _crd(name))
    instance.cluster.request("DELETE", f"{crds}/{name}")
    operator = operate()
    try:
        instance.create(spec())
        operator.reaches("Applying")
        named = instance.becomes(
            lambda found: name in str((found.get("status") or {}).get("conditions")), "its name"
        )
        assert "Terminating" in str(named["status"]["conditions"])
        assert instance.deployment("source-controller")
    finally:
        free = {"metadata": {"finalizers": None}}
        instance.cluster.request("PATCH", f"{crds}/{name}", free, content_type=MERGE)
    instance.becomes_ready(seconds=30)  # in the same run: its stage has a minute
    assert "Failed" not in {item.dest for item in operator.transitions()}


def _crd(name: str) -> Manifest:
    plural, _, group = name.partition(".")
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "finalizers": ["example.com/stuck"]},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": "bucket", "kind": "Bucket"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def test_failures_are_retried_slower_and_slower(instance: Instance, operate: Operate) -> None:
    """Retries come after 0.75 s, 1.5 s, 3 s; a label changes nothing, a request does."""
    operator = operate()
    instance.create(spec())
    instance.becomes_ready()
    before = len(operator.transitions())
    instance.patch(spec={"distribution": {"version": "9.x"}})

    def delays() -> list[float] | None:
        found = [t.seconds for t in operator.transitions()[before:] if t.source == "Failed"]
        return found if len(found) >= 3 else None

    first, second, third = until(delays, "three retries")
    assert 0.7 <= first <= 1.4
    assert 1.4 <= second <= 2.6
    assert 2.9 <= third <= 5.0
    operator.reaches("Failed", after=before + 4 * 3)
    assert instance.condition("Stalled")["status"] == "True"
    count = len(operator.transitions())
    instance.patch(metadata={"labels": {"a": "label"}})
    instance.annotate({"an": "annotation"})
    instance.annotate({names.REQUESTED_AT: "1"})
    found = until(lambda: operator.transitions()[count:][:1] or None, "a run")
    assert found[0].event == "Changed"
