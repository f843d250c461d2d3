# SPDX-License-Identifier: Apache-2.0
"""The verbs about the objects of Flux, against a real API server; the test is their controller."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.command_line import CommandLine, installed, stable
from tests.integration.instance import MERGE
from tests.integration.operator import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

NAMESPACE = "apps"
KUSTOMIZE = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/kustomizations"
SOURCE = f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/gitrepositories"
SINCE = "2026-01-01T12:00:00Z"
MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"


@pytest.fixture(scope="module")
def program() -> Iterator[CommandLine]:
    """A cluster with a Ready instance, a source, and two Kustomizations, one within the other."""
    with installed() as found:
        found.cluster.create_namespace(NAMESPACE)
        _create(found, SOURCE, "GitRepository", "repo", {"url": "https://git/apps"})
        artifact = {
            "revision": "main@sha1:abc",
            "url": "http://source",
            "path": "p",
            "digest": f"sha256:{'0' * 64}",
            "lastUpdateTime": SINCE,
            "metadata": {"org.opencontainers.image.source": "https://origin"},
        }
        _set_status(found, f"{SOURCE}/repo", {**_ready("True", "stored"), "artifact": artifact})
        for name in ("apps", "inner"):
            spec = {
                "prune": True, "path": "./", "interval": "1m",
                "sourceRef": {"kind": "GitRepository", "name": "repo"},
            }  # fmt: skip
            _create(found, KUSTOMIZE, "Kustomization", name, spec)
        outer = [f"{NAMESPACE}_settings__ConfigMap", _id("inner"), "_viewer_rbac_ClusterRole"]
        status = _ready("True", "Applied revision: main") | _inventory(*outer)
        _set_status(found, f"{KUSTOMIZE}/apps", status | {"lastAppliedRevision": "main@sha1:abc"})
        inner = [f"{NAMESPACE}_more__ConfigMap", _id("apps")]
        _set_status(
            found, f"{KUSTOMIZE}/inner", _ready("False", "no such path") | _inventory(*inner)
        )
        found.cluster.request("POST", MAPS, _config_map())
        yield found


def _create(program: CommandLine, path: str, kind: str, name: str, spec: Manifest) -> None:
    group = path.split("/")[2]
    body = {
        "apiVersion": f"{group}/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"interval": "1m", **spec},
    }
    program.cluster.request("POST", path, body)


def _set_status(program: CommandLine, path: str, status: Manifest) -> None:
    body = {"status": {"observedGeneration": 1, **status}}
    program.cluster.request("PATCH", f"{path}/status", body, content_type=MERGE)


def _ready(status: str, message: str, generation: int = 1) -> Manifest:
    return {
        "conditions": [
            {
                "type": "Ready",
                "status": status,
                "reason": "ReconciliationSucceeded" if status == "True" else "BuildFailed",
                "message": message,
                "lastTransitionTime": SINCE,
                "observedGeneration": generation,
            }
        ]
    }


def _inventory(*ids: str) -> Manifest:
    return {"inventory": {"entries": [{"id": item, "v": "v1"} for item in ids]}}


def _id(name: str) -> str:
    return f"{NAMESPACE}_{name}_kustomize.toolkit.fluxcd.io_Kustomization"


def _config_map() -> Manifest:
    labels = {f"kustomize.toolkit.fluxcd.io/{key}": "apps" for key in ("name", "namespace")}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": NAMESPACE, "labels": labels},
    }


def _read(program: CommandLine, path: str) -> Any:
    return program.cluster.request("GET", path)


def test_all_kinds_in_their_order(program: CommandLine) -> None:
    """The columns of the reference, and what may be chosen."""
    assert program.out("get", "all", "-n", NAMESPACE) == (
        "KIND         \tNAME      \tLAST RECONCILED     \tREADY\tMESSAGE                \n"
        "Kustomization\tapps/apps \t2026-01-01T12:00:00Z\tTrue \tApplied revision: main\t\n"
        "Kustomization\tapps/inner\t2026-01-01T12:00:00Z\tFalse\tno such path          \t\n"
        "GitRepository\tapps/repo \t2026-01-01T12:00:00Z\tTrue \tstored                \t\n"
    )
    failed = json.loads(program.out("get", "all", "-A", "--ready-status=false", "-o", "json"))
    assert failed == [
        {
            "kind": "Kustomization",
            "name": "apps/inner",
            "lastReconciled": SINCE,
            "ready": "False",
            "message": "no such path",
        }
    ]
    kinds = program.out("get", "all", "-A", "--kind", "gitrepo,instance", "-o", "name")
    assert kinds.split() == [
        "gitrepository.source.toolkit.fluxcd.io/repo",
        "fluxinstance.fluxcd.controlplane.io/flux",
    ]
    assert program.refusal("get", "all", "-n", "default") == (
        "✗ no resources found in namespace default; -A looks in all"
    )


def test_one_kind(program: CommandLine) -> None:
    """By short name, plural or kind, whole as YAML; of an unknown one, the nearest is named."""
    place = ("-n", NAMESPACE)
    for words in (["ks", "apps"], ["Kustomization/apps"], ["kustomizations", "apps"]):
        assert program.out("get", *words, *place, "-o", "name") == (
            "kustomization.kustomize.toolkit.fluxcd.io/apps\n"
        )
    assert yaml.safe_load(program.out("get", "ks/apps", *place, "-o", "yaml"))["spec"]["prune"]
    assert program.refusal("get", "ks/appz", *place) == (
        "✗ Kustomization/apps/appz not found; did you mean Kustomization/apps/apps?"
    )
    assert program.refusal("get", "ks/apps") == (
        "✗ Kustomization/flux-system/apps not found; there is Kustomization/apps/apps, try -n apps"
    )
    assert "the cluster has no HelmRelease" in program.refusal("get", "hr")
    assert program.refusal("get", "Kustomzation/a") == (
        "✗ 'Kustomzation' is no kind of Flux; did you mean Kustomization?"
    )


def test_the_tree_goes_down_and_not_around(program: CommandLine) -> None:
    """A Kustomization within another one is expanded, itself is not."""
    assert program.out("tree", "ks/apps", "-n", NAMESPACE) == (
        "Kustomization/apps/apps\n"
        "├── ConfigMap/apps/settings\n"
        "├── Kustomization/apps/inner\n"
        "│   ├── ConfigMap/apps/more\n"
        "│   └── Kustomization/apps/apps\n"
        "└── ClusterRole/viewer\n"
        "\n"
    )
    instance = program.out("tree").splitlines()
    assert instance[0] == "FluxInstance/flux-system/flux"
    assert "├── Deployment/flux-system/kustomize-controller" in instance
    data = json.loads(program.out("tree", "ks", "apps", "-n", NAMESPACE, "-o", "json"))
    assert data["children"][2] == {
        "apiVersion": "rbac/v1", "kind": "ClusterRole", "name": "viewer",
    }  # fmt: skip
    assert "manages no objects" in program.refusal("tree", "gitrepo/repo", "-n", NAMESPACE)


def test_trace(program: CommandLine) -> None:
    """By labels, by those of an owner, or not at all."""
    assert program.out("trace", "cm/settings", "-n", NAMESPACE) == (
        "Object:          ConfigMap/apps/settings\n"
        f"Status:          Last reconciled at {SINCE}\n"
        "Revision:        main@sha1:abc\n"
        "Reconciler:      Kustomization/apps/apps\n"
        "Source:          GitRepository/apps/repo\n"
        "Source URL:      https://git/apps\n"
        "Origin URL:      https://origin\n"
        "Message:         Applied revision: main\n"
    )
    pods = program.cluster.kubectl("get", "pods", "-n", "flux-system", "-o", "name").split()
    found = program.out("trace", pods[0])
    assert "Reconciler:      FluxInstance/flux-system/flux\n" in found
    assert "object not managed by Flux: Namespace/default" in program.refusal("trace", "ns/default")
    assert program.refusal("trace", "depoy/x") == (
        "✗ the cluster has no kind 'depoy'; did you mean deploy?"
    )


def test_reconcile_waits_for_the_controller(program: CommandLine) -> None:
    """Until the status answers the very request; a failure ends it with its reason."""
    done: list[subprocess.CompletedProcess[str]] = []

    def ask() -> None:
        done.append(program.run("reconcile", "ks/apps", "-n", NAMESPACE, "--timeout", "40s"))

    for status, message in (("True", "Applied"), ("False", "no such path")):
        before = _asked(program)
        asking = threading.Thread(target=ask)
        asking.start()
        token = until(
            lambda before=before: (found := _asked(program)) != before and found,  # type: ignore[misc]
            "a request",
        )
        answer = {"lastHandledReconcileAt": token}
        _set_status(program, f"{KUSTOMIZE}/apps", _ready(status, message) | answer)
        asking.join()
    good, bad = done
    assert good.returncode == 0
    assert good.stderr.splitlines()[:2] == [
        "► Reconciliation triggered",
        "◎ Waiting for reconciliation...",
    ]
    assert good.stderr.splitlines()[-1] == "✔ Applied"
    assert bad.returncode == 1
    assert bad.stderr.splitlines()[-1] == "✗ BuildFailed: no such path"
    _set_status(program, f"{KUSTOMIZE}/apps", _ready("True", "Applied revision: main"))


def _asked(program: CommandLine) -> str:
    metadata = _read(program, f"{KUSTOMIZE}/apps")["metadata"]
    return str((metadata.get("annotations") or {}).get(names.REQUESTED_AT, ""))


def test_all_of_a_kind_are_asked(program: CommandLine) -> None:
    """One line for each; the kind must be named."""
    said = program.talk("reconcile", "all", "--kind", "ks", "-A")
    assert said == (
        "✔ Reconciliation triggered for apps/apps\n✔ Reconciliation triggered for apps/inner\n"
    )
    assert program.refusal("reconcile", "all") == "✗ --kind is required, such as --kind ks"
    assert "no resources reconciled of kind GitRepository" in program.refusal(
        "reconcile", "all", "--kind", "gitrepo", "-n", "default"
    )


def test_suspend_and_resume(program: CommandLine) -> None:
    """By spec.suspend, which a resumption takes away again."""
    place = ("-n", NAMESPACE)
    path = f"{KUSTOMIZE}/inner"
    assert program.talk("suspend", "ks/inner", *place) == "✔ Reconciliation suspended\n"
    assert _read(program, path)["spec"]["suspend"] is True
    assert "\tSuspended\t" in program.out("get", "ks/inner", *place)
    assert program.refusal_at_end("reconcile", "ks/inner", *place) == (
        "✗ Reconciliation is disabled for Kustomization/apps/inner;"
        " fluxsm resume Kustomization/inner -n apps switches it on"
    )
    said = program.talk("resume", "ks/inner", *place, "--wait=false")
    assert said == "✔ Reconciliation resumed\n"
    assert "suspend" not in _read(program, path)["spec"]


def test_export(program: CommandLine) -> None:
    """Without status, without marks of requests and owners."""
    found = yaml.safe_load(program.out("export", "ks/apps", "-n", NAMESPACE))
    assert found["metadata"] == {"name": "apps", "namespace": NAMESPACE}
    assert set(found) == {"apiVersion", "kind", "metadata", "spec"}
    report = json.loads(program.out("export", "report", "-o", "json"))
    assert (report["kind"], "status" in report) == ("FluxReport", False)


def test_stats_come_from_the_report(program: CommandLine) -> None:
    """Once the operator has counted what is there."""

    def counted() -> str | None:
        found = stable(program.out("stats"))
        return found if "\nKustomization\t2\t1\t0\t-\t\n" in found else None

    table = until(counted, "the Kustomizations in the report")
    assert table.startswith("RECONCILERS\tRUNNING\tFAILING\tSUSPENDED\tSTORAGE\nFluxInstance\t1\t0")


def test_former_appliers_are_stripped(program: CommandLine) -> None:
    """Their records go, those of others stay; a dry run only says so."""
    body = {**_config_map(), "data": {"key": "value"}}
    apply = f"{MAPS}/settings?fieldManager=helm-controller&force=true"
    program.cluster.request("PATCH", apply, body, content_type="application/apply-patch+yaml")
    words = ("migrate", "owner", "ks/apps", "-n", NAMESPACE)
    owner = "(current owner: kustomize-controller)"
    would = program.talk(*words, "--dry-run")
    assert "◎ ConfigMap/apps/settings would strip managers [helm-controller]\n" in would
    assert would.endswith(f"✔ 1/3 resources need cleanup {owner}\n")
    assert "helm-controller" in _managers(program)
    did = program.talk(*words)
    assert "✔ ConfigMap/apps/settings stripped managers [helm-controller]\n" in did
    assert did.endswith(f"✔ cleaned 1/3 resources {owner}\n")
    assert "helm-controller" not in _managers(program)
    assert _read(program, f"{MAPS}/settings")["data"] == {"key": "value"}
    assert "unsupported kind GitRepository" in program.refusal("migrate", "owner", "gitrepo/repo")


def _managers(program: CommandLine) -> list[str]:
    found = _read(program, f"{MAPS}/settings")["metadata"]["managedFields"]
    return [item.get("manager", "") for item in found]


def test_managed_fields_are_moved_to_one_version(program: CommandLine) -> None:
    """Only to a version that is stored."""
    words = ("migrate", "resources", "-A", "--kind", "Kustomization")
    said = program.talk(*words, "--api-version", "kustomize.toolkit.fluxcd.io/v1")
    assert said.splitlines()[-1] == "✔ migrated 0/2 resources to kustomize.toolkit.fluxcd.io/v1"
    assert "v9 is not among the stored versions" in program.refusal(
        *words, "--api-version", "kustomize.toolkit.fluxcd.io/v9"
    )
    assert program.refusal("migrate", "resources").startswith("✗ --api-version is required")


def test_a_release_is_read_from_the_storage_of_helm(program: CommandLine) -> None:
    """Where its status has no inventory, as before Flux 2.8; the namespace may be left out."""
    text = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    zipped = gzip.compress(json.dumps({"manifest": text}).encode())
    stored = base64.b64encode(base64.b64encode(zipped)).decode()
    program.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(_helm_crd()))
    program.cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "sh.helm.release.v1.web.v3", "namespace": NAMESPACE},
        "data": {"release": stored},
    }
    program.cluster.request("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", secret)
    release = {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "status": {"history": [{"name": "web", "namespace": NAMESPACE, "version": 3}]},
    }
    program.cluster.kubectl("create", "-f", "-", stdin=json.dumps(release))
    assert program.out("tree", "hr", "web", "-n", NAMESPACE) == (
        "HelmRelease/apps/web\n└── Service/apps/web\n\n"
    )
    program.cluster.kubectl("delete", "crd", "helmreleases.helm.toolkit.fluxcd.io")


def _helm_crd() -> Manifest:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v2", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
    }  # fmt: skip
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "helmreleases.helm.toolkit.fluxcd.io"},
        "spec": {
            "group": "helm.toolkit.fluxcd.io",
            "names": {"kind": "HelmRelease", "plural": "helmreleases", "singular": "helmrelease"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
