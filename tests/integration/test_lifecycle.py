# SPDX-License-Identifier: Apache-2.0
"""Install, change, look again, suspend, resume, delete."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.conftest import flux_crds
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

NO_REPLICAS = {
    "target": {"kind": "Deployment"},
    "patch": "- op: add\n  path: /spec/replicas\n  value: 0\n",
}


def default_spec(version: str = "v2.3.0") -> dict[str, Any]:
    """The spec that most scenarios start from."""
    return {
        "distribution": {"version": version, "registry": "ghcr.io/fluxcd"},
        "wait": False,
        "migrateResources": True,
        "sync": {
            "kind": "OCIRepository",
            "url": "oci://registry/repo",
            "path": "./",
            "ref": "latest",
            "provider": "generic",
        },
        "commonMetadata": {"labels": {"app.kubernetes.io/name": "flux"}},
        "kustomize": {"patches": [NO_REPLICAS]},
    }


def test_a_first_installation(instance: Instance, operate: Operate, upstream: Path) -> None:
    """The default spec is installed, labelled, listed and remembered."""
    operate(storage=upstream)
    instance.create(default_spec())
    manifest = instance.becomes_ready()
    status, namespace = manifest["status"], instance.namespace
    assert names.FINALIZER in manifest["metadata"]["finalizers"]
    check_conditions(manifest)
    ids = {(entry["id"], entry["v"]) for entry in status["inventory"]["entries"]}
    assert ids >= {
        *((f"{namespace}_{name}_apps_Deployment", "v1") for name in names.DEFAULT_COMPONENTS),
        (f"{namespace}_allow-egress_networking.k8s.io_NetworkPolicy", "v1"),
        (f"_cluster-reconciler-{namespace}_rbac.authorization.k8s.io_ClusterRoleBinding", "v1"),
    }
    (entry,) = status["history"]
    version, _, digest = status["lastAppliedRevision"].partition("@")
    assert entry["lastReconciledStatus"] == "ReconciliationSucceeded"
    assert entry["digest"] == digest
    assert entry["metadata"]["flux"] == version == "v2.3.0"
    annotations = read(instance, f"/api/v1/namespaces/{namespace}")["metadata"]["annotations"]
    assert annotations["fluxcd.controlplane.io/prune"] == "disabled"
    assert annotations["kustomize.toolkit.fluxcd.io/prune"] == "Disabled"
    assert [item["name"] for item in status["components"]] == list(names.DEFAULT_COMPONENTS)
    assert [item["repository"] for item in status["components"]] == [
        f"ghcr.io/fluxcd/{name}" for name in names.DEFAULT_COMPONENTS
    ]
    controller = instance.deployment("source-controller")
    assert controller is not None
    template = controller["spec"]["template"]
    assert template["spec"]["containers"][0]["image"].startswith("ghcr.io/fluxcd/source-controller")
    assert controller["metadata"]["labels"]["app.kubernetes.io/name"] == "flux"
    assert template["metadata"]["labels"]["app.kubernetes.io/part-of"] == "flux"


def test_another_registry_and_fewer_components(
    instance: Instance, operate: Operate, upstream: Path
) -> None:
    """What a change no longer wants goes away; the rest is updated, reported and remembered."""
    operate(storage=upstream)
    instance.create(default_spec())
    instance.becomes_ready()
    instance.patch(
        metadata={"annotations": {RECONCILE: "enabled", names.RECONCILE_EVERY: "1m"}},
        spec={
            "distribution": {"registry": "docker.io/fluxcd"},
            "components": ["source-controller", "kustomize-controller"],
            "cluster": {"networkPolicy": False},
        },
    )
    status = instance.becomes_ready()["status"]
    assert status["lastAppliedRevision"] == status["lastAttemptedRevision"]
    assert status["lastAppliedRevision"].startswith("v2.3.0@sha256:")
    gone = ("helm-controller", "notification-controller", "allow-egress")
    assert not [ref for ref in instance.inventory() if ref.name in gone]
    assert instance.deployment("helm-controller") is None
    assert instance.deployment("notification-controller") is None
    policies = f"/apis/networking.k8s.io/v1/namespaces/{instance.namespace}/networkpolicies"
    assert read(instance, policies)["items"] == []
    assert [item["repository"] for item in status["components"]] == [
        "index.docker.io/fluxcd/source-controller",
        "index.docker.io/fluxcd/kustomize-controller",
    ]
    assert [entry["lastReconciledStatus"] for entry in status["history"]] == [
        "ReconciliationSucceeded", "ReconciliationSucceeded",
    ]  # fmt: skip
    check_story(instance, status["lastAppliedRevision"])
    instance.delete()
    instance.goes()


def check_story(instance: Instance, revision: str) -> None:
    """The events tell the whole story, and the last one names the revision."""
    wanted = ("is outdated", "Installing", "installed", "Upgrading", "updated", "finished in")

    def reported() -> list[Manifest] | None:
        events = instance.events()
        text = "\n".join(str(event["message"]) for event in events)
        finished = text.count("Reconciliation finished") == 2
        return events if finished and all(word in text for word in wanted) else None

    events = until(reported, "all of it in the events")
    last = events[-1]
    assert last["metadata"]["annotations"]["fluxcd.controlplane.io/revision"] == revision


def test_an_outdated_version_and_a_second_look(
    instance: Instance, operate: Operate, upstream: Path
) -> None:
    """Four events tell of a first installation; another run writes and tells nothing new."""
    operate(storage=upstream)
    instance.create({**default_spec("v2.7.x"), "sync": None})
    instance.becomes_ready()
    assert until(lambda: at_least(4, instance.reasons()), "four events") == [
        "OutdatedVersion", "Progressing", "ReconciliationSucceeded", "ReconciliationSucceeded",
    ]  # fmt: skip
    before = versions(instance)
    instance.annotate({names.REQUESTED_AT: "again"})
    status = instance.becomes_ready()["status"]
    assert versions(instance) == before
    assert status["history"][0]["totalReconciliations"] == 2
    assert len(status["history"]) == 1
    later = instance.events()[4:]
    assert not [event for event in later if re.search("installed|updated", event["message"])]


def at_least(count: int, found: list[str]) -> list[str] | None:
    """A list that is long enough."""
    return found if len(found) >= count else None


def versions(instance: Instance) -> dict[str, str]:
    """The resourceVersion of every object of the instance, but for what controllers write."""
    labels = f"fluxcd.controlplane.io/namespace={instance.namespace}"
    kinds = "crd,ns,clusterroles,clusterrolebindings,sa,svc,deploy,netpol"
    path = "{range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion} {end}"
    text = instance.cluster.kubectl("get", kinds, "-A", "-l", labels, "-o", f"jsonpath={path}")
    return dict(pair.split("=") for pair in text.split())


def test_created_while_disabled(instance: Instance, operate: Operate) -> None:
    """An instance that is created disabled installs nothing, and can be deleted."""
    operate()
    instance.create(default_spec("2.x"), {RECONCILE: "disabled"})
    instance.becomes(
        lambda found: found["metadata"].get("finalizers") == [names.FINALIZER], "the finalizer"
    )
    ready = instance.condition(names.READY)
    assert (ready["status"], ready["reason"]) == ("True", "ReconciliationDisabled")
    assert flux_crds(instance.cluster) == []
    instance.delete()
    instance.goes()


def test_changes_wait_for_the_resume(instance: Instance, operate: Operate) -> None:
    """A change of a disabled instance is not carried out before it is enabled again."""
    operator = operate()
    instance.create({**default_spec("2.x"), "sync": None})
    instance.becomes_ready()
    instance.patch(
        metadata={"annotations": {RECONCILE: "disabled"}},
        spec={"components": ["source-controller"]},
    )
    operator.reaches("Suspended")
    until(lambda: instance.reasons()[-1] == "ReconciliationDisabled" or None, "the event")
    assert instance.deployment("kustomize-controller") is not None
    instance.annotate({names.REQUESTED_AT: "while-disabled"})
    instance.becomes(
        lambda found: found["status"].get("lastHandledReconcileAt") == "while-disabled",
        "an answer to the request",
    )
    assert instance.deployment("kustomize-controller") is not None
    instance.annotate({RECONCILE: "enabled"})
    instance.delete()
    instance.goes()
    assert instance.deployment("source-controller") is None
    assert instance.deployment("kustomize-controller") is None


def test_detach_from_a_running_flux(instance: Instance, operate: Operate) -> None:
    """The deletion of a disabled instance leaves Flux as it is; a new instance takes it over."""
    operate()
    instance.create({**default_spec("2.x"), "sync": None})
    instance.becomes_ready()
    instance.annotate({RECONCILE: "disabled"})
    instance.delete()
    instance.goes()
    for name in names.DEFAULT_COMPONENTS:
        assert instance.deployment(name) is not None
    assert flux_crds(instance.cluster)
    before = versions(instance)
    instance.create({**default_spec("2.x"), "sync": None})
    instance.becomes_ready()
    assert versions(instance) == before


def read(instance: Instance, path: str) -> Manifest:
    """An object that is there."""
    found = instance.get(path)
    assert found is not None
    return found


def check_conditions(manifest: Manifest) -> None:
    """Ready at the newest generation, and nothing is going on."""
    (ready,) = manifest["status"]["conditions"]
    assert (ready["type"], ready["status"]) == ("Ready", "True")
    assert ready["reason"] == "ReconciliationSucceeded"
    assert ready["observedGeneration"] == manifest["metadata"]["generation"]
