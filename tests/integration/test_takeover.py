# SPDX-License-Identifier: Apache-2.0
"""A whole Flux is taken over from another tool, and handed back, without a restart or a deletion.

The manifests are those of a release; field managers, labels and annotations are those that each
tool leaves behind.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fluxsm.adapters.folder import open_folder
from fluxsm.api import names
from fluxsm.api.instance import parse_instance
from fluxsm.api.objects import Manifest
from fluxsm.build.pipeline import build
from tests.controlplane.cluster import Cluster
from tests.integration.instance import Instance, install_crds
from tests.integration.operator import until
from tests.integration.process import Process
from tests.integration.test_adoption import available, managers, running, without_marks

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

NAMESPACE = names.DEFAULT_NAMESPACE
CONTROLLERS = names.DEFAULT_COMPONENTS
SPEC: Manifest = {"distribution": {"version": "2.8.8", "registry": "ghcr.io/fluxcd"}}
INSTALL = ("install", "--image=example.com/fluxsm:v1", "--skip-image-check", "--timeout=60s")
REFERENCE = {
    "app.kubernetes.io/name": "flux-operator",
    "app.kubernetes.io/instance": "flux-operator",
}


@dataclass(frozen=True, kw_only=True)
class Tool:
    """How a tool installs Flux.

    Attributes:
        managers: its field managers; each applies all objects, the later one over the earlier.
        labels: what it puts on every object.
        annotations: likewise.
        former: which of these a takeover removes.
    """

    managers: tuple[str, ...]
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    former: tuple[str, ...] = ()


BOOTSTRAP = Tool(
    managers=("flux", "kustomize-controller"),
    labels={
        "kustomize.toolkit.fluxcd.io/name": "flux-system",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    },
    former=("kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace"),
)
HELM = Tool(
    managers=("helm",),
    labels={"helm.sh/chart": "flux2-2.18.0", names.MANAGED_BY_LABEL: "Helm"},
    annotations={
        "meta.helm.sh/release-name": "flux2", "meta.helm.sh/release-namespace": NAMESPACE
    },
    former=("helm.sh/chart", "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"),
)  # fmt: skip
OPERATOR = Tool(managers=("flux-operator",))


@pytest.fixture
def empty() -> Iterator[Cluster]:
    """A control plane of the test alone."""
    with Cluster() as found:
        found.create_namespace(NAMESPACE)
        yield found


def fluxsm(cluster: Cluster, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the program; nobody sits at a terminal."""
    words = [sys.executable, "-m", "fluxsm", *args, f"--kubeconfig={cluster.kubeconfig('other')}"]
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def succeed(cluster: Cluster, *args: str) -> str:
    """What a command says that does well."""
    done = fluxsm(cluster, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def flux(upstream: Path, *, marked: bool = False) -> list[Manifest]:
    """The objects of the release, with the marks of an operator or without."""
    manifest = {
        "apiVersion": names.API_VERSION,
        "kind": names.INSTANCE_KIND,
        "metadata": {"name": names.SINGLETON, "namespace": NAMESPACE},
        "spec": SPEC,
    }
    found = build(parse_instance(manifest), open_folder(upstream), "v2.8.8").objects
    return [copy.deepcopy(item) if marked else without_marks(item) for item in found]


def apply(cluster: Cluster, tool: Tool, objects: list[Manifest]) -> None:
    """Do what the tool does, at first and at every later time."""
    for item in objects:
        metadata = item["metadata"]
        metadata["labels"] = {**metadata.get("labels", {}), **tool.labels}
        metadata["annotations"] = {**metadata.get("annotations", {}), **tool.annotations}
    everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    for manager in tool.managers:
        cluster.kubectl(
            "apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "-f", "-",
            stdin=everything,
        )  # fmt: skip


def as_helm(cluster: Cluster, objects: list[Manifest]) -> None:
    """Helm 3 creates and updates objects; it does not apply them."""
    for item in objects:
        item["metadata"]["labels"] = {**item["metadata"].get("labels", {}), **HELM.labels}
        item["metadata"].setdefault("annotations", {}).update(HELM.annotations)
        if item["kind"] != "Namespace":
            cluster.kubectl("create", "--field-manager=helm", "-f", "-", stdin=json.dumps(item))


def deploy(cluster: Cluster) -> None:
    """Have something in the cluster that Flux looks after, its own root among it."""
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    for name in ("flux-system", "apps"):
        kustomization = {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {
                "name": name, "namespace": NAMESPACE, "finalizers": ["finalizers.fluxcd.io"],
            },
            "spec": {
                "interval": "10m", "path": "./x", "prune": True,
                "sourceRef": {"kind": "GitRepository", "name": name},
            },
        }  # fmt: skip
        source = {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"interval": "1m", "url": "https://example.com/fleet"},
        }
        for item in (source, kustomization):
            cluster.kubectl("create", "-f", "-", stdin=json.dumps(item))


