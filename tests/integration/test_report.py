# SPDX-License-Identifier: Apache-2.0
"""The report and the metrics of Flux objects, over one lifecycle on the real control plane."""

from __future__ import annotations

import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fluxsm import __version__
from fluxsm.adapters.metrics import RESOURCE
from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.report.reporting import REPORT_AGENT
from tests.controlplane.cluster import Cluster, Request
from tests.controlplane.process import free_ports
from tests.integration.instance import MERGE, Instance
from tests.integration.operator import Operator, until
from tests.integration.resources import CRDS

pytestmark = pytest.mark.integration

MOST_REQUESTS = 26
"""For a report on the four components: one per kind, and what there is besides."""

URL = "oci://example.com/fleet"
SYNC = {"kind": "OCIRepository", "url": URL, "ref": "latest", "path": "./clusters"}
FLUX = {"source": "source.toolkit.fluxcd.io", "kustomize": "kustomize.toolkit.fluxcd.io"}
CONTROLLERS = [f"{name}-controller" for name in ("helm", "kustomize", "notification", "source")]
EXTRA = "things.report.example.com"


class Desk:
    """The report of a namespace in the hands of its reader."""

    def __init__(self, cluster: Cluster, namespace: str, port: int) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.instance = Instance(cluster, namespace)
        self.path = (
            f"/apis/{names.API_VERSION}/namespaces/{namespace}/{names.REPORT_PLURAL}"
            f"/{names.SINGLETON}"
        )
        self._port = port

    def read(self) -> Manifest:
        """The report, empty while there is none."""
        return self.instance.get(self.path) or {}

    def becomes(self, holds: Callable[[Manifest], bool], what: str) -> Manifest:
        """Wait until something holds for the report."""

        def look() -> Manifest | None:
            found = self.read()
            return found if found and holds(found) else None

        return until(look, what, seconds=20)

    def asked(self) -> Manifest:
        """Ask for a report, and wait for the answer."""
        token = uuid.uuid4().hex
        self.annotate({names.REQUESTED_AT: token})
        return self.becomes(
            lambda found: (found.get("status") or {}).get("lastHandledReconcileAt") == token,
            "answer to a request for a report",
        )

    def annotate(self, annotations: Mapping[str, str | None]) -> None:
        """Annotate the report."""
        body = {"metadata": {"annotations": dict(annotations)}}
        self.cluster.request("PATCH", self.path, body, content_type=MERGE)

    def flux_path(self, part: str, plural: str, name: str = "") -> str:
        """Where a Flux object is."""
        tail = f"/{name}" if name else ""
        return f"/apis/{FLUX[part]}/v1/namespaces/{self.namespace}/{plural}{tail}"

    def say(self, path: str, status: Mapping[str, Any]) -> None:
        """Set the status of an object, as its controller would."""
        body = {"status": dict(status)}
        self.cluster.request("PATCH", f"{path}/status", body, content_type=MERGE)

    def scraped(self, metric: str) -> list[dict[str, str]]:
        """The labels of all series of a metric about this namespace."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics") as answer:
            page = answer.read().decode()
        return [
            sample.labels
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == metric
            and sample.labels.get("exported_namespace", self.namespace) == self.namespace
        ]

    def requests(self) -> list[Request]:
        """What the reporter has sent so far."""
        return [item for item in self.cluster.audit("fluxsm") if item.agent == REPORT_AGENT]


@dataclass(slots=True)
class Lifecycle:
    """What was seen at each moment.

    Attributes:
        reports: by moment.
        series: of `flux_resource_info`, likewise.
        operator: the series of `flux_operator_info`.
        revision: that of the instance.
        requests: for one report without news.
        errors: what the operator has logged as an error.
    """

    reports: dict[str, Manifest] = field(default_factory=dict)
    series: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    operator: list[dict[str, str]] = field(default_factory=list)
    revision: str = ""
    requests: list[Request] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def spec(self, moment: str) -> Manifest:
        """What the report said."""
        found: Manifest = self.reports[moment]["spec"]
        return found


@pytest.fixture(scope="module")
def lifecycle(served: Cluster) -> Lifecycle:
    """Start, install, sync, use, uninstall."""
    namespace = served.create_namespace(f"report-{uuid.uuid4().hex[:8]}")
    (port,) = free_ports(1)
    desk, found = Desk(served, namespace, port), Lifecycle()
    flags = ("--reporting-interval=1h", f"--metrics-addr=127.0.0.1:{port}")
    with Operator(served, namespace, flags=flags) as operator:
        found.reports["start"] = desk.becomes(lambda item: "status" in item, "first report")
        _label_and_stand_beside(desk)
        desk.instance.create(
            {
                "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
                "sync": SYNC,
                "wait": False,
            }
        )
        try:
            found.revision = desk.instance.becomes_ready()["status"]["lastAppliedRevision"]
            _use(desk, found)
        finally:
            served.request("DELETE", f"{CRDS}/{EXTRA}")
            desk.instance.delete()
            desk.instance.goes()
        found.reports["end"] = desk.becomes(
            lambda item: (
                item["spec"]["distribution"]["status"] == "Not Installed" and _is_answered(item)
            ),
            "report without Flux",
        )
        found.series["end"] = desk.scraped("flux_resource_info")
        served.request("DELETE", desk.path)
        found.reports["back"] = desk.becomes(lambda item: "status" in item, "new report")
        found.errors = operator.errors()
    return found


def _is_answered(report: Manifest) -> bool:
    """Whether the status knows of the latest request: it is written after the spec."""
    asked = report["metadata"]["annotations"][names.REQUESTED_AT]
    return bool(report["status"]["lastHandledReconcileAt"] == asked)


def _label_and_stand_beside(desk: Desk) -> None:
    """What belongs to Flux by its label, and what does not."""
    container = {"name": "other", "image": "example.com/other:v1"}
    desk.cluster.request(
        "POST",
        f"/apis/apps/v1/namespaces/{desk.namespace}/deployments",
        {
            "metadata": {"name": "another-controller"},
            "spec": {
                "selector": {"matchLabels": {"app": "other"}},
                "template": {
                    "metadata": {"labels": {"app": "other"}},
                    "spec": {"containers": [container]},
                },
            },
        },
    )
    desk.cluster.request("POST", CRDS, _extra("v1beta1"))
    newer = {"spec": {"versions": _extra("v1")["spec"]["versions"]}}
    desk.cluster.request("PATCH", f"{CRDS}/{EXTRA}", newer, content_type=MERGE)


def _extra(storage: str) -> Manifest:
    """A CRD that is part of Flux by its label."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    plural, _, group = EXTRA.partition(".")
    return {
        "metadata": {"name": EXTRA, "labels": {names.PART_OF_LABEL: "flux"}},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": plural},
            "versions": [
                {"name": name, "served": True, "storage": name == storage, "schema": schema}
                for name in ("v1beta1", "v1")
            ],
        },
    }


