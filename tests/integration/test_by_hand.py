# SPDX-License-Identifier: Apache-2.0
"""What people change by hand ends the same way whether or not the operator restarts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import MERGE, Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

REPORTING = {"leases", "events", "fluxreports", "fluxinstances"}
"""Resources by which the operator says what it does."""

SPEC: Manifest = {
    "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
    "components": ["source-controller", "kustomize-controller"],
    "sync": {
        "kind": "GitRepository",
        "url": "https://example.com/fleet.git",
        "ref": "refs/heads/main",
        "path": "clusters/one",
    },
    "wait": False,
}
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def restart(operator: Operator, instance: Instance) -> None:
    """Stop the operator and start it again."""
    operator.stop()
    operator.start()
    operator.reaches("Ready", after=len(operator.transitions()))
    instance.becomes_ready()


def ask(operator: Operator, instance: Instance) -> None:
    """Ask the operator that runs for a run."""
    before = len(operator.transitions())
    instance.annotate({names.REQUESTED_AT: "now"})
    operator.reaches("Ready", after=before)
    instance.becomes_ready()


@pytest.mark.parametrize("run", [restart, ask])
def test_what_is_done_by_hand(
    instance: Instance, operate: Callable[..., Operator], run: Callable[[Operator, Instance], None]
) -> None:
    """A restart, a suspension and labels of the Namespace stay; a label of the pods goes."""
    operator = operate()
    instance.create(SPEC)
    instance.becomes_ready()
    touch(instance)
    generation = (instance.deployment("source-controller") or {})["metadata"]["generation"]
    run(operator, instance)
    check(instance, generation)
    before = len(instance.cluster.audit("fluxsm"))
    ask_again(operator, instance)
    writes = [
        item
        for item in instance.cluster.audit("fluxsm")[before:]
        if item.verb in {"patch", "update", "create"}
        and item.resource.partition("/")[0]
        not in {"leases", "events", "fluxreports", "fluxinstances"}
    ]
    assert writes == []


def touch(instance: Instance) -> None:
    """What people do with kubectl and the command line of Flux."""
    namespace, kubectl = instance.namespace, instance.cluster.kubectl
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/warn=restricted")
    kubectl("annotate", "namespace", namespace, "owner=platform")
    kubectl("rollout", "restart", "deployment/source-controller", "-n", namespace)
    patch = '{"spec":{"template":{"metadata":{"labels":{"patched":"yes"}}}}}'
    kubectl("patch", "deployment/kustomize-controller", "-n", namespace, "-p", patch)
    path = kustomization(namespace)
    body = {"spec": {"suspend": True}}
    instance.cluster.request("PATCH", f"{path}?fieldManager=flux", body, content_type=MERGE)
    until(lambda: names.SYNC_SUSPENDED in instance.reasons() or None, "an event of the suspension")


def kustomization(namespace: str) -> str:
    """The path of the sync's Kustomization."""
    group = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{namespace}"
    return f"{group}/kustomizations/{namespace}"


def check(instance: Instance, generation: int) -> None:
    """How it ends, and what the events say of it."""
    namespace = instance.get(f"/api/v1/namespaces/{instance.namespace}") or {}
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/warn"] == "restricted"
    assert namespace["metadata"]["annotations"]["owner"] == "platform"
    restarted = instance.deployment("source-controller") or {}
    assert RESTARTED in restarted["spec"]["template"]["metadata"]["annotations"]
    assert restarted["metadata"]["generation"] == generation  # no second rollout
    patched = instance.deployment("kustomize-controller") or {}
    assert "patched" not in patched["spec"]["template"]["metadata"]["labels"]
    sync = instance.get(kustomization(instance.namespace)) or {}
    assert sync["spec"]["suspend"] is True

    def drift() -> list[str] | None:
        found = [item for item in instance.events() if item["reason"] == names.DRIFT_DETECTED]
        return [item["message"] for item in found] or None

    assert until(drift, "an event of the takeover") == [
        (
            f"Deployment/{instance.namespace}/kustomize-controller:"
            " spec.template.metadata.labels.patched added by kubectl-patch"
        )
    ]


def ask_again(operator: Operator, instance: Instance) -> None:
    """Another run, which has nothing to do."""
    before = len(operator.transitions())
    instance.annotate({names.REQUESTED_AT: "again"})
    operator.reaches("Ready", after=before)
    instance.becomes_ready()
