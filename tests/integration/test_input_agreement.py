# SPDX-License-Identifier: Apache-2.0
"""The command line and the API server give the same verdict on the same files and objects."""

from __future__ import annotations

import copy
import json
import urllib.error
from pathlib import Path
from typing import Any, Final

import pytest

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.api import names
from fluxsm.api.instance import Patch
from fluxsm.api.objects import Manifest
from fluxsm.build.patches import apply_user_patches
from fluxsm.build.resource import Resource
from fluxsm.build.validation.custom import check_custom, schemas
from fluxsm.cli.instance_file import read_instance
from fluxsm.errors import FluxsmError
from tests.controlplane.cluster import Cluster
from tests.unit.cli.wrong_files import GOOD, TEXT, WRONG

pytestmark = pytest.mark.integration

CRDS = Path(__file__).resolve().parents[2] / "manifests" / "crd"
ADDRESS: Final = f"/apis/{names.API_VERSION}/namespaces/flux-system/{names.INSTANCE_PLURAL}"
ASKED: Final = {name: wrong for name, wrong in WRONG.items() if wrong.admitted != TEXT}


@pytest.fixture(scope="module")
def server(bare_cluster: Cluster) -> Cluster:
    """A control plane with both CRDs established."""
    bare_cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    bare_cluster.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=30s")
    bare_cluster.create_namespace("flux-system")
    return bare_cluster


def verdict(server: Cluster, address: str, text: str) -> str:
    """What the server says against an object, empty when it would take it; nothing is stored."""
    query = f"{address}?dryRun=All&fieldValidation=Strict"
    try:
        server.request("POST", query, text.encode(), content_type="application/yaml")
    except urllib.error.HTTPError as error:
        return str(json.load(error)["message"])
    return ""


@pytest.mark.parametrize("name", ASKED)
def test_a_wrong_file_is_refused_by_both(server: Cluster, name: str) -> None:
    """Or the server takes it for the reason that the table gives."""
    wrong = ASKED[name]
    found = verdict(server, ADDRESS, wrong.text)
    assert bool(found) is (not wrong.admitted), found


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_taken_by_both(server: Cluster, tmp_path: Path, name: str) -> None:
    """Whatever its form."""
    path = tmp_path / "flux.yaml"
    path.write_text(GOOD[name], encoding="utf-8")
    read_instance(str(path))
    assert verdict(server, ADDRESS, GOOD[name]) == ""


@pytest.mark.parametrize("name", [name for name, wrong in ASKED.items() if not wrong.admitted])
def test_what_the_server_refuses_is_refused_when_the_file_is_read(
    tmp_path: Path, name: str
) -> None:
    """Without a distribution: it is the schema that says so."""
    path = tmp_path / "flux.yaml"
    path.write_text(ASKED[name].text, encoding="utf-8")
    with pytest.raises(FluxsmError):
        read_instance(str(path))