def _use(desk: Desk, found: Lifecycle) -> None:
    """What happens between install and uninstall."""
    until(
        lambda: all(item["ready"] for item in desk.asked()["spec"].get("components", [])) or None,
        "controllers ready",
        seconds=20,
    )
    found.reports["installed"] = desk.asked()
    found.operator = desk.scraped("flux_operator_info")
    sync = desk.flux_path("kustomize", "kustomizations", desk.namespace)
    source = desk.flux_path("source", "ocirepositories", desk.namespace)
    desk.say(sync, _ready("True", "Applied revision: latest"))
    desk.say(source, _ready("False", "no such tag"))
    found.reports["failed source"] = desk.asked()
    _work(desk)
    found.reports["in use"] = desk.asked()
    found.series["in use"] = desk.scraped("flux_resource_info")
    for path in (
        desk.flux_path("source", "gitrepositories", "some"),
        desk.flux_path("kustomize", "kustomizations", "some"),
    ):
        desk.cluster.request("DELETE", path)
    before = len(desk.requests())
    found.reports["removed"] = desk.asked()
    found.requests = desk.requests()[before:]
    found.series["removed"] = desk.scraped("flux_resource_info")
    secret = {"metadata": {"name": "flux-operator-entitlement"}}
    data = {"stringData": {"token": "some", "vendor": "controlplane"}}
    desk.cluster.request("POST", f"/api/v1/namespaces/{desk.namespace}/secrets", secret | data)


