# SPDX-License-Identifier: Apache-2.0
"""The build as a whole: owners, digest, what stays unchanged, and later layouts of Flux."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from fluxsm.adapters.folder import Folder, open_folder, starter_folder
from fluxsm.api.objects import Manifest
from fluxsm.build import yaml
from fluxsm.build.distribution import Distribution
from fluxsm.build.normal import normalise
from fluxsm.build.pipeline import build
from fluxsm.errors import BuildError
from tests.unit.build.makers import ALL, ONE, STARTER, Built, built, instance, patched

SHARED = Path(__file__).parents[4] / "shared"


# Metadata.


def test_common_metadata_reaches_every_object() -> None:
    """It wins over what is there, but not over the marks of the owner."""
    metadata = {
        "labels": {"team": "x", "app.kubernetes.io/managed-by": "me",
                   "fluxcd.controlplane.io/name": "stolen"},
        "annotations": {"note": "1", "kustomize.toolkit.fluxcd.io/ssa": "Merge"},
    }  # fmt: skip
    found = built(commonMetadata=metadata)
    for item in found.objects:
        labels, annotations = item["metadata"]["labels"], item["metadata"]["annotations"]
        assert labels["team"] == "x"
        assert labels["app.kubernetes.io/managed-by"] == "me"
        assert labels["fluxcd.controlplane.io/name"] == "flux"
        assert labels["fluxcd.controlplane.io/namespace"] == "flux-system"
        assert annotations["note"] == "1"
        assert annotations["kustomize.toolkit.fluxcd.io/ssa"] == "Merge"
    (warning,) = found.result.warnings
    assert "fluxcd.controlplane.io/name marks who owns an object" in warning


# Digest and revision.


def test_the_revision_is_version_and_digest() -> None:
    """In the documented form."""
    result = built().result
    version, _, digest = result.revision.partition("@")
    assert version == "v2.8.8"
    assert digest == result.digest
    assert digest.startswith("sha256:")
    assert len(digest) == 71


def test_the_digest_is_over_the_objects_alone() -> None:
    """Neither the owner nor common metadata change it."""
    marked = {"labels": {"a": "b"}, "annotations": {"c": "d"}}
    assert built(commonMetadata=marked).result.digest == built().result.digest
    assert built(components=ALL[3::-1]).result.digest == built().result.digest


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "other"},
        {"version": "v2.9.4"},
        {"registry": "ghcr.io/other"},
        {"cluster": {"size": "small"}},
        {"as_applied": True},
        {"kustomize": {"patches": [{"patch": '[{"op": "add", "path": "/x", "value": null}]',
                                    "target": ONE}]}},
    ],
)  # fmt: skip
def test_any_change_of_a_field_changes_the_digest(change: dict[str, Any]) -> None:
    """Even of one that is null."""
    assert built(**change).result.digest != built().result.digest


def test_the_digest_does_not_change_with_the_program() -> None:
    """A new one would count as a new revision for everybody; so this is a decision."""
    files = {
        "flux/v2.8.8/rbac.yaml": b"",
        "flux/v2.8.8/source-controller.yaml": yaml.dump_all([deployment()]).encode(),
    }
    found = built(
        of=Distribution(files, source="x"),
        components=["source-controller"],
        cluster={"networkPolicy": False},
    )
    assert found.result.digest == (
        "sha256:c4d8c1b96548237fea31e506882081272c68d49d165957c7a843708579f4f705"
    )


def test_what_a_distribution_brings_is_judged_too() -> None:
    """Anybody can push one; a field that is unknown here may only be newer."""
    item = deployment()
    item["spec"] |= {"replicas": -1, "newer": True}
    files = {
        "flux/v2.8.8/rbac.yaml": b"",
        "flux/v2.8.8/source-controller.yaml": yaml.dump_all([item]).encode(),
    }
    with pytest.raises(BuildError) as caught:
        built(
            of=Distribution(files, source="x"),
            components=["source-controller"],
            cluster={"networkPolicy": False},
        )
    assert str(caught.value) == (
        "Deployment/source-controller: .spec.replicas is -1; allowed: 0 or more"
    )


def deployment() -> Manifest:
    """A controller with the least that one needs."""
    container = {"name": "manager", "image": "fluxcd/source-controller:v1.0.0"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "source-controller"},
        "spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [container]},
            },
        },
    }


# Inputs.


def test_nothing_that_is_given_is_changed() -> None:
    """Neither the instance nor what the distribution has parsed."""
    place = open_folder(starter_folder())
    wanted = instance(sharding={"shards": ["a"]}, cluster={"type": "openshift", "size": "large"})
    before = wanted.model_dump_json()
    first = build(wanted, place, "v2.8.8")
    parsed = copy.deepcopy(place._parsed)
    second = build(wanted, place, "v2.8.8")
    assert wanted.model_dump_json() == before
    assert place._parsed == parsed
    assert first == second


def test_each_file_is_parsed_once() -> None:
    """However often it is built from."""

    class Counting(Folder):
        reads = 0

        def __getitem__(self, path: str) -> bytes:
            type(self).reads += 1
            return super().__getitem__(path)

    place = Distribution(Counting(starter_folder()), source="x")
    for _ in range(3):
        built(of=place, sharding={"shards": ["a", "b"]})
    assert Counting.reads == 7  # four components, the roles, the policies and the images


# The form of what is applied.


def test_ports_name_their_protocol() -> None:
    """What the server would add is there from the start."""
    text = (
        "kind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {containers: ["
        "{name: manager, ports: [{containerPort: 1}]}], initContainers: ["
        "{name: i, image: x/yz, ports: [{containerPort: 2, protocol: UDP}]}]}}}"
    )
    service = '[{"op": "add", "path": "/spec/ports/-", "value": {"name": "x", "port": 3}}]'
    target = {"kind": "Service", "name": "source-controller"}
    for as_applied, wanted in ((True, "TCP"), (False, None)):
        found = patched((text, ONE), (service, target), as_applied=as_applied)
        ports = found.container("source-controller")["ports"]
        assert ports[0].get("protocol") == wanted
        assert found.pod("source-controller")["initContainers"][0]["ports"][0]["protocol"] == "UDP"
        added = found.get("Service/source-controller")["spec"]["ports"][-1]
        assert added.get("protocol") == wanted


@pytest.mark.parametrize(
    ("kind", "dropped"),
    [("Service", True), ("Thing", True), ("CustomResourceDefinition", False), ("Role", False),
     ("ClusterRole", False)],
)  # fmt: skip
def test_a_status_is_not_applied(kind: str, *, dropped: bool) -> None:
    """But for CRDs; roles are left alone altogether."""
    item: Manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "status": {}}
    normalise(item)
    assert ("status" not in item) is dropped


def test_a_creation_time_that_is_null_is_not_applied() -> None:
    """It stands in manifests that Go programs have written."""
    item: Manifest = deployment()
    item["metadata"]["creationTimestamp"] = None
    item["spec"]["template"]["metadata"] = {"creationTimestamp": None, "labels": {}}
    normalise(item)
    assert item["metadata"] == {"name": "source-controller"}
    assert item["spec"]["template"]["metadata"] == {"labels": {}}


# Later layouts.


def changed(change: Any, *, extra: dict[str, bytes] | None = None) -> Distribution:
    """The starter distribution with every Deployment changed, and with more files."""
    folder = Folder(starter_folder())
    files = {path: folder[path] for path in folder if "/v2.8.8/" in path}
    for path in [path for path in files if path.startswith("flux/")]:
        documents = yaml.load_mappings(files[path], path)
        for item in documents:
            if item["kind"] == "Deployment":
                change(item["spec"]["template"]["spec"])
        files[path] = yaml.dump_all(documents).encode()
    return Distribution(files | (extra or {}), source="later")


FULL: dict[str, Any] = {
    "components": ALL,
    "cluster": {"type": "openshift", "size": "medium", "multitenant": True},
    "storage": {"class": "c", "size": "1Gi"},
    "sharding": {"shards": ["a"], "storage": "persistent"},
}


def test_arguments_may_stand_in_another_order() -> None:
    """Each is found by its name, and those of a shard still come after them."""
    found = built(of=changed(lambda pod: pod["containers"][0]["args"].reverse()), **FULL)
    usual = built(**FULL)
    for name in usual.deployments():
        assert sorted(found.args(name)) == sorted(usual.args(name))
        assert found.tail(name)[-3:] == usual.tail(name)[-3:]
    addresses = [arg for arg in found.args("source-controller-a") if "storage-adv" in arg]
    assert addresses == [arg for arg in usual.args("source-controller-a") if "storage-adv" in arg]


def test_another_container_may_come_first() -> None:
    """The controller is found by its name; nobody else gets its arguments."""
    side = {"name": "side", "image": "example/side:v1", "args": ["--x"]}
    found = built(of=changed(lambda pod: pod["containers"].insert(0, side)), **FULL)
    usual = built(**FULL)
    for name in usual.deployments():
        first, second = found.pod(name)["containers"]
        assert first == side
        assert second == usual.container(name)
    assert found.result.components == usual.result.components


def test_another_volume_may_come_first() -> None:
    """The one for data is found by where it is mounted."""

    def add(pod: dict[str, Any]) -> None:
        pod["volumes"].insert(0, {"name": "more", "emptyDir": {}})
        pod["containers"][0]["volumeMounts"].insert(0, {"name": "more", "mountPath": "/more"})

    found = built(of=changed(add), **FULL)
    usual = built(**FULL)
    for name in ("source-controller", "source-controller-a", "image-reflector-controller"):
        assert found.pod(name)["volumes"][1:] == usual.pod(name)["volumes"]
        assert found.container(name)["volumeMounts"][1:] == usual.container(name)["volumeMounts"]


def test_a_file_that_is_not_known_is_of_no_concern() -> None:
    """It need not even be YAML."""
    extra = {"flux/v2.8.8/notes.yaml": b"a: [", "flux/v2.8.8/README.md": b"x"}
    assert built(of=changed(lambda _: None, extra=extra)).objects == built().objects


def test_a_component_that_is_not_known_can_be_installed() -> None:
    """It gets what every controller gets, and flags only where its manifest has them."""
    item = deployment()
    item["metadata"]["name"] = "new-controller"
    (container,) = item["spec"]["template"]["spec"]["containers"]
    container |= {"image": "fluxcd/new-controller:v0.1.0", "args": ["--log-level=debug"]}
    extra = {"flux/v2.8.8/new-controller.yaml": yaml.dump_all([item]).encode()}
    found = built(of=changed(lambda _: None, extra=extra),
                  components=["source-controller", "new-controller"],
                  cluster={"size": "small"}, sharding={"shards": ["a"]})  # fmt: skip
    container = found.container("new-controller")
    assert container["image"] == "ghcr.io/fluxcd/new-controller:v0.1.0"
    assert container["args"] == ["--log-level=info"]
    assert container["resources"]["limits"]["memory"] == "512Mi"
    assert found.pod("new-controller")["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert "Deployment/new-controller-a" not in found.names
    assert [image.name for image in found.result.components][-1] == "new-controller"


def test_an_enum_that_is_not_there_is_not_needed() -> None:
    """A later schema may leave the kinds open."""
    folder = Folder(starter_folder())
    files = {path: folder[path] for path in folder if "/v2.8.8/" in path}
    path = "flux/v2.8.8/notification-controller.yaml"
    documents = yaml.load_mappings(files[path], path)
    for item in documents:
        for version in item.get("spec", {}).get("versions", []):
            version["schema"]["openAPIV3Schema"] = {"type": "object"}
    files[path] = yaml.dump_all(documents).encode()
    found = built(of=Distribution(files, source="later"))
    crd = found.get("CustomResourceDefinition/alerts.notification.toolkit.fluxcd.io")
    assert crd["spec"]["versions"][0]["schema"] == {"openAPIV3Schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "is not valid YAML"),
        (b"[1]", "document 1 is not a mapping"),
        (b"kind: Deployment", "apiVersion is missing"),
        (b"apiVersion: v1\nkind: Service\nmetadata: {}", "metadata.name is missing"),
        (b"apiVersion: v1\nkind: List\nitems: [1]", "an item that is no object"),
    ],
)
def test_a_broken_distribution_is_refused(content: bytes, message: str) -> None:
    """The file is named; anybody may have pushed the artifact."""
    files = {"flux/v2.8.8/source-controller.yaml": content, "flux/v2.8.8/rbac.yaml": b""}
    with pytest.raises(BuildError, match=message) as caught:
        built(of=Distribution(files, source="x"), components=["source-controller"])
    assert "v2.8.8/source-controller.yaml" in str(caught.value)


# The worked examples of the specification.


@pytest.mark.skipif(not SHARED.is_dir(), reason="the whole distribution is not here")
def test_a_mirror_in_another_namespace() -> None:
    """Two controllers, a sync from OCI, and patches, on 2.6."""
    patches = [
        {"target": {"kind": "Deployment", "name": "(source|kustomize)-controller"},
         "patch": "- op: replace\n  path: /spec/replicas\n  value: 0\n"},
        {"target": {"kind": "OCIRepository"},
         "patch": "- op: add\n  path: /spec/verify\n  value: {provider: cosign}\n"},
    ]  # fmt: skip
    wanted = instance(
        "gitops", registry="mirror.corp.local/fluxcd/", variant="enterprise-distroless",
        imagePullSecret="mirror-auth", components=["source-controller", "kustomize-controller"],
        cluster={"domain": "corp.local", "networkPolicy": False},
        commonMetadata={"labels": {"team": "platform"}}, kustomize={"patches": patches},
        sync={"kind": "OCIRepository", "url": "oci://mirror.corp.local/fleet", "ref": "latest",
              "path": "clusters/a", "interval": "150s", "provider": "aws"},
    )  # fmt: skip
    found = Built(build(wanted, open_folder(SHARED), "v2.6.4"))
    assert len(found.objects) == 20
    assert found.names[-2:] == ["Kustomization/gitops", "OCIRepository/gitops"]
    assert len(found.get("ClusterRole/crd-controller-gitops")["rules"]) == 11
    assert found.args("kustomize-controller") == [
        "--events-addr=", "--watch-all-namespaces=true", "--log-level=info",
        "--log-encoding=json", "--enable-leader-election",
    ]  # fmt: skip
    assert found.container("source-controller")["image"] == (
        "mirror.corp.local/fluxcd/source-controller:v1.6.2@sha256:"
        "879980a87c20da15b2b8e17d283b4526f38937c489cd9d208d1b06afbfc1e9f7"
    )
    assert found.get("Deployment/source-controller")["spec"]["replicas"] == 0
    assert found.get("OCIRepository/gitops")["spec"] == {
        "interval": "2m30s", "provider": "aws", "ref": {"tag": "latest"},
        "url": "oci://mirror.corp.local/fleet", "verify": {"provider": "cosign"},
    }  # fmt: skip
    assert {item["metadata"]["labels"]["team"] for item in found.objects} == {"platform"}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the whole distribution is not here")
def test_tenants_on_openshift_with_a_persistent_shard() -> None:
    """Everything that profiles can do, on 2.8."""
    wanted = instance(
        cluster={"type": "openshift", "size": "medium", "multitenant": True,
                 "tenantDefaultServiceAccount": "tenant", "objectLevelWorkloadIdentity": True,
                 "multitenantWorkloadIdentity": True},
        storage={"class": "fast", "size": "20Gi"},
        sharding={"shards": ["blue"], "storage": "persistent"},
    )  # fmt: skip
    found = Built(build(wanted, open_folder(SHARED), "v2.8.8"))
    assert len(found.objects) == 38
    objects = "--feature-gates=ObjectLevelWorkloadIdentity=true"
    assert found.tail("source-controller-blue") == [
        "--storage-adv-addr=source-controller-blue.$(RUNTIME_NAMESPACE).svc.cluster.local.",
        "--watch-label-selector=sharding.fluxcd.io/key=blue", "--helm-cache-max-size=50",
        "--helm-cache-ttl=720m", "--helm-cache-purge-interval=60m", "--concurrent=5",
        objects, "--default-service-account=tenant",
    ]  # fmt: skip
    assert found.tail("notification-controller") == [
        "--no-cross-namespace-refs=true", objects, "--default-service-account=tenant",
    ]  # fmt: skip
    assert len(found.get("ClusterRole/crd-controller-flux-system")["rules"]) == 14


def test_json_and_yaml_say_the_same() -> None:
    """What is built is plain data."""
    objects = list(built(**FULL).objects)
    assert json.loads(json.dumps(objects)) == objects
    assert yaml.load_mappings(yaml.dump_all(objects), "x") == objects


def test_the_same_object_twice_is_refused() -> None:
    """Whatever brought it."""
    files = {f"flux/v2.8.8/{name}.yaml": STARTER._files[f"flux/v2.8.8/{name}.yaml"]
             for name in ("rbac", "policies", "source-controller")}  # fmt: skip
    twice = files["flux/v2.8.8/source-controller.yaml"]
    files["flux/v2.8.8/source-controller.yaml"] = twice + b"\n---\n" + twice
    with pytest.raises(BuildError, match="would be created twice"):
        built(of=Distribution(files, source="x"), components=["source-controller"])