POD: Final = "spec: {template: {spec: {%s}}}"
BAD: Final = {
    "a value beside its source": POD % (
        "containers: [{name: manager, env: [{name: GOMEMLIMIT, value: 8MiB}]}]"
    ),
    "two sources of a volume": POD % "volumes: [{name: temp, hostPath: {path: /x}}]",
    "two probes": POD % "containers: [{name: manager, readinessProbe: {tcpSocket: {port: 80}}}]",
    "two hooks": POD % (
        "containers: [{name: manager, lifecycle: {preStop: {exec: {command: [a]},"
        " httpGet: {port: 80}}}}]"
    ),
    "two strategies": (
        "spec: {strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}}"
    ),
    "two sources of a variable": POD % (
        "containers: [{name: manager, env: [{name: A, valueFrom: {fieldRef: {fieldPath:"
        " metadata.name}, configMapKeyRef: {name: a, key: b}}}]}]"
    ),
    "replicas as text": "spec: {replicas: two}",
    "replicas below zero": "spec: {replicas: -1}",
    "an argument that is a number": POD % "containers: [{name: manager, args: [1]}]",
    "memory in words": POD % (
        "containers: [{name: manager, resources: {limits: {memory: much}}}]"
    ),
    "a port": POD % "containers: [{name: manager, ports: [{containerPort: 99999}]}]",
    "an unknown volume": POD % (
        "containers: [{name: manager, volumeMounts: [{name: odd, mountPath: /odd}]}]"
    ),
    "a pull policy": POD % "containers: [{name: manager, imagePullPolicy: always}]",
    "a label": "metadata: {name: helm-controller, labels: {a: b c}}",
    "a label key": "metadata: {name: helm-controller, labels: {'a b': c}}",
    "an annotation key": "metadata: {name: helm-controller, annotations: {'a b': c}}",
    "a label of the pods": "spec: {template: {metadata: {labels: {a: b c}}}}",
    "another selector": "spec: {selector: {matchLabels: {x: y}}}",
    "a container twice": POD % "initContainers: [{name: manager, image: x}]",
    "an effect": POD % "tolerations: [{key: a, operator: Exists, effect: noSchedule}]",
    "a switch as text": POD % "hostNetwork: 'no'",
}  # fmt: skip
FINE: Final = {
    "a value instead of its source": POD % (
        "containers: [{name: manager, env: [{name: GOMEMLIMIT, value: 8MiB, valueFrom: null}]}]"
    ),
    "an empty value beside its source": POD % (
        "containers: [{name: manager, env: [{name: GOMEMLIMIT, value: ''}]}]"
    ),
    "another source of a volume": POD % (
        "volumes: [{name: temp, emptyDir: null, hostPath: {path: /x}}]"
    ),
    "another strategy": "spec: {strategy: {type: Recreate}}",
    "numbers and labels": "spec: {replicas: 2, template: {metadata: {labels: {a: 1.10}}}}",
    "annotations": "metadata: {name: helm-controller, annotations: {A/b: 0012, c: 1e5}}",
    "amounts": POD % (
        "containers: [{name: manager, resources: {limits: {memory: 1.5Gi, cpu: 2}}}]"
    ),
    "tolerations": POD % "tolerations: [{operator: Exists}], nodeSelector: {a: 010}",
    "a sidecar": POD % (
        "containers: [{name: side, image: x, volumeMounts: [{name: temp, mountPath: /x}],"
        " ports: [{containerPort: 65535}]}]"
    ),
}  # fmt: skip


def deployment() -> Manifest:
    """The Deployment of helm-controller."""
    place = open_folder(starter_folder())
    (found,) = [
        item for item in place.component("v2.8.8", "helm-controller")
        if item["kind"] == "Deployment"
    ]  # fmt: skip
    return found


def patched(text: str) -> tuple[Manifest, tuple[str, ...]]:
    """The Deployment after a merge, and what is said against it."""
    head = "apiVersion: apps/v1\nkind: Deployment\n"
    name = "" if text.startswith("metadata") else "metadata: {name: helm-controller}\n"
    patch = Patch.model_validate({"patch": f"{head}{name}{text}"})
    result = apply_user_patches([Resource.of(deployment())], [patch])
    manifest = copy.deepcopy(result.resources[0].manifest)
    manifest["metadata"]["namespace"] = "flux-system"
    return manifest, result.problems


@pytest.mark.parametrize("name", BAD)
def test_a_bad_object_is_refused_by_both(server: Cluster, name: str) -> None:
    """The build says so before anything is applied."""
    manifest, problems = patched(BAD[name])
    assert problems
    address = "/apis/apps/v1/namespaces/flux-system/deployments"
    assert verdict(server, address, json.dumps(manifest))