def custom_resources(cluster: Cluster) -> dict[str, Any]:
    """The incarnation, the generation and the end of each of them."""
    listed = json.loads(
        cluster.kubectl("get", "gitrepositories,kustomizations", "-A", "-o", "json")
    )["items"]
    return {
        f"{item['kind']}/{item['metadata']['name']}": (
            item["metadata"]["uid"],
            item["metadata"]["generation"],
            item["metadata"].get("deletionTimestamp"),
        )
        for item in listed
    }


def workloads(instance: Instance) -> dict[str, Any]:
    """What changes with a restart: generations, templates, ReplicaSets and pods."""
    found = {}
    for name in CONTROLLERS:
        item = instance.deployment(name) or {}
        found[name] = (item["metadata"]["uid"], item["spec"]["template"], running(instance, name))
    return found


def picture(instance: Instance) -> tuple[Any, ...]:
    """What neither a takeover nor a hand-over may change."""
    return workloads(instance), custom_resources(instance.cluster), definitions(instance.cluster)


def definitions(cluster: Cluster) -> dict[str, str]:
    """The incarnations of the definitions of Flux."""
    listed = json.loads(cluster.kubectl("get", "crd", "-o", "json"))["items"]
    return {
        item["metadata"]["name"]: item["metadata"]["uid"]
        for item in listed
        if item["metadata"]["name"].endswith(".toolkit.fluxcd.io")
    }


def started(instance: Instance) -> tuple[Any, ...]:
    """The picture once all controllers run."""
    for name in CONTROLLERS:
        until(partial(available, instance, name), f"a running {name}")
    return picture(instance)


@pytest.mark.parametrize("tool", [BOOTSTRAP, HELM], ids=["bootstrap", "helm"])
def test_flux_is_taken_over_and_handed_back(empty: Cluster, upstream: Path, tool: Tool) -> None:
    """Nothing restarts and nothing is deleted, on the way here and on the way back."""
    instance = Instance(empty, NAMESPACE)
    if tool is HELM:
        as_helm(empty, flux(upstream))
    else:
        apply(empty, tool, flux(upstream))
    deploy(empty)
    before = started(instance)
    assert len(before[1]) == 4
    succeed(empty, *INSTALL)
    with Process(empty, NAMESPACE, storage=upstream):
        instance.create(SPEC)
        instance.becomes_ready()
        assert picture(instance) == before
        for name in CONTROLLERS:
            found = instance.deployment(name) or {}
            assert managers(found) == {names.MANAGER}
            metadata = found["metadata"]
            assert metadata["labels"][names.OWNER_NAME_LABEL] == names.SINGLETON
            assert not set(tool.former) & {*metadata["labels"], *metadata["annotations"]}
        succeed(empty, "uninstall", "--keep-flux", "--yes", "--timeout=60s")
        assert instance.deployment(names.MANAGER) is None
        assert picture(instance) == before
    apply(empty, tool, flux(upstream))
    assert picture(instance) == before
    for name in CONTROLLERS:
        found = instance.deployment(name) or {}
        assert tool.labels.items() <= found["metadata"]["labels"].items()


