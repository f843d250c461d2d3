# SPDX-License-Identifier: Apache-2.0
"""The real API server accepts the CRDs and enforces each of their rules."""

from __future__ import annotations

import json
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.cluster import Cluster

pytestmark = pytest.mark.integration

CRDS = Path(__file__).resolve().parents[2] / "manifests" / "crd"
LEAST: dict[str, Any] = {"distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"}}
SYNC = {"kind": "GitRepository", "url": "https://example.org/r", "ref": "main", "path": "./c"}
OCI = SYNC | {"kind": "OCIRepository", "url": "oci://example.org/r"}


@pytest.fixture(scope="module")
def server(bare_cluster: Cluster) -> Cluster:
    """A control plane with both CRDs established."""
    bare_cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    bare_cluster.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=30s")
    return bare_cluster


def path(namespace: str, name: str = "", plural: str = "fluxinstances") -> str:
    """The address of an object or of its collection."""
    base = f"/apis/fluxcd.controlplane.io/v1/namespaces/{namespace}/{plural}"
    return f"{base}/{name}" if name else base


def instance(name: str = "flux", **spec: Any) -> dict[str, Any]:
    """An instance with the least spec and these parts."""
    return {
        "apiVersion": "fluxcd.controlplane.io/v1",
        "kind": "FluxInstance",
        "metadata": {"name": name},
        "spec": LEAST | spec,
    }


