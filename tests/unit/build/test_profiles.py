# SPDX-License-Identifier: Apache-2.0
"""Cluster type, size, lockdown, workload identity, and the order of what they append."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.errors import BuildError
from tests.unit.build.makers import ALL, WATCHED, built

OBJECTS = "--feature-gates=ObjectLevelWorkloadIdentity"
PROFILE = "fluxcd.controlplane.io/profile"


@pytest.mark.parametrize("kind", ["aws", "azure", "gcp"])
def test_clouds_are_like_any_cluster(kind: str) -> None:
    """Nothing depends on them."""
    assert built(cluster={"type": kind}).objects == built().objects


def test_openshift_gives_security_contexts_itself() -> None:
    """Also to shards; the other settings of the container stay."""
    found = built(cluster={"type": "openshift"}, sharding={"shards": ["a"]})
    for name in found.deployments():
        assert "securityContext" not in found.pod(name)
        assert found.container(name)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
    labels = found.get("Namespace/flux-system")["metadata"]["labels"]
    assert not [key for key in labels if key.startswith("pod-security")]


def limits(found: Any, name: str) -> str:
    """Requests and limits as one text."""
    wanted = found.container(name)["resources"]
    pairs = (wanted["requests"], wanted["limits"])
    return " ".join(f"{pair['cpu']}/{pair['memory']}" for pair in pairs)


RAW, RAW_SOURCE = "100m/64Mi 1000m/1Gi", "50m/64Mi 1000m/1Gi"


@pytest.mark.parametrize(
    ("size", "appliers", "source", "others", "watcher"),
    [
        (None, RAW, RAW_SOURCE, RAW, RAW_SOURCE),
        ("small", *["100m/64Mi 1000m/512Mi"] * 4),
        ("medium", "100m/128Mi 2000m/1Gi", "100m/128Mi 2000m/1Gi", RAW, RAW_SOURCE),
        ("large", "100m/256Mi 3000m/3Gi", "100m/256Mi 2000m/2Gi", RAW, RAW_SOURCE),
    ],
)
def test_resources_of_a_size(
    size: str | None, appliers: str, source: str, others: str, watcher: str
) -> None:
    """Shards have those of their component."""
    found = built(cluster={"size": size}, components=WATCHED, sharding={"shards": ["a"]})
    for name in ("kustomize-controller", "helm-controller-a"):
        assert limits(found, name) == appliers
    for name in ("source-controller", "source-controller-a"):
        assert limits(found, name) == source
    for name in ("notification-controller", "image-reflector-controller-a"):
        assert limits(found, name) == others
    assert limits(found, "source-watcher") == watcher


@pytest.mark.parametrize("size", [None, "small", "medium", "large"])
def test_the_size_is_noted_on_the_deployment(size: str | None) -> None:
    """Not on its pods."""
    for item in built(cluster={"size": size}, sharding={"shards": ["a"]}).of_kind("Deployment"):
        assert item["metadata"]["annotations"].get(PROFILE) == size
        assert PROFILE not in item["spec"]["template"]["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("size", "applier", "source"),
    [
        ("small", ["--concurrent=5", "--requeue-dependency=10s"],
         ["--helm-cache-max-size=10", "--helm-cache-ttl=720m", "--helm-cache-purge-interval=60m"]),
        ("medium", ["--concurrent=10", "--requeue-dependency=5s"],
         ["--helm-cache-max-size=50", "--helm-cache-ttl=720m", "--helm-cache-purge-interval=60m",
          "--concurrent=5"]),
        ("large", ["--concurrent=20", "--requeue-dependency=5s"],
         ["--helm-cache-max-size=100", "--helm-cache-ttl=720m", "--helm-cache-purge-interval=60m",
          "--concurrent=10"]),
    ],
)  # fmt: skip
def test_arguments_of_a_size(size: str, applier: list[str], source: list[str]) -> None:
    """Only these three controllers have any."""
    found = built("v2.5.1", cluster={"size": size}, components=ALL)
    assert found.tail("kustomize-controller") == applier
    assert found.tail("helm-controller") == applier
    assert found.tail("source-controller") == source
    assert found.tail("notification-controller") == []
    assert found.tail("image-reflector-controller") == []


@pytest.mark.parametrize("account", [None, "", "tenant"])
def test_lockdown(account: str | None) -> None:
    """source-controller has no part in it."""
    cluster = {"multitenant": True, "tenantDefaultServiceAccount": account}
    sync = {"kind": "Bucket", "url": "x", "ref": "y", "path": "z"}
    found = built("v2.5.1", cluster=cluster, components=ALL, sync=sync)
    name = f"--default-service-account={account or 'default'}"
    refs = "--no-cross-namespace-refs=true"
    assert found.tail("kustomize-controller") == [refs, "--no-remote-bases=true", name]
    assert found.tail("helm-controller") == [refs, name]
    for other in ("notification-controller", "image-reflector-controller"):
        assert found.tail(other) == [refs]
    assert found.tail("image-automation-controller") == [refs]
    assert found.tail("source-controller") == []
    spec = found.get("Kustomization/flux-system")["spec"]
    assert spec["serviceAccountName"] == "kustomize-controller"


def test_source_watcher_is_locked_down_too() -> None:
    """From its first version on."""
    found = built("v2.7.0", cluster={"multitenant": True}, components=WATCHED)
    assert found.tail("source-watcher") == ["--no-cross-namespace-refs=true"]


GATED_2_6 = {"source", "kustomize", "notification", "image-reflector", "image-automation"}


def gates(version: str, *, objects: bool) -> dict[str, list[str]]:
    """The tails of all controllers that have any."""
    cluster = {"objectLevelWorkloadIdentity": objects}
    found = built(version, components=ALL, cluster=cluster)
    tails = {name.removesuffix("-controller"): found.tail(name) for name in ALL}
    return {name: tail for name, tail in tails.items() if tail}


@pytest.mark.parametrize("version", ["v2.6.0", "v2.6.4"])
def test_the_gate_of_2_6(version: str) -> None:
    """Only when it is opened, and not in helm-controller."""
    assert gates(version, objects=False) == {}
    assert gates(version, objects=True) == {key: [f"{OBJECTS}=true"] for key in GATED_2_6}


@pytest.mark.parametrize("version", ["v2.7.0", "v2.8.8", "v2.9.4"])
@pytest.mark.parametrize("objects", [True, False])
def test_the_gate_since_2_7(version: str, *, objects: bool) -> None:
    """It is always written."""
    wanted = [f"{OBJECTS}={str(objects).lower()}"]
    assert gates(version, objects=objects) == dict.fromkeys({*GATED_2_6, "helm"}, wanted)


def test_no_gate_before_2_6() -> None:
    """The controllers do not know it."""
    assert gates("v2.5.1", objects=False) == gates("v2.2.3", objects=False) == {}


@pytest.mark.parametrize(
    ("version", "objects", "kept"),
    [
        ("v2.5.1", False, True),  # the stand-in for 2.5 has the rule, the real one does not
        ("v2.6.4", False, False),
        ("v2.6.4", True, True),
        ("v2.7.5", False, False),
        ("v2.7.5", True, True),
        ("v2.9.4", False, False),
    ],
)
def test_the_token_rule(version: str, *, objects: bool, kept: bool) -> None:
    """Without workload identities of objects nobody needs tokens of other accounts."""
    found = built(version, cluster={"objectLevelWorkloadIdentity": objects})
    rules = found.get("ClusterRole/crd-controller-flux-system")["rules"]
    token = {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}
    assert (token in rules) is kept


@pytest.mark.parametrize(
    ("version", "objects", "tenants", "message"),
    [
        ("v2.5.1", True, False, "need Flux 2.6.0 or newer, not v2.5.1"),
        ("v2.5.1", True, True, "need Flux 2.6.0 or newer, not v2.5.1"),
        ("v2.6.4", True, True, "multitenantWorkloadIdentity needs Flux 2.7.0 or newer"),
    ],
)
def test_identities_that_a_version_does_not_have(
    version: str, message: str, *, objects: bool, tenants: bool
) -> None:
    """The field and the version that has it are named."""
    cluster = {"objectLevelWorkloadIdentity": objects, "multitenantWorkloadIdentity": tenants}
    with pytest.raises(BuildError, match=message):
        built(version, cluster=cluster)


def test_everything_at_once() -> None:
    """The order of the arguments, as the specification gives it in full."""
    cluster = {"size": "large", "multitenant": True, "objectLevelWorkloadIdentity": True,
               "multitenantWorkloadIdentity": True}  # fmt: skip
    found = built("v2.9.4", components=WATCHED, cluster=cluster, sharding={"shards": ["a"]})
    tail = ["--concurrent=20", "--requeue-dependency=5s", "--no-cross-namespace-refs=true",
            "--no-remote-bases=true", "--default-service-account=default",
            "--feature-gates=ExternalArtifact=true", f"{OBJECTS}=true",
            "--default-decryption-service-account=default",
            "--default-kubeconfig-service-account=default"]  # fmt: skip
    main = "--watch-label-selector=!sharding.fluxcd.io/key"
    shard = "--watch-label-selector=sharding.fluxcd.io/key=a"
    assert found.tail("kustomize-controller") == [main, *tail]
    assert found.tail("kustomize-controller-a") == [shard, *tail]
    assert found.tail("helm-controller") == [
        main, *tail[:3], "--default-service-account=default", *tail[5:7],
        "--default-kubeconfig-service-account=default",
    ]  # fmt: skip
    assert found.tail("notification-controller") == [
        "--no-cross-namespace-refs=true", f"{OBJECTS}=true", "--default-service-account=default",
    ]  # fmt: skip
    assert found.tail("source-watcher") == [main, "--no-cross-namespace-refs=true"]


def test_the_accounts_of_tenants() -> None:
    """Each controller gets those that it knows."""
    cluster = {
        "objectLevelWorkloadIdentity": True,
        "multitenantWorkloadIdentity": True,
        "tenantDefaultServiceAccount": "sa",
        "tenantDefaultDecryptionServiceAccount": "dsa",
        "tenantDefaultKubeConfigServiceAccount": "ksa",
    }
    found = built("v2.7.5", components=WATCHED, cluster=cluster)
    gate = f"{OBJECTS}=true"
    for name in ("source", "notification", "image-reflector", "image-automation"):
        assert found.tail(f"{name}-controller") == [gate, "--default-service-account=sa"]
    external = "--feature-gates=ExternalArtifact=true"
    remote = "--default-kubeconfig-service-account=ksa"
    assert found.tail("helm-controller") == [external, gate, remote]
    assert found.tail("kustomize-controller") == [
        external, gate, "--default-decryption-service-account=dsa", remote,
    ]  # fmt: skip
    assert found.tail("source-watcher") == []
