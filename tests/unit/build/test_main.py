# SPDX-License-Identifier: Apache-2.0
"""The main installation: namespace, policies, roles, base arguments, scheduling."""

from __future__ import annotations

import pytest

from fluxsm.build.distribution import Distribution
from fluxsm.errors import BuildError
from tests.unit.build.makers import ALL, WATCHED, built, distribution

PRUNE = "kustomize.toolkit.fluxcd.io/prune"
SSA = "kustomize.toolkit.fluxcd.io/ssa"


def test_the_default_objects_in_delivery_order() -> None:
    """CRDs first, what they define last."""
    found = built()
    kinds = list(dict.fromkeys(item["kind"] for item in found.objects))
    assert kinds == [
        "CustomResourceDefinition",
        "Namespace",
        "ClusterRole",
        "ClusterRoleBinding",
        "ResourceQuota",
        "ServiceAccount",
        "Service",
        "Deployment",
        "NetworkPolicy",
    ]
    assert list(found.deployments()) == [
        "helm-controller",
        "kustomize-controller",
        "notification-controller",
        "source-controller",
    ]
    crds = [item["metadata"]["name"] for item in found.of_kind("CustomResourceDefinition")]
    assert crds == sorted(crds)


def test_the_namespace_object() -> None:
    """It is never pruned, and warns of pods that are not restricted."""
    assert built(namespace="gitops").get("Namespace/gitops") == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "gitops",
            "annotations": {"fluxcd.controlplane.io/prune": "disabled", PRUNE: "Disabled",
                            SSA: "Ignore"},
            "labels": {
                "app.kubernetes.io/instance": "gitops",
                "app.kubernetes.io/managed-by": "flux-operator",
                "app.kubernetes.io/part-of": "flux",
                "app.kubernetes.io/version": "v2.8.8",
                "fluxcd.controlplane.io/name": "flux",
                "fluxcd.controlplane.io/namespace": "gitops",
                "pod-security.kubernetes.io/warn": "restricted",
                "pod-security.kubernetes.io/warn-version": "latest",
            },
        },
    }  # fmt: skip


@pytest.mark.parametrize("version", ["v2.6.4", "v2.7.5", "v2.8.8", "v2.9.4"])
def test_every_object_is_labelled_and_placed(version: str) -> None:
    """Only objects of cluster-wide kinds have no namespace; labels that were there stay."""
    wide = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
    for item in built(version, "gitops", components=ALL).objects:
        metadata = item["metadata"]
        assert metadata.get("namespace") == (None if item["kind"] in wide else "gitops")
        assert metadata["annotations"][PRUNE] == "Disabled"
        assert metadata["annotations"][SSA] == "Ignore"
        assert metadata["labels"]["app.kubernetes.io/version"] == version
        if item["kind"] == "Deployment":
            assert metadata["labels"]["app.kubernetes.io/component"] == metadata["name"]
            assert metadata["labels"]["control-plane"] == "controller"