def reference_operator() -> list[Manifest]:
    """The Deployment of the reference operator, with the selector of its `install` command."""
    pod = {
        "serviceAccountName": names.MANAGER,
        "containers": [{"name": "manager", "image": "ghcr.io/controlplaneio-fluxcd/flux-operator"}],
    }
    metadata = {"name": names.MANAGER, "namespace": NAMESPACE, "labels": REFERENCE}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": names.MANAGER, "labels": REFERENCE},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [
            {"kind": "ServiceAccount", "name": names.MANAGER, "namespace": NAMESPACE}
        ],
    }  # fmt: skip
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": REFERENCE},
            "template": {"metadata": {"labels": REFERENCE}, "spec": pod},
        },
    }
    return copy.deepcopy([account, binding, deployment])


def as_reference(cluster: Cluster, upstream: Path) -> None:
    """Install Flux as the reference operator does, and the operator itself."""
    apply(cluster, OPERATOR, flux(upstream, marked=True))
    apply(cluster, Tool(managers=("kubectl-flux-operator",)), reference_operator())


def test_the_reference_operator_is_replaced_and_comes_back(empty: Cluster, upstream: Path) -> None:
    """Only the operator itself is deleted, and only after a yes."""
    instance = Instance(empty, NAMESPACE)
    as_reference(empty, upstream)
    deploy(empty)
    before = started(instance)
    old = (instance.deployment(names.MANAGER) or {})["metadata"]["uid"]
    done = fluxsm(empty, *INSTALL)
    assert done.returncode == 1
    assert f"• Deployment/{NAMESPACE}/flux-operator is of another operator" in done.stderr
    assert "nothing was changed" in done.stderr.splitlines()[-1]
    assert "replaced (dry run)" in succeed(empty, *INSTALL, "--dry-run")
    assert (instance.deployment(names.MANAGER) or {})["metadata"]["uid"] == old
    said = succeed(empty, *INSTALL, "--yes")
    assert f"✔ Deployment/{NAMESPACE}/flux-operator of the other operator deleted" in said
    assert "✔ ClusterRoleBinding/flux-operator of the other operator deleted" in said
    new = instance.deployment(names.MANAGER) or {}
    assert new["metadata"]["uid"] != old
    assert new["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": names.MANAGER}
    assert "another operator" not in succeed(empty, *INSTALL)
    with Process(empty, NAMESPACE, storage=upstream):
        instance.create(SPEC, finalizers=[names.FINALIZER])
        instance.becomes_ready()
        assert picture(instance) == before
        succeed(empty, "uninstall", "--keep-flux", "--yes", "--timeout=60s")
    as_reference(empty, upstream)
    assert instance.deployment(names.MANAGER) is not None
    assert picture(instance) == before


def test_the_starter_distribution_takes_over_no_real_flux(empty: Cluster, upstream: Path) -> None:
    """An operator that has nothing else stalls, says so, and leaves all as it is."""
    instance = Instance(empty, NAMESPACE)
    apply(empty, BOOTSTRAP, flux(upstream))
    deploy(empty)
    before = started(instance)
    schemas = empty.kubectl("get", "crd", "-o", "jsonpath={.items[*].spec}")
    install_crds(empty)
    with Process(empty, NAMESPACE) as operator:
        instance.create(SPEC)
        failed = instance.becomes_failed(names.BUILD_FAILED)
        assert "is the starter distribution" in failed["message"]
        assert instance.condition(names.STALLED)["status"] == "True"
        assert any(
            line["level"] == "warning" and "for evaluation only" in line["msg"]
            for line in operator.lines()
        )
        assert picture(instance) == before
        now = empty.kubectl(
            "get", "crd", "-l", f"{names.PART_OF_LABEL}=flux", "-o", "jsonpath={.items[*].spec}"
        )
        assert now == schemas
        instance.delete()
        instance.goes()
        assert picture(instance) == before
