# SPDX-License-Identifier: Apache-2.0
"""`fluxsm install` and `fluxsm uninstall`, against a real API server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from fluxsm.api import names
from fluxsm.api.objects import ObjectRef
from tests.controlplane.binary import find
from tests.controlplane.cluster import Cluster
from tests.integration.instance import Instance
from tests.integration.process import MUTATING, ROOT, Process

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

NAMESPACE = names.DEFAULT_NAMESPACE
IMAGE = ("--image=example.com/fluxsm:v1", "--skip-image-check")


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    """A control plane on which nothing is installed."""
    with Cluster() as found:
        yield found


def fluxsm(cluster: Cluster | None, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the program as `other`."""
    config = [f"--kubeconfig={cluster.kubeconfig('other')}"] if cluster else []
    command = [sys.executable, "-m", "fluxsm", *args, *config]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def succeed(cluster: Cluster | None, *args: str) -> str:
    """Run the program and return what it printed."""
    done = fluxsm(cluster, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refs(text: str) -> dict[ObjectRef, dict[str, Any]]:
    """The objects in a stream of YAML."""
    return {ObjectRef.of(item): item for item in yaml.safe_load_all(text) if item}


def test_export_prints_what_kustomize_builds() -> None:
    """There is one set of manifests, whichever way it is applied."""
    command = [*find().command("kubectl"), "kustomize", str(ROOT / "manifests" / "operator")]
    built = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert refs(succeed(None, "install", "--export")) == refs(built)


def test_export_is_for_any_namespace_and_image() -> None:
    """Every reference to the namespace moves, and the cluster-wide binding gets its own name."""
    found = refs(succeed(None, "install", "--export", "-n", "elsewhere", "--image=mine:v1"))
    assert {ref.namespace for ref in found} == {"", "elsewhere"}
    assert "flux-system" not in {ref.name for ref in found}
    for ref, item in found.items():
        assert all(subject["namespace"] == "elsewhere" for subject in item.get("subjects", []))
        if ref.kind.kind == "ClusterRoleBinding":
            assert ref.name == "flux-operator-elsewhere"
        if ref.kind.kind == "Deployment":
            (container,) = item["spec"]["template"]["spec"]["containers"]
            assert container["image"] == "mine:v1"


def test_a_dry_run_writes_nothing(own: Cluster) -> None:
    """The API server checks what it can; nothing is there afterwards."""
    before = len(own.audit("other"))
    printed = succeed(own, "install", *IMAGE, "--dry-run", "--namespace", "untouched")
    assert "Namespace/untouched created (dry run)" in printed
    asked = [item for item in own.audit("other")[before:] if item.verb in MUTATING]
    assert asked
    assert all("dryRun=All" in item.uri for item in asked)


def test_a_whole_life(own: Cluster) -> None:
    """Install, install again with an instance, uninstall with everything."""
    installed = succeed(own, "install", *IMAGE, "--timeout=60s")
    assert f"✔ Deployment/{NAMESPACE}/flux-operator created" in installed
    instance = Instance(own, NAMESPACE)
    sample = str(ROOT / "manifests" / "samples" / "flux.yaml")
    with Process(own, NAMESPACE):
        again = succeed(own, "install", *IMAGE, "--filename", sample, "--timeout=60s")
        assert f"✔ FluxInstance/{NAMESPACE}/flux created" in again
        assert instance.condition(names.READY)["status"] == "True"
        assert f"• Namespace/{NAMESPACE} goes" in succeed(own, "uninstall", "--dry-run")
        removed = succeed(own, "uninstall", "--yes", "--timeout=60s")
    assert f"✔ Namespace/{NAMESPACE} deleted" in removed
    assert "clusterrole.rbac.authorization.k8s.io/flux-operator" not in own.kubectl(
        "get", "clusterroles", "-o", "name"
    )
    assert own.kubectl("get", "crd", "-o", "name") == ""
    assert f"• Namespace/{NAMESPACE} does not exist" in succeed(own, "uninstall")


def test_flags_that_exclude_each_other_are_refused() -> None:
    """One line says so."""
    for name in ("install", "uninstall"):
        done = fluxsm(None, name, "--export", "--dry-run")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "exclude each other" in done.stderr
