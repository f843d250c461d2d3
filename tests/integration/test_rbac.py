# SPDX-License-Identifier: Apache-2.0
"""The operator works with exactly the rights of manifests/rbac.

It installs, waits, upgrades, migrates and uninstalls as its ServiceAccount. Then each right is
taken away in turn, and the API server itself is asked whether a request that was really sent
would still be allowed.
"""

from __future__ import annotations

import copy
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from fluxsm.adapters.kube.rbac import CLUSTER, READ, PolicyRule
from fluxsm.adapters.kube.rbac import NAMESPACE as LOCAL
from fluxsm.api import names
from tests.controlplane.cluster import Cluster, Request
from tests.controlplane.process import free_ports
from tests.integration.instance import Instance
from tests.integration.process import (
    ROOT,
    Process,
    account_kubeconfig,
    eventually,
    kubectl,
    spec,
)

NAMESPACE = names.DEFAULT_NAMESPACE
pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{names.MANAGER}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
VERBS = (*READ, "create", "update", "patch", "delete")
ROLES = {
    "cluster": f"{RBAC}/clusterroles/{names.MANAGER}",
    "namespace": f"{RBAC}/namespaces/{NAMESPACE}/roles/{names.MANAGER}",
}
REFERENCE_KINDS = {
    "resourcesets": "ResourceSet",
    "resourcesetinputproviders": "ResourceSetInputProvider",
}
"""Kinds that only the reference operator serves, in a cluster that was taken over from it."""


def reference_crd(plural: str, kind: str) -> dict[str, Any]:
    """The CRD of one of them."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": names.VERSION, "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [version],
        },
    }


@dataclass(frozen=True, order=True)
class Asked:
    """What a request asks the authorizer."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str

    def review(self) -> dict[str, Any]:
        """The question to the API server."""
        resource, _, sub = self.resource.partition("/")
        return {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": ACCOUNT,
                "groups": ["system:serviceaccounts", "system:authenticated"],
                "resourceAttributes": {
                    "verb": self.verb,
                    "group": self.group,
                    "resource": resource,
                    "subresource": sub,
                    "namespace": self.namespace,
                    "name": self.name,
                },
            },
        }


def questions(request: Request) -> Iterator[Asked]:
    """What a request of the audit log asked; an apply that creates needs two rights."""
    parts = urlsplit(request.uri).path.strip("/").split("/")
    group = parts[1] if parts[0] == "apis" else ""
    rest = parts[3 if parts[0] == "apis" else 2 :]
    namespace = rest[1] if rest[:1] == ["namespaces"] and len(rest) > 2 else ""
    verbs = [request.verb, "create"] if request.code == 201 else [request.verb]
    for verb in dict.fromkeys(verbs):
        name = "" if verb == "create" else request.name
        yield Asked(verb, group, request.resource, namespace, name)


