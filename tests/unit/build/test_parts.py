# SPDX-License-Identifier: Apache-2.0
"""Storage, shards, sync objects and the address of notification-controller."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.build import yaml
from fluxsm.build.distribution import Distribution
from tests.unit.build.makers import ALL, WATCHED, built, distribution

STORAGE = {"class": "fast", "size": "20Gi"}
OWN = ["FluxInstance", "ResourceSet", "ResourceSetInputProvider"]


def enums(found: Any, name: str, field: str) -> list[list[str]]:
    """The kinds that each version of a CRD admits."""
    versions = found.get(f"CustomResourceDefinition/{name}")["spec"]["versions"]
    way = ("schema", "openAPIV3Schema", "properties", "spec", "properties", field, "items",
           "properties", "kind", "enum")  # fmt: skip
    result = []
    for version in versions:
        for key in way:
            version = version[key]  # noqa: PLW2901 one step after the other
        result.append(version)
    return result


@pytest.mark.parametrize("version", ["v2.6.4", "v2.7.5", "v2.8.8", "v2.9.4"])
def test_alerts_and_receivers_may_name_our_kinds(version: str) -> None:
    """In every version of the CRDs, at the end; and the controllers may read them."""
    found = built(version)
    for name, field in (("alerts", "eventSources"), ("receivers", "resources")):
        crd = f"{name}.notification.toolkit.fluxcd.io"
        kinds = enums(found, crd, field)
        assert kinds
        assert all(item[-3:] == OWN and len(set(item)) == len(item) for item in kinds)
    rule = {"apiGroups": ["fluxcd.controlplane.io"], "resources": ["*"], "verbs": ["*"]}
    assert found.get("ClusterRole/crd-controller-flux-system")["rules"][-1] == rule


def test_without_notification_controller_nobody_needs_our_kinds() -> None:
    """The extra rule is absent."""
    found = built(components=["source-controller"])
    rules = found.get("ClusterRole/crd-controller-flux-system")["rules"]
    assert all("fluxcd.controlplane.io" not in rule.get("apiGroups", []) for rule in rules)


def test_source_watcher_opens_a_gate_of_the_appliers() -> None:
    """Of their shards too, in an argument of its own."""
    found = built(components=WATCHED, sharding={"shards": ["a"]})
    gate = "--feature-gates=ExternalArtifact=true"
    holders = {name for name in found.deployments() if gate in found.args(name)}
    assert holders == {
        f"{name}-controller{shard}" for name in ("helm", "kustomize") for shard in ("", "-a")
    }


def test_storage_is_a_claim_that_the_main_controller_mounts() -> None:
    """The volume it takes the place of stays, unused."""
    found = built(storage=STORAGE)
    claim = found.get("PersistentVolumeClaim/source-controller")
    assert claim["metadata"]["namespace"] == "flux-system"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "20Gi"}},
    }
    assert found.pod("source-controller")["volumes"] == [
        {"name": "data", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "persistent-data", "persistentVolumeClaim": {"claimName": "source-controller"}},
    ]
    assert found.container("source-controller")["volumeMounts"] == [
        {"name": "persistent-data", "mountPath": "/data"},
        {"name": "tmp", "mountPath": "/tmp"},
    ]


def test_the_claim_does_not_depend_on_the_controller() -> None:
    """It is there for one that comes later."""
    found = built(components=["helm-controller"], storage=STORAGE)
    assert "PersistentVolumeClaim/source-controller" in found.names


def test_objects_of_a_shard() -> None:
    """A Deployment per sharded component, and a Service for the source."""
    plain = built(components=ALL)
    found = built(components=ALL, sharding={"shards": ["b", "a"]})
    sharded = ["helm", "image-automation", "image-reflector", "kustomize", "source"]
    wanted = [f"Deployment/{name}-controller-{shard}" for name in sharded for shard in "ab"]
    assert sorted(set(found.names) - set(plain.names)) == [
        *wanted, "Service/source-controller-a", "Service/source-controller-b",
    ]  # fmt: skip


def test_a_shard_of_source_controller() -> None:
    """It has its own address after the main one, and looks at its own objects only."""
    found = built("v2.6.4", "gitops", components=ALL, sharding={"shards": ["a"], "key": "x/shard"})
    item = found.get("Deployment/source-controller-a")
    assert item["metadata"]["annotations"]["sharding.fluxcd.io/role"] == "shard"
    assert item["metadata"]["labels"]["app.kubernetes.io/component"] == "source-controller"
    assert item["spec"]["selector"]["matchLabels"]["app"] == "source-controller-a"
    template = item["spec"]["template"]
    assert template["metadata"]["labels"]["app"] == "source-controller-a"
    assert template["metadata"]["annotations"]["sharding.fluxcd.io/role"] == "shard"
    assert template["spec"]["serviceAccountName"] == "source-controller"
    main = "--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.cluster.local."
    assert found.args("source-controller-a")[6:] == [
        main, main.replace("=source-controller.", "=source-controller-a."),
        "--watch-label-selector=x/shard=a",
    ]  # fmt: skip
    service = found.get("Service/source-controller-a")
    assert service["spec"]["selector"]["app"] == "source-controller-a"
    assert service["metadata"]["annotations"]["sharding.fluxcd.io/role"] == "shard"


def test_main_controllers_leave_shards_alone() -> None:
    """Those that can be sharded; notification-controller sees everything."""
    found = built("v2.6.4", components=ALL, sharding={"shards": ["a"]})
    for name in ALL:
        wanted = [] if name.startswith("notification") else [
            "--watch-label-selector=!sharding.fluxcd.io/key"
        ]  # fmt: skip
        assert found.tail(name) == wanted


@pytest.mark.parametrize(("version", "sharded"), [("v2.7.5", False), ("v2.8.8", False),
                                                  ("v2.9.4", True)])  # fmt: skip
def test_source_watcher_is_sharded_since_2_9(version: str, *, sharded: bool) -> None:
    """Earlier ones have neither a shard nor a selector."""
    found = built(version, components=WATCHED, sharding={"shards": ["a"]})
    assert ("Deployment/source-watcher-a" in found.names) is sharded
    assert ("Service/source-watcher-a" in found.names) is sharded
    selector = "--watch-label-selector=!sharding.fluxcd.io/key"
    assert (selector in found.args("source-watcher")) is sharded
    if sharded:
        assert found.args("source-watcher-a")[7:] == [
            "--storage-adv-addr=source-watcher-a.$(RUNTIME_NAMESPACE).svc.cluster.local.",
            "--watch-label-selector=sharding.fluxcd.io/key=a",
        ]
        service = found.get("Service/source-watcher-a")
        assert service["spec"]["selector"]["app"] == "source-watcher-a"


@pytest.mark.parametrize("storage", [None, "ephemeral"])
def test_shards_are_ephemeral_by_default(storage: str | None) -> None:
    """Also when the main controller is not."""
    found = built(storage=STORAGE, sharding={"shards": ["a"], "storage": storage})
    assert found.pod("source-controller-a")["volumes"][0] == {"name": "data", "emptyDir": {}}
    assert "PersistentVolumeClaim/source-controller-a" not in found.names


def test_persistent_shards_have_claims_of_their_own() -> None:
    """The volume takes the place of the ephemeral one."""
    found = built(storage=STORAGE, sharding={"shards": ["a"], "storage": "persistent"})
    claim = found.get("PersistentVolumeClaim/source-controller-a")
    main = found.get("PersistentVolumeClaim/source-controller")
    assert claim["spec"] == main["spec"]
    assert claim["metadata"]["annotations"]["sharding.fluxcd.io/role"] == "shard"
    volume = {"name": "persistent-data-a",
              "persistentVolumeClaim": {"claimName": "source-controller-a"}}  # fmt: skip
    tmp = {"name": "tmp", "emptyDir": {}}
    assert found.pod("source-controller-a")["volumes"] == [volume, tmp]
    mounts = found.container("source-controller-a")["volumeMounts"]
    assert mounts[0] == {"name": "persistent-data-a", "mountPath": "/data"}
    assert len(mounts) == 2


def synced(version: str = "v2.8.8", **more: Any) -> Any:
    """A build with a sync."""
    sync = {"kind": "GitRepository", "ref": "refs/heads/main", "path": "./c"} | more
    url = {"GitRepository": "https://x/y", "OCIRepository": "oci://x/y", "Bucket": "x.example"}
    return built(version, sync={"url": url[sync["kind"]]} | sync)


@pytest.mark.parametrize(
    ("version", "api"), [("v2.2.3", "v1beta2"), ("v2.5.1", "v1beta2"), ("v2.6.0", "v1")]
)
def test_sources_became_stable_with_2_6(version: str, api: str) -> None:
    """All but GitRepository, which always was."""
    for kind in ("OCIRepository", "Bucket"):
        source = synced(version, kind=kind).get(f"{kind}/flux-system")
        assert source["apiVersion"] == f"source.toolkit.fluxcd.io/{api}"
    git = synced(version).get("GitRepository/flux-system")
    assert git["apiVersion"] == "source.toolkit.fluxcd.io/v1"


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("GitRepository", {"url": "https://x/y", "ref": {"name": "1.10"}}),
        ("OCIRepository", {"url": "oci://x/y", "ref": {"tag": "1.10"}}),
        ("Bucket", {"endpoint": "x.example", "bucketName": "1.10"}),
    ],
)
def test_the_source(kind: str, spec: dict[str, Any]) -> None:
    """Texts stay texts, and nothing is there that was not asked for."""
    found = synced(kind=kind, ref="1.10")
    assert found.get(f"{kind}/flux-system")["spec"] == {"interval": "1m0s", **spec}
    more = synced(kind=kind, ref="1.10", pullSecret="auth", provider="generic")
    assert more.get(f"{kind}/flux-system")["spec"] == {
        "interval": "1m0s", "provider": "generic", "secretRef": {"name": "auth"}, **spec,
    }  # fmt: skip


def test_the_kustomization() -> None:
    """It is named like its source."""
    found = synced(name="fleet")
    assert found.get("Kustomization/fleet")["spec"] == {
        "interval": "10m0s",
        "path": "./c",
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": "fleet"},
    }
    assert found.get("Kustomization/fleet")["apiVersion"] == "kustomize.toolkit.fluxcd.io/v1"
    assert found.get("GitRepository/fleet")["metadata"]["namespace"] == "flux-system"
    assert found.names[-5:] == [
        "Kustomization/fleet",
        "NetworkPolicy/allow-egress",
        "NetworkPolicy/allow-scraping",
        "NetworkPolicy/allow-webhooks",
        "GitRepository/fleet",
    ]


@pytest.mark.parametrize(
    ("interval", "written"),
    [
        ("1m", "1m0s"), ("90s", "1m30s"), ("1h", "1h0m0s"), ("500ms", "500ms"),
        ("1500ms", "1.5s"), ("48h", "48h0m0s"), ("1.5h", "1h30m0s"),
        ("1h30m15s", "1h30m15s"), ("150s", "2m30s"), ("", "1m0s"),
    ],
)  # fmt: skip
def test_intervals_are_written_as_go_does(interval: str, written: str) -> None:
    """Lower units once a higher one is there, and no days."""
    spec = synced(interval=interval).get("GitRepository/flux-system")["spec"]
    assert spec["interval"] == written


def test_aws_for_git_since_2_9() -> None:
    """Earlier versions refuse it; see the bad input of the command line."""
    spec = synced("v2.9.4", provider="aws").get("GitRepository/flux-system")["spec"]
    assert spec["provider"] == "aws"


def test_a_version_with_one_crd_version() -> None:
    """As Flux 2.9 has them; nothing is counted."""
    files = dict(distribution("v2.9.4")._files)
    path = "flux/v2.9.4/notification-controller.yaml"
    crds = yaml.load_mappings(files[path], path)
    for item in crds:
        if item["kind"] == "CustomResourceDefinition":
            item["spec"]["versions"] = item["spec"]["versions"][:1]
    files[path] = yaml.dump_all(crds).encode()
    found = built("v2.9.4", of=Distribution(files, source="here"))
    (kinds,) = enums(found, "alerts.notification.toolkit.fluxcd.io", "eventSources")
    assert kinds[-3:] == OWN