@pytest.mark.parametrize("name", FINE)
def test_a_fine_object_is_taken_by_both(server: Cluster, name: str) -> None:
    """The same patches with their remedy, and others."""
    manifest, problems = patched(FINE[name])
    assert problems == ()
    address = "/apis/apps/v1/namespaces/flux-system/deployments"
    assert verdict(server, address, json.dumps(manifest)) == ""


GIT: Final[dict[str, Any]] = {"interval": "1m0s", "url": "https://x.io/y"}
BUCKET: Final[dict[str, Any]] = {"interval": "1m0s", "endpoint": "x", "bucketName": "b"}
OCI: Final[dict[str, Any]] = {"interval": "1m0s", "url": "oci://x/y"}
SOURCES: Final[list[tuple[str, dict[str, Any]]]] = [
    ("GitRepository", GIT),
    ("GitRepository", {**GIT, "url": "git@x.io:y"}),
    ("GitRepository", {**GIT, "interval": "60"}),
    ("GitRepository", {**GIT, "timeout": "1h"}),
    ("GitRepository", {**GIT, "provider": "gcp"}),
    ("GitRepository", {**GIT, "provider": "azure", "serviceAccountName": "x"}),
    ("GitRepository", {**GIT, "serviceAccountName": "x"}),
    ("GitRepository", {**GIT, "odd": 1}),
    ("GitRepository", {**GIT, "suspend": "true"}),
    ("GitRepository", {**GIT, "ref": {"nam": "x"}}),
    ("GitRepository", {"url": "https://x.io/y"}),
    ("OCIRepository", OCI),
    ("OCIRepository", {**OCI, "url": "https://x.io/y"}),
    ("OCIRepository", {**OCI, "verify": {"provider": "cosign"}}),
    ("OCIRepository", {**OCI, "verify": {"provider": "gpg"}}),
    ("OCIRepository", {**OCI, "verify": {"matchOIDCIdentity": [{"issuer": "x"}]}}),
    ("OCIRepository", {**OCI, "layerSelector": {"operation": "unzip"}}),
    ("Bucket", BUCKET),
    ("Bucket", {**BUCKET, "bucketName": None}),
    ("Bucket", {**BUCKET, "provider": "generic", "serviceAccountName": "x"}),
    ("Bucket", {**BUCKET, "provider": "aws", "sts": {"provider": "ldap", "endpoint": "https://x"}}),
    ("Bucket", {**BUCKET, "provider": "aws", "sts": {"provider": "aws", "endpoint": "https://x"}}),
    ("Bucket", {**BUCKET, "sts": {"provider": "ldap", "endpoint": "x"}}),
    ("Bucket", {**BUCKET, "secretRef": {"name": "a"}, "serviceAccountName": "x",
                "provider": "aws"}),
    ("Bucket", {**BUCKET, "insecure": 1}),
]  # fmt: skip


@pytest.fixture(scope="module")
def crds(server: Cluster, upstream: Path) -> list[Manifest]:
    """The CRDs of source-controller, established."""
    found = [
        item
        for item in open_folder(upstream).component("v2.8.8", "source-controller")
        if item["kind"] == "CustomResourceDefinition"
    ]
    for item in found:
        server.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", item)
    server.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=30s")
    return found


@pytest.mark.parametrize(("kind", "spec"), SOURCES)
def test_sources_are_judged_alike(
    server: Cluster, crds: list[Manifest], kind: str, spec: dict[str, Any]
) -> None:
    """By the schema and the rules of the CRDs that are built."""
    group = "source.toolkit.fluxcd.io/v1"
    manifest = {"apiVersion": group, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    plural = {"GitRepository": "gitrepositories", "OCIRepository": "ocirepositories",
              "Bucket": "buckets"}[kind]  # fmt: skip
    address = f"/apis/{group}/namespaces/flux-system/{plural}"
    theirs = verdict(server, address, json.dumps(manifest))
    ours = [str(finding) for finding in check_custom(manifest, schemas(crds))]
    assert bool(ours) is bool(theirs), (ours, theirs)
