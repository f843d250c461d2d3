# SPDX-License-Identifier: Apache-2.0
"""`fluxsm doctor`, against a real API server: nothing wrong, and what can be brought about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxsm import __version__
from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.command_line import CommandLine, installed
from tests.integration.instance import Instance
from tests.integration.operator import until
from tests.integration.process import MUTATING

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

ROLES = Path(__file__).resolve().parents[2] / "manifests" / "rbac"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{names.DEFAULT_NAMESPACE}/deployments"
LABEL = ("label", "deployment", "source-controller", "-n", names.DEFAULT_NAMESPACE)
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def program() -> Iterator[CommandLine]:
    """A cluster with a Ready instance, and the roles of the operator."""
    with installed() as found:
        apply_roles(found)
        yield found


def apply_roles(program: CommandLine) -> None:
    """Give the service account of the operator its rights."""
    program.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-k", str(ROLES))


def examine(program: CommandLine, code: int, *args: str) -> dict[str, Manifest]:
    """The findings by what they are about."""
    done = program.run("doctor", "-o", "json", *args)
    assert done.returncode == code, done.stdout + done.stderr
    return {item["about"]: item for item in json.loads(done.stdout)["findings"]}


def grades(found: dict[str, Manifest]) -> dict[str, str]:
    """The grades by what they are about."""
    return {about: item["grade"] for about, item in found.items()}


def test_nothing_keeps_the_operator_from_working(program: CommandLine) -> None:
    """It runs outside of the cluster here, from the starter distribution; nothing is written."""
    before = len(program.cluster.audit("other"))
    found = examine(program, 0)
    assert grades(found) == {
        "API server": "good",
        "clock": "good",
        "definition of FluxInstance": "good",
        "operator": "warning",
        "version": "good",
        "leader": "good",
        "rights": "good",
        "stored versions": "good",
        "instance": "good",
        "distribution": "warning",
        "field managers": "good",
    }
    assert f"v{__version__}" in found["version"]["text"]
    assert "system:serviceaccount:flux-system:flux-operator has all" in found["rights"]["text"]
    sent = [item for item in program.cluster.audit("other")[before:] if item.verb in MUTATING]
    written = [
        item.uri
        for item in sent
        if "dryRun=All" not in item.uri and "accessreviews" not in item.uri
    ]
    assert (written, bool(sent)) == ([], True)
    text = program.out("check")
    assert text.startswith("✔ API server:")
    assert "► set .spec.distribution.artifact" in " ".join(text.split())


def test_rights_that_are_missing(program: CommandLine) -> None:
    """Of the service account; who may not ask for them learns about their own."""
    role = "clusterrole/flux-operator"
    program.cluster.kubectl(
        "patch", role, "--type=json", "-p", '[{"op": "remove", "path": "/rules/0"}]'
    )
    try:
        found = until(lambda: _lacking(program), "a right that is missing")
        assert "get customresourcedefinitions.apiextensions.k8s.io" in found["text"]
    finally:
        apply_roles(program)
    nobody = examine(program, 1, "--as", "nobody")
    assert nobody["rights"]["text"].startswith("this account lacks")
    assert nobody["leader"]["grade"] == "unknown"


def _lacking(program: CommandLine) -> Manifest | None:
    found = json.loads(program.run("doctor", "-o", "json").stdout)["findings"]
    rights: Manifest = next(item for item in found if item["about"] == "rights")
    return rights if rights["grade"] == "problem" else None


def test_old_versions_other_managers_and_a_registry(program: CommandLine) -> None:
    """Each has something to do about it, and none keeps the operator from working."""
    cluster = program.cluster
    instance = Instance(cluster, names.DEFAULT_NAMESPACE)
    name = "gitrepositories.source.toolkit.fluxcd.io"
    stored = cluster.request("GET", f"{CRDS}/{name}")["status"]["storedVersions"]
    merge = "application/merge-patch+json"
    old = {"status": {"storedVersions": ["v1beta2", *stored]}}
    cluster.request("PATCH", f"{CRDS}/{name}/status", old, content_type=merge)
    instance.annotate({"fluxcd.controlplane.io/reconcile": "disabled"})
    instance.becomes(lambda found: found["status"].get("state") == "Suspended", "Suspended")
    cluster.kubectl(*LABEL, "mine=yes")
    artifact = {"distribution": {"artifact": "oci://127.0.0.1:1/none:latest"}}
    instance.patch(spec=artifact)
    try:
        found = examine(program, 0)
        assert f"{name} (v1beta2)" in found["stored versions"]["text"]
        assert "source-controller by kubectl-label" in found["field managers"]["text"]
        assert found["registry"]["grade"] == "warning"
        assert found["distribution"]["grade"] == "good"
        instance.patch(spec={"distribution": {"artifactPullSecret": "login"}})
        assert "login does not exist" in examine(program, 1)["pull secret"]["text"]
        assert all(item["remedy"] for item in found.values() if item["grade"] != "good")
    finally:
        instance.patch(spec={"distribution": {"artifact": None, "artifactPullSecret": None}})
        cluster.request(
            "PATCH", f"{CRDS}/{name}/status", {"status": {"storedVersions": stored}},
            content_type=merge,
        )  # fmt: skip
        cluster.kubectl(*LABEL, "mine-")
        instance.annotate({"fluxcd.controlplane.io/reconcile": None})
        instance.becomes_ready()


def test_an_operator_without_a_pod(program: CommandLine) -> None:
    """A Deployment without replicas, and a proxy that takes the way to the API server too."""
    labels = {"app.kubernetes.io/name": "flux-operator"}
    env = [{"name": "HTTPS_PROXY", "value": "http://user:secret@proxy:1"}]
    container = {"name": "manager", "image": "none", "env": env}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "flux-operator", "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    program.cluster.request("POST", DEPLOYMENT, body)
    try:
        done = program.run("doctor")
    finally:
        program.cluster.request("DELETE", f"{DEPLOYMENT}/flux-operator")
    assert done.returncode == 1
    text = " ".join(done.stdout.split())
    assert "✗ operator: Deployment/flux-system/flux-operator is scaled to 0" in text
    assert "HTTPS_PROXY is set, and NO_PROXY does not have the cluster" in text
    assert "user:" not in text


def test_a_cluster_without_anything(program: CommandLine) -> None:
    """A namespace without instance and operator, and an address where nobody answers."""
    found = examine(program, 1, "-n", "default")
    assert found["leader"]["grade"] == "problem"
    assert found["instance"]["grade"] == "warning"
    done = program.run("doctor", "--server", "https://127.0.0.1:1")
    assert done.returncode == 1
    assert "check the cluster that --context or --kubeconfig names" in done.stderr