def create(server: Cluster, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """Create an object; the answer is how it was stored."""
    plural = f"{manifest['kind'].lower()}s"
    stored: dict[str, Any] = server.request("POST", path(namespace, plural=plural), manifest)
    return stored


def refusal(
    server: Cluster,
    address: str,
    body: Any,
    *,
    method: str = "POST",
    content_type: str = "application/json",
) -> str:
    """What the API server says when it refuses something as invalid."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.request(method, address, body, content_type=content_type)
    answer = json.load(caught.value)
    assert caught.value.code == 422
    return str(answer["message"])


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="the least"),
        pytest.param(
            {"cluster": {"objectLevelWorkloadIdentity": True}}, id="object identities alone"
        ),
        pytest.param(
            {
                "cluster": {
                    "objectLevelWorkloadIdentity": False,
                    "multitenantWorkloadIdentity": False,
                }
            },
            id="no identities",
        ),
        pytest.param(
            {"cluster": {"objectLevelWorkloadIdentity": True, "multitenantWorkloadIdentity": True}},
            id="both identities",
        ),
        pytest.param({"sync": OCI | {"provider": "gcp"}}, id="gcp for OCI"),
        pytest.param({"sync": OCI | {"kind": "Bucket", "provider": "gcp"}}, id="gcp for a bucket"),
        pytest.param({"sync": SYNC | {"provider": "github"}}, id="github for git"),
        pytest.param(
            {
                "sharding": {"shards": ["a"], "storage": "persistent"},
                "storage": {"class": "fast", "size": "1Gi"},
            },
            id="persistent shards with storage",
        ),
        pytest.param(
            {"sharding": {"shards": ["a"], "storage": "ephemeral"}}, id="ephemeral shards"
        ),
        pytest.param({"components": []}, id="an empty list of components"),
        pytest.param(
            {"distribution": {"version": "whatever", "registry": ""}},
            id="texts that only a build judges",
        ),
        pytest.param({"sync": SYNC | {"interval": "1h30m0.5s"}}, id="a long interval"),
    ],
)
def test_accepted(server: Cluster, bare_namespace: str, spec: dict[str, Any]) -> None:
    """What the API allows is admitted."""
    stored = create(server, bare_namespace, instance(**spec))
    assert stored["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param(
            {
                "cluster": {
                    "multitenantWorkloadIdentity": True,
                    "objectLevelWorkloadIdentity": False,
                }
            },
            [".objectLevelWorkloadIdentity must be true", ".multitenantWorkloadIdentity"],
            id="tenant identities without object identities",
        ),
        pytest.param(
            {"cluster": {"multitenantWorkloadIdentity": True}},
            [".objectLevelWorkloadIdentity must be true"],
            id="object identities not said",
        ),
        pytest.param(
            {"sync": SYNC | {"provider": "gcp"}},
            ["sync.provider 'gcp'", "OCIRepository", "Bucket"],
            id="gcp for git",
        ),
        pytest.param(
            {"sync": OCI | {"provider": "github"}},
            ["sync.provider 'github'", "GitRepository"],
            id="github for OCI",
        ),
        pytest.param(
            {"sharding": {"shards": ["a"], "storage": "persistent"}},
            [".spec.storage must be set", "'persistent'"],
            id="persistent shards without storage",
        ),
        pytest.param(
            {"sync": SYNC | {"name": "n" * 64}}, ["spec.sync.name"], id="a name that is too long"
        ),
        pytest.param(
            {"sync": SYNC | {"interval": "1d"}}, ["spec.sync.interval"], id="an odd interval"
        ),
        pytest.param(
            {"distribution": LEAST["distribution"] | {"artifact": "https://example.org/a"}},
            ["spec.distribution.artifact"],
            id="an artifact that is not OCI",
        ),
        pytest.param(
            {"distribution": LEAST["distribution"] | {"variant": "alpine"}},
            ["spec.distribution.variant", "upstream-alpine"],
            id="an unknown variant",
        ),
        pytest.param(
            {"components": ["source-controller", "web-controller"]},
            ["spec.components[1]", "source-watcher"],
            id="an unknown component",
        ),
        pytest.param({"cluster": {"type": "nomad"}}, ["spec.cluster.type"], id="a cluster type"),
        pytest.param({"cluster": {"size": "huge"}}, ["spec.cluster.size"], id="a cluster size"),
        pytest.param({"sharding": {"shards": []}}, ["spec.sharding.shards"], id="no shard"),
        pytest.param({"sharding": {}}, ["spec.sharding.shards"], id="shards not said"),
        pytest.param(
            {"sharding": {"shards": ["a"], "storage": "tape"}},
            ["spec.sharding.storage"],
            id="a shard storage",
        ),
        pytest.param({"storage": {"class": "fast"}}, ["spec.storage.size"], id="storage size"),
        pytest.param({"sync": SYNC | {"kind": "Svn"}}, ["spec.sync.kind"], id="a source kind"),
        pytest.param({"sync": SYNC | {"provider": "x"}}, ["spec.sync.provider"], id="a provider"),
        pytest.param({"sync": {"kind": "Bucket"}}, ["spec.sync.url"], id="an unfinished sync"),
        pytest.param(
            {"kustomize": {"patches": [{"target": {"kind": "Deployment"}}]}},
            ["spec.kustomize.patches[0].patch"],
            id="a patch without its text",
        ),
        pytest.param(
            {"distribution": {"version": "2.x"}}, ["spec.distribution.registry"], id="no registry"
        ),
        pytest.param({"distribution": None}, ["spec.distribution"], id="no distribution"),
    ],
)
def test_refused(
    server: Cluster, bare_namespace: str, spec: dict[str, Any], words: list[str]
) -> None:
    """What the API forbids is refused, and the answer names the field."""
    text = refusal(server, path(bare_namespace), instance(**spec))
    for word in words:
        assert word in text


def test_only_one_name_is_accepted(server: Cluster, bare_namespace: str) -> None:
    """C1: the singleton is called flux."""
    text = refusal(server, path(bare_namespace), instance("invalid-name"))
    assert "the only accepted name for a FluxInstance is 'flux'" in text


def test_only_one_name_of_a_report_is_accepted(server: Cluster, bare_namespace: str) -> None:
    """The same for the FluxReport."""
    manifest = report("fluxx")
    text = refusal(server, path(bare_namespace, plural="fluxreports"), manifest)
    assert "the only accepted name for a FluxReport is 'flux'" in text


def test_the_name_of_the_sync_stays(server: Cluster, bare_namespace: str) -> None:
    """C6: it may be set and dropped, but not changed."""
    create(server, bare_namespace, instance(sync=SYNC))

    def sync(name: str | None) -> dict[str, Any]:
        return {"spec": {"sync": {"name": name}}}

    merge = {"method": "PATCH", "content_type": "application/merge-patch+json"}
    address = path(bare_namespace, "flux")
    server.request("PATCH", address, sync("custom-sync"), content_type=merge["content_type"])
    assert "immutable" in refusal(server, address, sync("other"), **merge)
    server.request("PATCH", address, sync(None), content_type=merge["content_type"])
    server.request("PATCH", address, sync("other"), content_type=merge["content_type"])


def test_defaults_are_filled_in(server: Cluster, bare_namespace: str) -> None:
    """Inside a block that is there, and nowhere else."""
    spec = create(
        server,
        bare_namespace,
        instance(cluster={"networkPolicy": False}, sharding={"shards": ["a"]}, sync=SYNC),
    )["spec"]
    assert spec["cluster"] == {
        "type": "kubernetes",
        "domain": "cluster.local",
        "multitenant": False,
        "multitenantWorkloadIdentity": False,
        "networkPolicy": False,
    }
    assert spec["sharding"] == {"key": "sharding.fluxcd.io/key", "shards": ["a"]}
    assert spec["sync"] == SYNC | {"interval": "1m"}
    assert (spec["wait"], spec["migrateResources"]) == (True, True)


def test_absent_blocks_stay_absent(server: Cluster, bare_namespace: str) -> None:
    """Defaults do not bring a block into being."""
    spec = create(server, bare_namespace, instance())["spec"]
    assert spec == LEAST | {"wait": True, "migrateResources": True}


def test_unknown_fields_are_pruned(server: Cluster, bare_namespace: str) -> None:
    """In the spec and in the status."""
    stored = create(server, bare_namespace, instance(colour="blue"))
    assert "colour" not in stored["spec"]
    status = {"status": {"state": "Ready", "mood": "fine"}}
    answer = server.request(
        "PATCH",
        f"{path(bare_namespace, 'flux')}/status",
        status,
        content_type="application/merge-patch+json",
    )
    assert answer["status"] == {"state": "Ready"}


def test_the_status_is_a_subresource(server: Cluster, bare_namespace: str) -> None:
    """A write of the status makes no generation, a write of the object no status."""
    manifest = instance() | {"status": {"state": "Ready"}}
    assert "status" not in create(server, bare_namespace, manifest)
    answer = server.request(
        "PATCH",
        f"{path(bare_namespace, 'flux')}/status",
        {"spec": {"wait": False}, "status": {"state": "Ready"}},
        content_type="application/merge-patch+json",
    )
    assert answer["metadata"]["generation"] == 1
    assert answer["spec"]["wait"] is True


CONDITION = {
    "type": "Ready",
    "status": "True",
    "reason": "ReconciliationSucceeded",
    "message": "Reconciliation finished in 52s",
    "lastTransitionTime": "2024-06-03T12:20:57Z",
    "observedGeneration": 1,
}
STATUS: dict[str, Any] = {
    "conditions": [CONDITION],
    "state": "Ready",
    "stateSince": "2024-06-03T12:20:57Z",
    "lastTransition": {"from": "HealthChecking", "event": "Healthy", "guard": "always"},
    "nextTransition": {"event": "Due", "at": "2024-06-03T13:20:57Z"},
    "lastAttemptedRevision": "v2.3.0@sha256:4cc5",
    "lastAppliedRevision": "v2.3.0@sha256:4cc5",
    "lastArtifactRevision": "sha256:4cc5",
    "lastHandledReconcileAt": "now",
    "lastHandledForceAt": "now",
    "components": [
        {"name": "source-controller", "repository": "r", "tag": "v1", "digest": "sha256:1"}
    ],
    "inventory": {"entries": [{"id": "_flux-system__Namespace", "v": "v1"}]},
    "history": [
        {
            "digest": "sha256:4cc5",
            "firstReconciled": "2024-06-03T12:20:57Z",
            "lastReconciled": "2024-06-03T12:20:57Z",
            "lastReconciledDuration": "52s",
            "lastReconciledStatus": "ReconciliationSucceeded",
            "totalReconciliations": 1,
            "metadata": {"flux": "v2.3.0"},
        }
    ],
}


def test_a_full_status_is_kept(server: Cluster, bare_namespace: str) -> None:
    """Every field that the operator writes survives."""
    create(server, bare_namespace, instance())
    answer = server.request(
        "PATCH",
        f"{path(bare_namespace, 'flux')}/status",
        {"status": STATUS},
        content_type="application/merge-patch+json",
    )
    assert answer["status"] == STATUS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "no spaces"),
        ("type", "x" * 317),
        ("status", "Maybe"),
        ("reason", ""),
        ("reason", "two words"),
        ("reason", "R" * 1025),
        ("message", "m" * 32769),
        ("lastTransitionTime", "yesterday"),
        ("observedGeneration", -1),
    ],
    ids=lambda value: str(value)[:20] or "empty",
)
def test_a_malformed_condition_is_refused(
    server: Cluster, bare_namespace: str, field: str, value: Any
) -> None:
    """Patterns and limits of a condition hold."""
    create(server, bare_namespace, instance())
    text = refusal(
        server,
        f"{path(bare_namespace, 'flux')}/status",
        {"status": {"conditions": [CONDITION | {field: value}]}},
        method="PATCH",
        content_type="application/merge-patch+json",
    )
    assert f"status.conditions[0].{field}" in text


def test_the_table_of_kubectl(server: Cluster, bare_namespace: str) -> None:
    """AGE READY STATUS REVISION, and the state when wide; both categories list it."""
    create(server, bare_namespace, instance())
    server.request(
        "PATCH",
        f"{path(bare_namespace, 'flux')}/status",
        {"status": STATUS},
        content_type="application/merge-patch+json",
    )
    table = server.kubectl("get", "fluxinstance", "--namespace", bare_namespace).splitlines()
    assert table[0].split() == ["NAME", "AGE", "READY", "STATUS", "REVISION"]
    assert "Reconciliation finished in 52s" in table[1]
    assert "v2.3.0@sha256:4cc5" in table[1]
    wide = server.kubectl("get", "fluxinstance", "--namespace", bare_namespace, "--output", "wide")
    assert wide.splitlines()[0].split()[-1] == "STATE"
    for category in ("fluxcd", "fluxcd-appliers"):
        assert "fluxinstance" in server.kubectl("get", category, "-n", bare_namespace, "-o", "name")


def report(name: str = "flux") -> dict[str, Any]:
    """A full FluxReport."""
    return {
        "apiVersion": "fluxcd.controlplane.io/v1",
        "kind": "FluxReport",
        "metadata": {"name": name},
        "spec": {
            "distribution": {
                "entitlement": "Unknown",
                "status": "Installed",
                "version": "v2.3.0",
                "managedBy": "flux-operator",
            },
            "cluster": {"serverVersion": "v1.36.3", "platform": "linux/amd64", "nodes": 1},
            "operator": {
                "apiVersion": "fluxcd.controlplane.io/v1",
                "version": "v0.1.0",
                "platform": "linux/amd64",
            },
            "components": [{"name": "a", "ready": True, "status": "Current", "image": "i"}],
            "reconcilers": [
                {
                    "apiVersion": "v1",
                    "kind": "K",
                    "stats": {"running": 1, "failing": 0, "suspended": 0, "totalSize": "1.5 KiB"},
                }
            ],
            "sync": {"id": "kustomization/flux-system", "ready": True, "status": "ok", "path": "."},
        },
    }


def test_a_full_report_is_kept(server: Cluster, bare_namespace: str) -> None:
    """Every field of the FluxReport survives, and unknown ones do not."""
    manifest = report()
    stored = create(server, bare_namespace, manifest | {"spec": manifest["spec"] | {"mood": "ok"}})
    assert stored["spec"] == manifest["spec"]
    table = server.kubectl("get", "fluxreport", "--namespace", bare_namespace).splitlines()
    assert table[0].split() == ["NAME", "AGE", "READY", "STATUS", "LASTUPDATED"]


@pytest.mark.parametrize(
    "missing",
    ["distribution.entitlement", "distribution.status", "operator.version", "cluster.platform"],
)
def test_an_unfinished_report_is_refused(
    server: Cluster, bare_namespace: str, missing: str
) -> None:
    """What a report must say is required."""
    manifest = report()
    block, field = missing.split(".")
    del manifest["spec"][block][field]
    text = refusal(server, path(bare_namespace, plural="fluxreports"), manifest)
    assert f"spec.{missing}" in text