def test_pod_templates_get_no_common_labels() -> None:
    """But every pod tells what it is part of, and that it may be evicted."""
    for item in built("v2.6.4").of_kind("Deployment"):
        metadata = item["spec"]["template"]["metadata"]
        assert metadata["labels"]["app.kubernetes.io/part-of"] == "flux"
        assert "app.kubernetes.io/version" not in metadata["labels"]
        assert metadata["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "true"
        assert PRUNE not in metadata["annotations"]


@pytest.mark.parametrize(
    ("cluster", "wanted"),
    [(None, 3), ({}, 3), ({"networkPolicy": True}, 3), ({"networkPolicy": False}, 0)],
)
def test_network_policies(cluster: dict[str, bool] | None, wanted: int) -> None:
    """They are there unless they are switched off."""
    assert len(built(cluster=cluster).of_kind("NetworkPolicy")) == wanted


def test_roles_and_the_quota_are_named_after_the_namespace() -> None:
    """All six; subjects follow, also those of controllers that are not there."""
    found = built(namespace="gitops", components=["source-controller"])
    for name in (
        "ResourceQuota/critical-pods-gitops",
        "ClusterRole/crd-controller-gitops",
        "ClusterRole/flux-edit-gitops",
        "ClusterRole/flux-view-gitops",
        "ClusterRoleBinding/crd-controller-gitops",
        "ClusterRoleBinding/cluster-reconciler-gitops",
    ):
        assert name in found.names
    controllers = found.get("ClusterRoleBinding/crd-controller-gitops")
    assert controllers["roleRef"]["name"] == "crd-controller-gitops"
    assert {item["namespace"] for item in controllers["subjects"]} == {"gitops"}
    assert len(controllers["subjects"]) > 5
    reconciler = found.get("ClusterRoleBinding/cluster-reconciler-gitops")
    assert reconciler["roleRef"]["name"] == "cluster-admin"


def test_base_arguments() -> None:
    """Values take the place of those in the manifests."""
    found = built("v2.7.5", "gitops", components=WATCHED, cluster={"domain": "corp.local"})
    events = "--events-addr=http://notification-controller.gitops.svc.corp.local./"
    common = ["--watch-all-namespaces=true", "--log-level=info", "--log-encoding=json",
              "--enable-leader-election"]  # fmt: skip
    assert found.args("notification-controller")[:4] == common
    assert found.args("helm-controller")[:5] == [events, *common]
    for name in ("source-controller", "source-watcher"):
        address = f"--storage-adv-addr={name}.$(RUNTIME_NAMESPACE).svc.corp.local."
        assert found.args(name)[:7] == [events, *common, "--storage-path=/data", address]


def test_an_empty_domain_is_the_default_one() -> None:
    """As the operator of the reference takes it."""
    assert "svc.cluster.local." in built(cluster={"domain": ""}).args("source-controller")[6]


def test_without_notification_controller_events_go_nowhere() -> None:
    """The flag stays, with an empty value."""
    assert built(components=["helm-controller"]).args("helm-controller")[0] == "--events-addr="


def test_pods_run_on_linux_and_pull_with_the_secret() -> None:
    """Shards too; service accounts do not change."""
    found = built(imagePullSecret="auth", sharding={"shards": ["a"]})
    for name in found.deployments():
        assert found.pod(name)["nodeSelector"] == {"kubernetes.io/os": "linux"}
        assert found.pod(name)["imagePullSecrets"] == [{"name": "auth"}]
    assert all("imagePullSecrets" not in item for item in found.of_kind("ServiceAccount"))
    assert "imagePullSecrets" not in built().pod("helm-controller")


def test_an_empty_list_of_components_is_the_default_one() -> None:
    """So the complaint about no component cannot occur."""
    assert built(components=[]).names == built().names


def test_components_may_come_in_any_order() -> None:
    """The status keeps it; the objects are sorted."""
    turned = built(components=ALL[3::-1])
    assert turned.names == built().names
    assert [image.name for image in turned.result.components] == ALL[3::-1]


def test_a_missing_component_file_is_named() -> None:
    """Both ways of choosing images tell the file."""
    files = {"flux/v2.8.8/rbac.yaml": b"", "flux/v2.8.8/policies.yaml": b""}
    empty = Distribution(files, source="here")
    with pytest.raises(BuildError, match=r"images could not be read from the manifests.*here/flux"):
        built(of=empty)


@pytest.mark.parametrize("name", ["rbac", "policies"])
def test_a_missing_common_file_is_named(name: str) -> None:
    """The path is that in the distribution."""
    whole = dict(distribution("v2.9.4")._files)
    del whole[f"flux/v2.9.4/{name}.yaml"]
    with pytest.raises(BuildError, match=f"here/flux/v2.9.4/{name}.yaml does not exist"):
        built("v2.9.4", of=Distribution(whole, source="here"))
