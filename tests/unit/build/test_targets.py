# SPDX-License-Identifier: Apache-2.0
"""What the target of a user patch selects, and how a patch may be written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fluxsm.api.instance import Target
from fluxsm.build.patches.target import select
from fluxsm.build.resource import NamespacedName, Resource
from fluxsm.errors import BuildError
from tests.unit.build.makers import patched
from tests.unit.build.patching import SHARDED, merge, operate, patch, thing


def selected(target: dict[str, str]) -> list[str]:
    """Kinds and names that a target selects in a build with a shard, by a mark it leaves."""
    mark = '[{"op": "add", "path": "/metadata/annotations/mark", "value": "x"}]'
    sync = {"kind": "Bucket", "url": "u", "ref": "r", "path": "p"}
    found = patched((mark, target), sharding=SHARDED, sync=sync,
                    storage={"class": "c", "size": "1Gi"})  # fmt: skip
    return [
        name
        for name, item in zip(found.names, found.objects, strict=True)
        if "mark" in item["metadata"]["annotations"]
    ]


def test_an_empty_target_selects_everything() -> None:
    """It is a target all the same."""
    assert len(selected({})) == 39
    for field in ("group", "version", "kind", "name", "namespace"):
        assert len(selected({field: ".*"})) == 39


@pytest.mark.parametrize(
    ("target", "names"),
    [
        pytest.param({"kind": "Deployment", "name": "source-controller"},
                     ["Deployment/source-controller", "Deployment/source-controller-a"],
                     id="the original name selects shards"),
        pytest.param({"kind": "Deployment", "name": "source-controller-a"},
                     ["Deployment/source-controller-a"], id="the current name selects one"),
        pytest.param({"kind": "Deployment", "name": "source-.*",
                      "annotationSelector": "!sharding.fluxcd.io/role"},
                     ["Deployment/source-controller"], id="main controllers only"),
        pytest.param({"name": "helm-controller|kustomize-controller", "kind": "ServiceAccount"},
                     ["ServiceAccount/helm-controller", "ServiceAccount/kustomize-controller"],
                     id="alternatives are anchored as a whole"),
        pytest.param({"name": "helm"}, [], id="a part of a name is no match"),
        pytest.param({"kind": "deployment"}, [], id="case counts"),
        pytest.param({"kind": "(?i)namespace"}, ["Namespace/flux-system"], id="inline flags"),
        pytest.param({"name": "flux-view"}, ["ClusterRole/flux-view-flux-system"],
                     id="a role by its original name"),
        pytest.param({"name": "flux-view-flux-system"}, ["ClusterRole/flux-view-flux-system"],
                     id="a role by its current name"),
        pytest.param({"group": "^$", "kind": "Service", "name": "web.*"},
                     ["Service/webhook-receiver"], id="the core group"),
        pytest.param({"group": "apps", "version": "v2"}, [], id="another version"),
        pytest.param({"namespace": "flux-system", "kind": "ResourceQuota|Bucket|Deployment",
                      "name": ".*(quota|pods|flux-system|helm-controller.*)"},
                     ["ResourceQuota/critical-pods-flux-system", "Deployment/helm-controller",
                      "Deployment/helm-controller-a", "Bucket/flux-system"],
                     id="the namespace that all objects will have"),
        pytest.param({"namespace": "flux-.*", "kind": "ServiceAccount", "name": "helm-.*"},
                     ["ServiceAccount/helm-controller"], id="an expression for the namespace"),
        pytest.param({"namespace": "other", "kind": "Deployment"}, [], id="another namespace"),
        pytest.param({"namespace": "default", "kind": "ResourceQuota|Bucket|PersistentVolumeClaim"},
                     ["ResourceQuota/critical-pods-flux-system",
                      "PersistentVolumeClaim/source-controller"], id="no namespace is default"),
        pytest.param({"namespace": "default|flux-system", "kind": "ClusterRole"}, [],
                     id="a cluster-wide object is in no namespace"),
        pytest.param({"namespace": "_non_namespaceable_", "kind": "Namespace"},
                     ["Namespace/flux-system"], id="what stands for no namespace"),
        pytest.param({"labelSelector": "pod-security.kubernetes.io/warn=restricted"},
                     ["Namespace/flux-system"], id="labels"),
        pytest.param({"labelSelector": "app.kubernetes.io/managed-by"}, [],
                     id="labels that come later are not seen"),
    ],
)  # fmt: skip
def test_targets(target: dict[str, str], names: list[str]) -> None:
    """All given criteria must hold."""
    assert selected(target) == names


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("a=1", True), ("a==1", True), ("a = 1", True), (" a=1 ", True), ("a=2", False),
        ("b=", False), ("a!=2", True), ("c!=2", True), ("a!=1", False), ("a in (1,2)", True),
        ("a in (2, 3)", False), ("a notin (2)", True), ("c notin (2)", True),
        ("a notin ( 1 )", False), ("a", True), ("c", False), ("!c", True), ("! c", True),
        ("!a", False), ("a=1,b.io/x=y", True), ("a=1, !b.io/x", False), ("n>5", True),
        ("n<5", False), ("n > 10", False), ("b.io/x>5", False), ("c>1", False), ("", True),
        ("e=", True), ("e in ()", True),
    ],
)  # fmt: skip
def test_selectors(selector: str, *, matches: bool) -> None:
    """Kubernetes syntax, for labels and annotations alike."""
    values = {"a": "1", "b.io/x": "y", "n": "10", "e": ""}
    item = thing()
    item["metadata"] |= {"labels": values, "annotations": values}
    for field in ("labelSelector", "annotationSelector"):
        target = Target.model_validate({field: selector})
        assert bool(select([Resource.of(item)], target, "here")) is matches


@pytest.mark.parametrize(
    "selector",
    ["a=b,", ",a", "a b", "a in", "a in (b", "a=b=c", "=a", "a=$", "-a", "a in (b c)", "n>x",
     "a,,b", "a/b/c=d", "x" * 64],
)  # fmt: skip
def test_selectors_that_are_none(selector: str) -> None:
    """Each is quoted in the message."""
    target = Target.model_validate({"labelSelector": selector})
    with pytest.raises(BuildError, match=r"here\.labelSelector"):
        select([Resource.of(thing())], target, "here")


def test_a_name_that_an_object_had_in_between_selects_nothing() -> None:
    """Only the first and the last count, for a target."""
    item = Resource(manifest=thing(name="c"), original=NamespacedName(name="a"),
                    former=[NamespacedName(name="b")])  # fmt: skip
    found = {name: select([item], Target(name=name), "here") for name in "abc"}
    assert {name: bool(items) for name, items in found.items()} == {
        "a": True, "b": False, "c": True,
    }  # fmt: skip


def test_both_forms_of_a_list_of_operations() -> None:
    """JSON, and YAML with comments and a leading document mark."""
    assert operate({}, {"op": "add", "path": "/x", "value": 1}) is not None
    text = "# comment\n---\n- op: add\n  path: /spec/x\n  value: yes\n"
    assert patch(thing(spec={}), text)["spec"] == {"x": True}


@pytest.mark.parametrize(
    ("written", "operated", "merged"),
    [("yes", True, "yes"), ("off", False, "off"), ("True", True, True), ("0644", 420, 420),
     ("0x10", 16, 16), ("1_000", 1000, 1000), ("1.0", 1, 1), ("1e3", 1000, 1000),
     ("12:30", "12:30", "12:30"), ("2020-01-01", "2020-01-01", "2020-01-01")],
)  # fmt: skip
def test_plain_scalars(written: str, operated: Any, merged: Any) -> None:
    """The two forms read some words differently."""
    by_operation = f"- {{op: add, path: /spec/x, value: {written}}}"
    assert patch(thing(spec={}), f"---\n{by_operation}")["spec"] == {"x": operated}
    assert merge({}, f"{{x: {written}}}") == {"x": merged}


def test_several_documents_and_lists_name_their_objects() -> None:
    """Empty documents are skipped."""
    text = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: source-controller}\n"
        "spec: {type: NodePort}\n"
        "---\n---\n"
        "kind: DeploymentList\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n"
        "  metadata: {name: helm-controller}\n  spec: {replicas: 3}\n"
    )
    found = patched((text, None))
    assert found.get("Service/source-controller")["spec"]["type"] == "NodePort"
    assert found.get("Deployment/helm-controller")["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("name", "namespace"),
    [("critical-pods", None), ("critical-pods", "flux-system"),
     ("critical-pods-flux-system", "flux-system")],
)  # fmt: skip
def test_an_object_is_named_by_any_identity_it_had(name: str, namespace: str | None) -> None:
    """The quota is loaded without a namespace, placed, and renamed."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    text = json.dumps({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata,
                       "spec": {"hard": {"pods": "5"}}})  # fmt: skip
    quota = patched((text, None)).get("ResourceQuota/critical-pods-flux-system")
    assert quota["spec"]["hard"]["pods"] == "5"


def test_sync_and_shard_objects_are_named_with_their_namespace() -> None:
    """Main objects without, for they have none yet."""
    sync = {"kind": "Bucket", "url": "u", "ref": "r", "path": "p"}
    text = (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: Bucket\n"
        "metadata: {name: flux-system, namespace: flux-system}\nspec: {insecure: true}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\n"
        "metadata: {name: source-controller-a, namespace: flux-system}\nspec: {replicas: 2}\n"
    )
    found = patched((text, None), sync=sync, sharding=SHARDED)
    assert found.get("Bucket/flux-system")["spec"]["insecure"] is True
    assert found.get("Deployment/source-controller-a")["spec"]["replicas"] == 2
    assert found.get("Deployment/source-controller")["spec"]["replicas"] == 1
