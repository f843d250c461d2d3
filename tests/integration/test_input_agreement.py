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
from fluxsm.api.instance import Patch, parse_instance
from fluxsm.api.objects import Manifest
from fluxsm.build.patches import apply_user_patches
from fluxsm.build.pipeline import build
from fluxsm.build.resource import Resource
from fluxsm.build.validation.custom import check_custom, schemas
from fluxsm.cli.instance_file import read_instance
from fluxsm.errors import FluxsmError
from tests.controlplane.cluster import Cluster
from tests.unit.cli.wrong_files import GOOD, TEXT, WRONG
from tools import kubernetes_schema

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
    "an unknown field of a pod": POD % "dnsConfigs: {}",
    "an unknown field of a container": POD % "containers: [{name: manager, imagePullPolicies: x}]",
    "an unknown field of a Deployment": "spec: {replica: 2}",
    "an unknown field of metadata": "metadata: {name: helm-controller, label: {a: b}}",
    "an unknown field of affinity": POD % "affinity: {nodeAffinity: {required: []}}",
    "a container without an image": POD % "containers: [{name: side}]",
    "a container in capitals": POD % "containers: [{name: Side, image: x}]",
    "a volume in capitals": POD % "volumes: [{name: My_Volume, emptyDir: {}}]",
    "requests above limits": POD % (
        "containers: [{name: manager, resources: {limits: {memory: 1Gi}, requests: {memory: 2Gi}}}]"
    ),
    "memory below zero": POD % (
        "containers: [{name: manager, resources: {limits: {memory: -1Gi}, requests: null}}]"
    ),
    "a port name in capitals": POD % (
        "containers: [{name: manager, ports: [{name: HTTP, containerPort: 81}]}]"
    ),
    "a port name that is long": POD % (
        "containers: [{name: manager, ports: [{name: a-name-that-is-long, containerPort: 81}]}]"
    ),
    "a port name of digits": POD % (
        "containers: [{name: manager, ports: [{name: '8081', containerPort: 81}]}]"
    ),
    "a probe of nothing": POD % "containers: [{name: side, image: x, livenessProbe: {}}]",
    "a probe of port 0": POD % (
        "containers: [{name: side, image: x, livenessProbe: {tcpSocket: {port: 0}}}]"
    ),
    "a probe of a long port name": POD % (
        "containers: [{name: side, image: x, livenessProbe: {tcpSocket: {port: Not_A_Port}}}]"
    ),
    "two successes of a liveness probe": POD % (
        "containers: [{name: side, image: x, livenessProbe: {tcpSocket: {port: 1},"
        " successThreshold: 2}}]"
    ),
    "a toleration without a key": POD % "tolerations: [{value: x}]",
    "a toleration of any value": POD % "tolerations: [{key: a, operator: Exists, value: x}]",
    "a toleration for seconds": POD % (
        "tolerations: [{key: a, operator: Exists, effect: NoSchedule, tolerationSeconds: 5}]"
    ),
    "a toleration key": POD % "tolerations: [{key: 'a b', operator: Exists}]",
    "a node selector": POD % "nodeSelector: {a: b c}",
    "a node selector key": POD % "nodeSelector: {'a b': c}",
    "an account": POD % "serviceAccountName: Not_One",
    "a priority class": POD % "priorityClassName: Not_One",
    "a mount out of the volume": POD % (
        "containers: [{name: manager, volumeMounts: [{name: temp, mountPath: /x, subPath: ../y}]}]"
    ),
    "an empty source of a variable": POD % (
        "containers: [{name: manager, env: [{name: A, valueFrom: {}}]}]"
    ),
    "a variable without a name": POD % "containers: [{name: manager, env: [{name: '', value: x}]}]",
    "a privileged container without escalation": POD % (
        "containers: [{name: manager, securityContext: {privileged: true}}]"
    ),
    "a spread of nothing": POD % (
        "topologySpreadConstraints: [{maxSkew: 0, topologyKey: a,"
        " whenUnsatisfiable: DoNotSchedule}]"
    ),
    "a spread without a rule": POD % "topologySpreadConstraints: [{maxSkew: 1, topologyKey: a}]",
    "a surge in words": "spec: {strategy: {rollingUpdate: {maxSurge: half}}}",
    "no surge at all": "spec: {strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}}",
    "a user below zero": POD % "securityContext: {runAsUser: -1}",
    "a number that is too large": "spec: {replicas: 99999999999}",
    "half a replica": "spec: {replicas: 1.5}",
    "no containers": POD % "containers: null",
    "a restart policy": POD % "restartPolicy: Sometimes",
    "a dns policy": POD % "dnsPolicy: none",
    "a host port": POD % (
        "containers: [{name: manager, ports: [{name: x, containerPort: 81, hostPort: 70000}]}]"
    ),
    "a label that is long": "metadata: {name: helm-controller, labels: {a: %s}}" % ("v" * 64),
    "a selector of nothing": "spec: {selector: {matchLabels: {$patch: replace}}}",
    "an expression of a selector": (
        "spec: {selector: {matchExpressions: [{key: a, operator: Is, values: [b]}]}}"
    ),
}  # fmt: skip
OTHERS: Final = {
    "a Service type": ("Service", "[{op: add, path: /spec/type, value: Cluster}]"),
    "a Service port": ("Service", "[{op: add, path: /spec/ports/0/port, value: 0}]"),
    "a Service port without a name": (
        "Service", "[{op: add, path: /spec/ports/-, value: {port: 9}}]"
    ),
    "a Service port name": (
        "Service", "[{op: add, path: /spec/ports/-, value: {port: 9, name: A_b}}]"
    ),
    "a Service port twice": (
        "Service", ("[{op: copy, from: /spec/ports/0, path: /spec/ports/-},"
        " {op: add, path: /spec/ports/1/name, value: other}]")
    ),
    "a target port": ("Service", "[{op: add, path: /spec/ports/0/targetPort, value: Not_One}]"),
    "a protocol": ("Service", "[{op: add, path: /spec/ports/0/protocol, value: tcp}]"),
    "a Service field": ("Service", "[{op: add, path: /spec/port, value: 5}]"),
    "a Service selector": ("Service", "[{op: add, path: /spec/selector, value: {a: b c}}]"),
    "a direction": ("NetworkPolicy", "[{op: add, path: /spec/policyTypes, value: [ingress]}]"),
    "an empty peer": ("NetworkPolicy", "[{op: add, path: /spec/ingress, value: [{from: [{}]}]}]"),
    "a range": (
        "NetworkPolicy",
        "[{op: add, path: /spec/ingress, value: [{from: [{ipBlock: {cidr: 10.0.0.0}}]}]}]",
    ),
    "a range with a selector": (
        "NetworkPolicy",
        ("[{op: add, path: /spec/ingress, value: [{from: [{ipBlock: {cidr: 10.0.0.0/8},"
        " podSelector: {}}]}]}]"),
    ),
    "an end port": (
        "NetworkPolicy",
        "[{op: add, path: /spec/ingress, value: [{ports: [{port: 80, endPort: 70}]}]}]",
    ),
    "a policy field": ("NetworkPolicy", "[{op: add, path: /spec/podSelectors, value: {}}]"),
    "a selector key": (
        "NetworkPolicy", "[{op: add, path: /spec/podSelector, value: {matchLabels: {'a b': c}}}]"
    ),
    "an account field": ("ServiceAccount", "[{op: add, path: /imagePullSecret, value: x}]"),
    "an account switch": (
        "ServiceAccount", "[{op: add, path: /automountServiceAccountToken, value: 'no'}]"
    ),
    "an annotation of an account": (
        "ServiceAccount", "[{op: add, path: /metadata/annotations, value: {'a/b/c': x}}]"
    ),
    "verbs of a role": ("ClusterRole", "[{op: add, path: /rules/0/verbs, value: []}]"),
    "a role without resources": (
        "ClusterRole", "[{op: add, path: /rules/-, value: {verbs: [get]}}]"
    ),
    "a role field": ("ClusterRole", "[{op: add, path: /rules/0/verb, value: [get]}]"),
    "a quota": ("ResourceQuota", "[{op: add, path: /spec/hard/pods, value: many}]"),
    "a quota field": ("ResourceQuota", "[{op: add, path: /spec/hards, value: {}}]"),
    "a label of a namespace": ("Namespace", "[{op: add, path: /metadata/labels, value: {a: b c}}]"),
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
    "half a core": POD % (
        "containers: [{name: manager, resources: {limits: {cpu: 0.5}, requests: {cpu: 500m}}}]"
    ),
    "empty words": POD % "tolerations: [{key: a, operator: Exists, effect: ''}], dnsPolicy: ''",
    "affinity": POD % (
        "affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1,"
        " podAffinityTerm: {topologyKey: a, labelSelector: {matchLabels: {b: c}}}}]}}"
    ),
    "a spread": POD % (
        "topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule,"
        " labelSelector: {matchExpressions: [{key: a, operator: Exists}]}}]"
    ),
    "surges": "spec: {strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 25%}}}",
    "security": POD % (
        "containers: [{name: manager, securityContext: {capabilities: {add: [NET_ADMIN]},"
        " runAsUser: 0, seccompProfile: {type: RuntimeDefault}}}], hostAliases: [{ip: 1.2.3.4,"
        " hostnames: [a.b]}], dnsConfig: {options: [{name: ndots, value: '1'}]}"
    ),
    "volumes": POD % (
        "volumes: [{name: a, secret: {secretName: b, items: [{key: c, path: d}], defaultMode: 4}},"
        " {name: e, projected: {sources: [{serviceAccountToken: {path: x, audience: y}}]}},"
        " {name: f, csi: {driver: x.y}}, {name: g}]"
    ),
    "probes": POD % (
        "containers: [{name: side, image: x, livenessProbe: {grpc: {port: 5}},"
        " startupProbe: {tcpSocket: {port: http}}, lifecycle: {preStop: {sleep: {seconds: 5}}}}]"
    ),
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


PLACES: Final = {
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "Namespace": "/api/v1/namespaces",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/flux-system/networkpolicies",
    "ResourceQuota": "/api/v1/namespaces/flux-system/resourcequotas",
    "Service": "/api/v1/namespaces/flux-system/services",
    "ServiceAccount": "/api/v1/namespaces/flux-system/serviceaccounts",
}


def first(kind: str) -> Manifest:
    """The first object of a kind that is built, with another name, for the real ones may exist."""
    wanted = parse_instance({"metadata": {"name": "flux", "namespace": "flux-system"}, "spec": {
        "distribution": {"version": "2.8.x", "registry": "x/y"}}})  # fmt: skip
    objects = build(wanted, open_folder(starter_folder()), "v2.8.8").objects
    found = copy.deepcopy(next(item for item in objects if item["kind"] == kind))
    found["metadata"]["name"] = "other"
    return found


@pytest.mark.parametrize("name", OTHERS)
def test_a_bad_object_of_another_kind_is_refused_by_both(server: Cluster, name: str) -> None:
    """After JSON 6902, which may write anything; what is there without the patch is taken."""
    kind, text = OTHERS[name]
    item = first(kind)
    assert verdict(server, PLACES[kind], json.dumps(item)) == ""
    patch = Patch.model_validate({"patch": text, "target": {"kind": kind}})
    result = apply_user_patches([Resource.of(item)], [patch])
    assert result.problems
    assert verdict(server, PLACES[kind], json.dumps(result.resources[0].manifest))


def test_the_schemas_of_built_in_kinds_are_those_of_the_server(server: Cluster) -> None:
    """`python -m tools.kubernetes_schema` writes them."""
    found = kubernetes_schema.condense(lambda path: server.request("GET", path))
    assert kubernetes_schema.FILE.read_text(encoding="utf-8") == kubernetes_schema.write(found)


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
