# SPDX-License-Identifier: Apache-2.0
"""What the findings of an examination are, and that each has something to do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.core import checkup
from fluxsm.core.checkup import Finding, Grade

NAME_OF_NAMESPACE = "f:kubernetes.io/metadata.name"
OF_A_NAMESPACE: Manifest = {"f:metadata": {"f:labels": {".": {}, NAME_OF_NAMESPACE: {}}}}
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def has(finding: Finding, grade: Grade, words: str) -> bool:
    """Whether a finding has a grade and words; what is not good has a remedy."""
    return (
        finding.grade is grade
        and words in finding.text
        and bool(finding.remedy) is (grade is not Grade.GOOD)
    )


def test_clocks_that_differ() -> None:
    """A few seconds do not count, to either side."""
    assert has(checkup.clock(NOW + timedelta(seconds=9), NOW), Grade.GOOD, "agree")
    assert has(checkup.clock(NOW + timedelta(seconds=60), NOW), Grade.WARNING, "differ by 60s")
    assert has(checkup.clock(NOW - timedelta(seconds=60), NOW), Grade.WARNING, "differ by 60s")
    assert checkup.clock(None, NOW).grade is Grade.UNKNOWN


def crd(established: str = "True", **version: Any) -> Manifest:
    """The definition of the instance."""
    return {
        "metadata": {"name": "things"},
        "spec": {"versions": [{"name": "v1", "served": True, "storage": True, **version}]},
        "status": {
            "conditions": [{"type": "Established", "status": established}],
            "storedVersions": ["v1"],
        },
    }


def test_the_definition() -> None:
    """It must exist, be established and serve the version of the operator."""
    assert has(checkup.definition(crd()), Grade.GOOD, "serves v1")
    assert has(checkup.definition(None), Grade.PROBLEM, "does not exist")
    assert has(checkup.definition(crd("False")), Grade.PROBLEM, "not established")
    assert has(checkup.definition(crd(name="v2")), Grade.PROBLEM, "v1 is not served")


def lease(age: float = 0, name: str = names.MANAGER, holder: str = "one") -> Manifest:
    """A lease of 30 seconds that was renewed some seconds ago."""
    renewed = (NOW - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": renewed}
    return {"metadata": {"name": name}, "spec": spec}


def test_the_leader() -> None:
    """It renews its lease; that of the reference has a longer name."""
    assert has(checkup.leader([lease(35)], NOW), Grade.GOOD, "one")
    assert has(checkup.leader([lease(0, "0123.flux-operator.dev")], NOW), Grade.GOOD, "one")
    assert has(checkup.leader([lease(100)], NOW), Grade.PROBLEM, "not renewed the lease for 100s")
    assert has(checkup.leader([lease(holder="")], NOW), Grade.PROBLEM, "nobody holds")
    assert has(checkup.leader([lease(name="other")], NOW), Grade.PROBLEM, "no operator")


def deployment(available: int, replicas: int = 1, **env: str) -> Manifest:
    """The Deployment of the operator."""
    variables = [{"name": name, "value": value} for name, value in env.items()]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "flux-operator", "namespace": "ns"},
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [{"name": "manager", "env": variables}]}},
        },
        "status": {"availableReplicas": available},
    }


@pytest.mark.parametrize(
    ("deployments", "version", "grade", "words"),
    [
        ([deployment(1)], "v1.0.0", Grade.GOOD, "1 of 1 replicas"),
        ([deployment(0)], "v1.0.0", Grade.PROBLEM, "0 of 1 replicas"),
        ([deployment(0, 0)], "v1.0.0", Grade.PROBLEM, "scaled to 0"),
        ([], "v1.0.0", Grade.WARNING, "no Deployment"),
        ([deployment(1)], "", Grade.WARNING, "no FluxReport"),
        ([deployment(1)], "v1.0.0", Grade.GOOD, "are of v1.0.0"),
        ([deployment(1)], "v2.0.0", Grade.WARNING, "the operator is v2.0.0"),
        ([deployment(1, HTTPS_PROXY="p")], "", Grade.WARNING, "NO_PROXY does not have"),
        ([deployment(1, HTTPS_PROXY="p", NO_PROXY="a,.svc")], "", Grade.GOOD, "NO_PROXY has"),
    ],
)
def test_the_operator(deployments: list[Manifest], version: str, grade: Grade, words: str) -> None:
    """Its replicas, its version and its proxies."""
    found = checkup.operator(deployments, version, "1.0.0")
    assert any(has(item, grade, words) for item in found)


def test_an_empty_proxy_is_none() -> None:
    """Nor is NO_PROXY alone."""
    assert list(checkup.proxies("shell", {"HTTP_PROXY": "", "NO_PROXY": "a"})) == []


def test_rights() -> None:
    """Some of those that are missing are named, and the rest is counted."""
    assert has(checkup.rights("me", [], 7), Grade.GOOD, "all 7 rights")
    lacking = checkup.rights("me", list("abcdefg"), 7)
    assert has(lacking, Grade.PROBLEM, "lacks 7 of 7 rights: a, b, c, d, e and 2 more")


def test_stored_versions() -> None:
    """The newest version is the one that is stored now."""
    old = crd()
    old["status"]["storedVersions"] = ["v1beta1", "v1"]
    assert has(checkup.stored_versions([crd()]), Grade.GOOD, "newest")
    assert has(checkup.stored_versions([old]), Grade.WARNING, "things (v1beta1)")


@pytest.mark.parametrize(
    ("manager", "fields", "found"),
    [
        ("kubectl-edit", {"f:spec": {}}, True),
        ("kubectl-label", {"f:metadata": {"f:labels": {"f:a": {}}}}, True),
        (
            "kubectl-create",
            {"f:metadata": {"f:labels": {"f:kubernetes.io/metadata.name": {}}}},
            False,
        ),
        ("kubectl-annotate", {"f:metadata": {"f:annotations": {"f:a": {}}}}, False),
        ("kube-controller-manager", {"f:spec": {}}, False),
        ("source-controller", {"f:metadata": {"f:finalizers": {}}}, False),
        (names.MANAGER, {"f:spec": {}}, False),
    ],
)
def test_field_managers(manager: str, fields: Manifest, found: bool) -> None:
    """Controllers and the operator itself may set fields; annotations are everybody's."""
    item = deployment(1)
    item["metadata"]["managedFields"] = [{"manager": manager, "fieldsV1": fields}]
    grade = Grade.WARNING if found else Grade.GOOD
    assert checkup.field_managers([item]).grade is grade


def test_the_distribution() -> None:
    """The starter one is for evaluation."""
    assert has(checkup.distribution("oci://a/b", "", is_starter=True), Grade.GOOD, "oci://a/b")
    assert has(checkup.distribution("", "", is_starter=True), Grade.WARNING, "starter")
    assert has(checkup.distribution("", "/data", is_starter=False), Grade.GOOD, "/data")


def test_the_instance() -> None:
    """Its Ready condition decides."""
    item: Manifest = {"kind": "FluxInstance", "metadata": {"name": "flux"}}
    assert has(checkup.readiness(item), Grade.PROBLEM, "no status")
    ready = {"type": "Ready", "status": "True", "message": "done"}
    assert has(checkup.readiness({**item, "status": {"conditions": [ready]}}), Grade.GOOD, "done")
