# SPDX-License-Identifier: Apache-2.0
"""Flux resources of every kind, at whatever version, and how they come to be stored in it."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fluxsm.api.objects import Manifest
from tests.controlplane.cluster import Cluster
from tests.integration.instance import MERGE
from tests.integration.operator import until

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

_SOURCE = {"kind": "GitRepository", "name": "some"}
_EVERY = {"interval": "5m"}
SPECS: dict[str, Manifest] = {
    "Alert": {"eventSources": [_SOURCE], "providerRef": {"name": "some"}},
    "Bucket": {**_EVERY, "bucketName": "some", "endpoint": "example.com"},
    "GitRepository": {**_EVERY, "url": "https://example.com/some"},
    "HelmChart": {
        **_EVERY, "chart": "some", "sourceRef": {"kind": "HelmRepository", "name": "some"},
    },
    "HelmRelease": {**_EVERY, "chart": {"spec": {"chart": "some", "sourceRef": _SOURCE}}},
    "HelmRepository": {**_EVERY, "url": "https://example.com/charts"},
    "ImagePolicy": {
        "imageRepositoryRef": {"name": "some"}, "policy": {"semver": {"range": "1.x"}},
    },
    "ImageRepository": {**_EVERY, "image": "example.com/some"},
    "ImageUpdateAutomation": {
        **_EVERY, "sourceRef": _SOURCE, "git": {"commit": {"author": {"email": "a@example.com"}}},
    },
    "Kustomization": {**_EVERY, "prune": True, "path": "./some", "sourceRef": _SOURCE},
    "OCIRepository": {**_EVERY, "url": "oci://example.com/some"},
    "Provider": {"type": "slack", "channel": "some", "address": "https://example.com/hook"},
    "Receiver": {"type": "github", "resources": [_SOURCE], "secretRef": {"name": "some"}},
}  # fmt: skip
"""A valid spec of each kind, the same in all its versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A resource that was stored in a version.

    Attributes:
        crd: name of its CRD, `<plural>.<group>`.
        version: the version.
        namespace: where it is.
        name: its name.
        spec: its spec.
    """

    crd: str
    version: str
    namespace: str
    name: str
    spec: Manifest

    @property
    def key(self) -> str:
        """Where it lies in etcd."""
        plural, _, group = self.crd.partition(".")
        return f"{group}/{plural}/{self.namespace}/{self.name}"

    def path(self, version: str) -> str:
        """Where it is served at a version."""
        plural, _, group = self.crd.partition(".")
        return f"/apis/{group}/{version}/namespaces/{self.namespace}/{plural}/{self.name}"


def flux_crd_objects(cluster: Cluster) -> list[Manifest]:
    """The CRDs of Flux."""
    items = cluster.request("GET", CRDS)["items"]
    return [item for item in items if item["spec"]["group"].endswith(".toolkit.fluxcd.io")]


def store_in_all_versions(cluster: Cluster, namespace: str) -> list[Stored]:
    """For each version of each CRD create an object that is stored in it.

    That is how a cluster looks that has been upgraded many times and never migrated.
    """
    return [
        item
        for crd in flux_crd_objects(cluster)
        if crd["spec"]["names"]["kind"] in SPECS
        for item in _store(cluster, crd, namespace)
    ]


def _store(cluster: Cluster, crd: Manifest, namespace: str) -> Iterator[Stored]:
    """Switch the storage version to each one in turn, the right one last."""
    versions = crd["spec"]["versions"]
    kind = crd["spec"]["names"]["kind"]
    for version in sorted(versions, key=lambda item: bool(item["storage"])):
        _switch(cluster, crd, version["name"])
        item = Stored(
            crd=crd["metadata"]["name"],
            version=version["name"],
            namespace=namespace,
            name=f"stored-as-{version['name']}",
            spec=SPECS[kind],
        )
        yield _create(cluster, crd, item)


def _switch(cluster: Cluster, crd: Manifest, storage: str) -> None:
    versions = [
        {**version, "storage": version["name"] == storage} for version in crd["spec"]["versions"]
    ]
    path = f"{CRDS}/{crd['metadata']['name']}"
    cluster.request("PATCH", path, {"spec": {"versions": versions}}, content_type=MERGE)


def _create(cluster: Cluster, crd: Manifest, item: Stored) -> Stored:
    """Create a resource, again until the API server uses the storage version."""
    api_version = f"{crd['spec']['group']}/{item.version}"
    body = {
        "apiVersion": api_version,
        "kind": crd["spec"]["names"]["kind"],
        "metadata": {"name": item.name, "namespace": item.namespace},
        "spec": item.spec,
    }

    def is_stored() -> bool | None:
        path = item.path(item.version)
        try:
            cluster.request("POST", path.rpartition("/")[0], body)
        except urllib.error.HTTPError as error:
            if error.code == 503:  # its handler for this kind is just being replaced
                return None
            raise
        if cluster.stored(item.key)["apiVersion"] == api_version:
            return True
        cluster.request("DELETE", path)
        return None

    until(is_stored, f"{item.crd} in {item.version}")
    return item


def check_survived(cluster: Cluster, stored: list[Stored]) -> None:
    """All resources have their specs and lie in the storage version, the only one listed."""
    assert stored
    storage = {}
    for crd in flux_crd_objects(cluster):
        (version,) = [item["name"] for item in crd["spec"]["versions"] if item["storage"]]
        storage[crd["metadata"]["name"]] = version
        assert crd["status"]["storedVersions"] == [version], crd["metadata"]["name"]
    for item in stored:
        wanted = f"{item.crd.partition('.')[2]}/{storage[item.crd]}"
        assert cluster.stored(item.key)["apiVersion"] == wanted, item
        found = cluster.request("GET", item.path(storage[item.crd]))
        assert contains(found["spec"], item.spec), (found["spec"], item)
        records = found["metadata"]["managedFields"]
        assert {record["apiVersion"] for record in records} == {wanted}, item


def contains(found: Any, wanted: Any) -> bool:
    """Whether data is there; defaults may have been added."""
    if isinstance(wanted, dict):
        return all(key in found and contains(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return all(contains(*pair) for pair in zip(found, wanted, strict=True))
    return bool(found == wanted)