def _work(desk: Desk) -> None:
    """A source at work, and a Kustomization that somebody has suspended."""
    source = {"interval": "5m", "url": "https://example.com/some", "ref": {"branch": "main"}}
    path = desk.flux_path("source", "gitrepositories")
    body = {"apiVersion": f"{FLUX['source']}/v1", "kind": "GitRepository"}
    desk.cluster.request("POST", path, {**body, "metadata": {"name": "some"}, "spec": source})
    artifact = {
        "revision": "main@sha1:1", "size": 1536, "digest": f"sha256:{'0' * 64}", "path": "some",
        "url": "http://example.com/some", "lastUpdateTime": "2026-01-01T12:00:00Z",
    }  # fmt: skip
    working = _ready("Unknown", "fetching", reason="Progressing")
    desk.say(f"{path}/some", {**working, "artifact": artifact})
    kustomization = {
        "interval": "5m", "prune": True, "path": "./some", "suspend": True,
        "sourceRef": {"kind": "GitRepository", "name": "some"},
    }  # fmt: skip
    path = desk.flux_path("kustomize", "kustomizations")
    body = {"apiVersion": f"{FLUX['kustomize']}/v1", "kind": "Kustomization"}
    desk.cluster.request(
        "POST", path, {**body, "metadata": {"name": "some"}, "spec": kustomization}
    )
    desk.say(f"{path}/some", {"lastAttemptedRevision": "main@sha1:2"})


def _ready(status: str, message: str, *, reason: str = "Some") -> Manifest:
    """A status with a Ready condition."""
    condition = {
        "type": "Ready", "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-01-01T12:00:00Z",
    }  # fmt: skip
    return {"conditions": [condition]}


def _kinds(spec: Manifest) -> dict[str, Manifest]:
    """The counts by kind."""
    return {item["kind"]: item["stats"] for item in spec["reconcilers"]}


def test_the_report_is_there_before_any_instance(lifecycle: Lifecycle) -> None:
    """And comes back when somebody deletes it."""
    for moment in ("start", "back"):
        spec = lifecycle.spec(moment)
        assert spec["distribution"]["status"] == "Not Installed"
        assert spec.keys() == {"distribution", "operator", "cluster"}
    assert lifecycle.spec("start")["distribution"]["entitlement"] == "Unknown"


def test_components(lifecycle: Lifecycle) -> None:
    """The four controllers; the instance has asked for a report."""
    report = lifecycle.reports["installed"]
    assert report["metadata"]["annotations"][names.REQUESTED_AT]
    components = report["spec"]["components"]
    assert [item["name"] for item in components] == CONTROLLERS
    assert "fluxcd/helm-controller" in components[0]["image"]
    assert components[0]["status"] == "Current Deployment is available. Replicas: 1"


def test_the_instance_asks_by_itself(lifecycle: Lifecycle) -> None:
    """Nobody has annotated the report after the instance was deleted."""
    asked = lifecycle.reports["end"]["metadata"]["annotations"][names.REQUESTED_AT]
    assert asked.isdecimal()
    assert lifecycle.reports["end"]["status"]["lastHandledReconcileAt"] == asked


def test_distribution(lifecycle: Lifecycle) -> None:
    """Version and manager are those of the labels."""
    distribution = lifecycle.spec("installed")["distribution"]
    version = distribution.pop("version")
    assert version in lifecycle.revision
    assert distribution == {
        "status": "Installed",
        "entitlement": "Unknown",
        "managedBy": "flux-operator",
    }


def test_reconcilers(lifecycle: Lifecycle) -> None:
    """All kinds of the four controllers and the operator's own; the sync runs."""
    spec = lifecycle.spec("installed")
    order = [item["apiVersion"] + item["kind"] for item in spec["reconcilers"]]
    assert order == sorted(order)
    assert spec["reconcilers"][-1]["kind"] == "OCIRepository"
    assert spec["reconcilers"][-1]["stats"] == {"running": 1, "failing": 0, "suspended": 0}
    assert _kinds(spec).keys() >= {
        "Kustomization", "HelmRelease", "GitRepository", "Bucket", "HelmRepository", "HelmChart",
        "Alert", "Provider", "Receiver", names.INSTANCE_KIND,
    }  # fmt: skip


def test_sync(lifecycle: Lifecycle) -> None:
    """Where the cluster is synced from, before anything has happened."""
    namespace = lifecycle.reports["installed"]["metadata"]["namespace"]
    assert lifecycle.spec("installed")["sync"] == {
        "id": f"kustomization/{namespace}",
        "ready": False,
        "status": "not initialized",
        "path": "./clusters",
        "source": URL,
    }