def covers(right: PolicyRule, group: str, resource: str, asked: Asked, *, local: bool) -> bool:
    """Whether a right, cut down to one group and resource, is about a question."""
    return (
        asked.group == group
        and resource in {"*", asked.resource}
        and asked.verb in right.verbs
        and (not right.only or asked.name in right.only)
        and (not local or asked.namespace == NAMESPACE)
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A control plane whose namespace refuses what is not `restricted`."""
    with Cluster() as found:
        labels = {
            f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")
        }
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": labels},
        }
        found.kubectl("apply", "-f", "-", stdin=json.dumps(namespace))
        yield found


@pytest.fixture(scope="module")
def applied(cluster: Cluster) -> str:
    """What kubectl warned of when it applied the manifests of the operator."""
    done = kubectl(cluster, "apply", "-k", str(ROOT / "manifests" / "operator"))
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def lifecycle(cluster: Cluster, applied: str) -> list[Request]:
    """The requests of a whole lifecycle under the ServiceAccount of the manifests."""
    del applied
    components = list(names.COMPONENTS[:6])
    sync = {"kind": "GitRepository", "url": "https://example.com/a", "ref": "main", "path": "x"}
    missing = {"artifact": "oci://127.0.0.1:1/none", "artifactPullSecret": "missing"}
    old = {"version": "2.6.x", "registry": "ghcr.io/fluxcd"}
    nowhere = [{"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"no": "where"}}]
    target = {"kind": "Deployment", "name": "source-controller"}
    stuck = {"patches": [{"target": target, "patch": json.dumps(nowhere)}]}
    kubeconfig = account_kubeconfig(cluster, NAMESPACE)
    instance = Instance(cluster, NAMESPACE)
    [port] = free_ports(1)
    flags = [f"--kubeconfig={kubeconfig}", "--reporting-interval=1m", f"--web-server-port={port}"]
    for plural, kind in REFERENCE_KINDS.items():
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(reference_crd(plural, kind)))
    with Process(cluster, NAMESPACE, flags=flags) as process:
        instance.create(spec(distribution=old | missing))
        instance.becomes_failed(names.ARTIFACT_FAILED)
        clean = {"artifact": None, "artifactPullSecret": None}
        instance.patch(
            spec={
                "distribution": clean,
                "components": components,
                "sync": sync,
                "kustomize": stuck,
            }
        )
        eventually(lambda: asks_for(cluster, "pods"), "look at the pods")
        storage = {"class": "standard", "size": "1Gi"}
        instance.patch(spec={"kustomize": None, "storage": storage, "wait": False})
        instance.becomes_ready()
        every = list(names.COMPONENTS)
        instance.patch(spec={"distribution": {"version": "2.8.x"}, "components": every})
        instance.becomes_ready()
        eventually(lambda: asks_for(cluster, "artifactgenerators"), "report on all kinds")
        eventually(lambda: asks_for(cluster, "resourcesetinputproviders"), "report on all kinds")
        page = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        page.request("GET", "/api/v1/events")
        assert json.loads(page.getresponse().read())["events"]
        page.close()
        instance.delete()
        instance.goes()
        assert process.terminates()[0] == 0
    return cluster.audit(ACCOUNT)


def asks_for(cluster: Cluster, resource: str) -> bool:
    """Whether the operator has asked for a resource yet."""
    return any(item.resource == resource for item in cluster.audit(ACCOUNT))


def test_the_manifests_pass_the_restricted_profile(cluster: Cluster, applied: str) -> None:
    """No warning, and the pods are admitted under enforcement."""
    assert applied == "", applied
    cluster.kubectl(
        "rollout", "status", "deployment/flux-operator", "-n", NAMESPACE, "--timeout=30s"
    )


def test_nothing_is_forbidden(lifecycle: list[Request]) -> None:
    """The rights are enough for a whole lifecycle."""
    assert [f"{item.verb} {item.uri}" for item in lifecycle if item.code in {401, 403}] == []


GRANTS = [
    pytest.param(
        where, number, group, resource, id=f"{where}-{number}-{group or 'core'}-{resource}"
    )
    for where, rights in (("cluster", CLUSTER), ("namespace", LOCAL))
    for number, right in enumerate(rights)
    for group in right.groups
    for resource in right.resources
    if "escalate" not in right.verbs
]


@pytest.mark.parametrize(("where", "number", "group", "resource"), GRANTS)
def test_without_a_right_a_request_would_be_refused(
    cluster: Cluster, lifecycle: list[Request], where: str, number: int, group: str, resource: str
) -> None:
    """The API server's own answer, for a request that the operator really sent."""
    right = (CLUSTER if where == "cluster" else LOCAL)[number]
    needed = sorted(
        {
            asked
            for request in lifecycle
            for asked in questions(request)
            if covers(right, group, resource, asked, local=where == "namespace")
        }
    )
    assert needed, "no request needs this right: remove it from the table"
    review = needed[0].review()
    assert is_allowed(cluster, review)
    with without(cluster, where, number, group, resource):
        eventually(lambda: not is_allowed(cluster, review), f"refusal of {needed[0]}", seconds=5)


def is_allowed(cluster: Cluster, review: dict[str, Any]) -> bool:
    """What the authorizer of the API server says."""
    answer = cluster.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize(
    ("role", "verbs"),
    [
        ("view", READ),
        (f"{names.MANAGER}-viewer", READ),
        (f"{names.MANAGER}-editor", VERBS),
    ],
)
def test_people_may_do_what_their_role_says(
    cluster: Cluster, applied: str, role: str, verbs: tuple[str, ...]
) -> None:
    """And no more: who may only look cannot edit. The built-in role `view` shows instances too."""
    del applied
    person = f"who-has-{role}"
    cluster.kubectl(
        "create", "clusterrolebinding", person, f"--clusterrole={role}", f"--user={person}"
    )

    def has_just_these() -> bool:
        allowed = []
        for verb in VERBS:
            review = Asked(verb, names.GROUP, names.INSTANCE_PLURAL, NAMESPACE, "flux").review()
            review["spec"] |= {"user": person, "groups": ["system:authenticated"]}
            allowed += [verb] if is_allowed(cluster, review) else []
        return tuple(allowed) == verbs

    eventually(has_just_these, f"rights of {role}, and no others", seconds=10)


@contextmanager
def without(cluster: Cluster, where: str, number: int, group: str, resource: str) -> Iterator[None]:
    """For a while, a role lacks one group and resource of a rule."""
    path = ROLES[where]
    rules = cluster.request("GET", path)["rules"]
    fewer = copy.deepcopy(rules)
    rule = fewer.pop(number)
    for groups, resources in (
        ([item for item in rule["apiGroups"] if item != group], rule["resources"]),
        ([group], [item for item in rule["resources"] if item != resource]),
    ):
        if groups and resources:
            fewer.append({**rule, "apiGroups": groups, "resources": resources})
    set_rules(cluster, path, fewer)
    try:
        yield
    finally:
        set_rules(cluster, path, rules)


def set_rules(cluster: Cluster, path: str, rules: list[dict[str, Any]]) -> None:
    """Write the rules of a role."""
    cluster.request("PATCH", path, {"rules": rules}, content_type="application/merge-patch+json")


def test_the_controllers_rights_cannot_be_given_without_bind_and_escalate(
    cluster: Cluster, lifecycle: list[Request]
) -> None:
    """These two are why the operator is as mighty as cluster-admin, whatever else it lacks."""
    del lifecycle
    (number,) = [index for index, right in enumerate(CLUSTER) if "bind" in right.verbs]
    bind = (
        "create", "clusterrolebinding", "probe", "--clusterrole=cluster-admin",
        f"--serviceaccount={NAMESPACE}:kustomize-controller",
    )  # fmt: skip
    escalate = ("create", "clusterrole", "probe", "--verb=*", "--resource=secrets")
    flags = ("--dry-run=server", f"--as={ACCOUNT}")

    def answers() -> list[str]:
        return [kubectl(cluster, *command, *flags).stderr for command in (bind, escalate)]

    def refused() -> bool:
        return all("forbidden" in answer for answer in answers())

    eventually(lambda: answers() == ["", ""], "rights of the role", seconds=5)
    with without(cluster, "cluster", number, "rbac.authorization.k8s.io", "clusterroles"):
        eventually(refused, "refusal", seconds=5)
