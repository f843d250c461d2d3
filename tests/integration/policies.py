# SPDX-License-Identifier: Apache-2.0
"""Admission policies: what somebody else in the cluster forbids or fills in."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fluxsm.api.objects import Manifest
from tests.controlplane.cluster import Cluster
from tests.integration.operator import until

API = "/apis/admissionregistration.k8s.io/v1"
FILLED_IN: Manifest = {"revisionHistoryLimit": 3}


@contextmanager
def forbidding(cluster: Cluster, namespace: str, operation: str, name: str) -> Iterator[None]:
    """Nobody may do something with a Deployment while this lasts.

    Args:
        cluster: where.
        namespace: its namespace.
        operation: `CREATE` or `DELETE`; a Deployment to be deleted has to be there.
        name: its name.
    """
    refusal = {"expression": f"request.name != '{name}'", "message": "forbidden by a policy"}
    path = _deployments(namespace)

    def is_in_force() -> bool:
        try:
            if operation == "DELETE":
                cluster.request("DELETE", f"{path}/{name}?dryRun=All")
            else:
                cluster.request("POST", f"{path}?dryRun=All", _deployment(name))
        except urllib.error.HTTPError as error:
            with error:
                return error.code == 422
        return False

    with _policy(cluster, "Validating", namespace, [operation], {"validations": [refusal]}):
        until(is_in_force, "policy in force")
        yield


@contextmanager
def filling_in(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Deployments of a namespace get fields and a label that whoever writes them did not want."""
    spec = ", ".join(f"{key}: {value}" for key, value in FILLED_IN.items())
    labels = 'metadata: Object.metadata{labels: {"example.com/policy": "yes"}}'
    expression = f"Object{{{labels}, spec: Object.spec{{{spec}}}}}"
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    what = {"mutations": [mutation], "reinvocationPolicy": "Never"}

    def is_in_force() -> bool:
        path = f"{_deployments(namespace)}?dryRun=All"
        made = cluster.request("POST", path, _deployment("probe"))
        return "example.com/policy" in (made["metadata"].get("labels") or {})

    with _policy(cluster, "Mutating", namespace, ["CREATE", "UPDATE"], what):
        until(is_in_force, "policy in force")
        yield


@contextmanager
def _policy(
    cluster: Cluster, kind: str, namespace: str, operations: list[str], what: Manifest
) -> Iterator[None]:
    """A policy for the Deployments of a namespace, and its binding."""
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": operations,
        "resources": ["deployments"],
    }
    spec = {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]}, **what}
    there = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    binding: dict[str, Any] = {"policyName": namespace}
    binding["matchResources"] = {"namespaceSelector": there}
    if kind == "Validating":
        binding["validationActions"] = ["Deny"]
    name = f"{kind}AdmissionPolicy"
    with (
        _created(cluster, name, namespace, spec),
        _created(cluster, f"{name}Binding", namespace, binding),
    ):
        yield


@contextmanager
def _created(cluster: Cluster, kind: str, name: str, spec: Manifest) -> Iterator[None]:
    plural = f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"
    api_version = "admissionregistration.k8s.io/v1"
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}
    cluster.request("POST", f"{API}/{plural}", body)
    try:
        yield
    finally:
        cluster.request("DELETE", f"{API}/{plural}/{name}")


def _deployments(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def _deployment(name: str) -> Manifest:
    """The smallest Deployment."""
    labels = {"app": name}
    container = {"name": "some", "image": "example.com/some"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