def test_cluster_and_operator(lifecycle: Lifecycle) -> None:
    """Versions and platforms, also as a metric."""
    spec = lifecycle.spec("installed")
    assert spec["cluster"]["serverVersion"].startswith("v1.")
    assert "64" in spec["cluster"]["platform"]
    assert spec["cluster"]["nodes"] == 1
    operator = spec["operator"]
    assert operator["apiVersion"] == names.API_VERSION
    assert operator["version"] == f"v{__version__}"
    assert "/" in operator["platform"]
    assert lifecycle.operator == [
        {
            "version": operator["version"],
            "api_version": operator["apiVersion"],
            "platform": operator["platform"],
        }
    ]


def test_ready(lifecycle: Lifecycle) -> None:
    """Always, as it is the report that is ready and not what it is about."""
    for report in lifecycle.reports.values():
        (ready,) = report["status"]["conditions"]
        assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "True", "Succeeded")
        assert ready["message"].startswith("Reporting finished in ")


def test_uninstalled(lifecycle: Lifecycle) -> None:
    """The entitlement survives Flux; nothing else does."""
    assert lifecycle.spec("end")["distribution"] == {
        "status": "Not Installed",
        "entitlement": "Issued by controlplane",
    }
    assert lifecycle.series["end"] == []


def test_counts(lifecycle: Lifecycle) -> None:
    """A suspended Kustomization does not run; the source that fails does."""
    kinds = _kinds(lifecycle.spec("in use"))
    assert kinds["Kustomization"] == {"running": 1, "failing": 0, "suspended": 1}
    assert kinds["OCIRepository"] == {"running": 1, "failing": 1, "suspended": 0}
    git = {"running": 1, "failing": 0, "suspended": 0, "totalSize": "1.5 KiB"}
    assert kinds["GitRepository"] == git


def test_failed_source(lifecycle: Lifecycle) -> None:
    """It fails the sync, and its message is added."""
    sync = lifecycle.spec("failed source")["sync"]
    assert sync["ready"] is False
    assert sync["status"] == "Applied revision: latest\nno such tag"


def test_stored_version(lifecycle: Lifecycle) -> None:
    """The last one is listed."""
    (found,) = [
        item for item in lifecycle.spec("installed")["reconcilers"] if item["kind"] == "Thing"
    ]
    assert found["apiVersion"] == f"{EXTRA.partition('.')[2]}/v1"


def test_only_labelled_deployments(lifecycle: Lifecycle) -> None:
    """Others in the namespace are none of its business."""
    assert "another-controller" not in str(lifecycle.spec("installed")["components"])


def test_resources(lifecycle: Lifecycle) -> None:
    """Twelve labels each, those that do not apply empty."""
    series = {item["kind"]: item for item in lifecycle.series["in use"] if item["name"] == "some"}
    assert all(item.keys() == set(RESOURCE.labels) for item in lifecycle.series["in use"])
    git = series["GitRepository"]
    assert git["uid"]
    assert {
        key: git[key] for key in ("ready", "reason", "suspended", "revision", "url", "ref")
    } == {
        "ready": "Unknown",
        "reason": "Progressing",
        "suspended": "False",
        "revision": "main@sha1:1",
        "url": "https://example.com/some",
        "ref": "main",
    }
    assert (git["path"], git["source_name"]) == ("", "")
    kustomization = series["Kustomization"]
    assert kustomization["suspended"] == "True"
    assert kustomization["path"] == "./some"
    assert kustomization["source_name"] == "some"
    assert kustomization["revision"] == "main@sha1:2"
    assert (kustomization["url"], kustomization["ref"]) == ("", "")


def test_resources_that_are_gone(lifecycle: Lifecycle) -> None:
    """With the next report; the sync is still there."""
    assert {item["name"] for item in lifecycle.series["removed"]} == {
        lifecycle.reports["removed"]["metadata"]["namespace"]
    }


def test_a_report_costs_few_requests(lifecycle: Lifecycle) -> None:
    """It reads each kind once, and writes twice."""
    assert len(lifecycle.requests) <= MOST_REQUESTS, [item.uri for item in lifecycle.requests]
    writes = [item for item in lifecycle.requests if item.verb in {"create", "update", "patch"}]
    assert [(item.verb, item.resource) for item in writes] == [
        ("update", "fluxreports"),
        ("patch", "fluxreports/status"),
    ]


def test_nothing_went_wrong(lifecycle: Lifecycle) -> None:
    """In the log of the operator."""
    assert lifecycle.errors == []
