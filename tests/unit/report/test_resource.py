# SPDX-License-Identifier: Apache-2.0
"""The labels of `flux_resource_info`, kind by kind."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.report.resource import labels

_CHART = {"spec": {"sourceRef": {"name": "charts"}}}
_REF = {"branch": "main", "tag": "v1", "semver": "1.x", "name": "refs/heads/x"}


def obj(kind: str, spec: Any = None, status: Any = None) -> Any:
    """A Flux object of a kind."""
    return {
        "kind": kind,
        "apiVersion": "some.toolkit.fluxcd.io/v1",
        "metadata": {"uid": "1", "name": "some", "namespace": "apps"},
        "spec": spec or {},
        "status": status or {},
    }


def shown(found: dict[str, str]) -> dict[str, str]:
    """What is not the same for all."""
    common = {"uid", "kind", "name", "exported_namespace", "ready", "reason", "suspended"}
    return {key: value for key, value in found.items() if value and key not in common}


def test_met_4_a_source_in_progress() -> None:
    """All twelve labels; those that do not apply are empty."""
    conditions = [{"type": "Ready", "status": "Unknown", "reason": "Progressing"}]
    status = {"conditions": conditions, "artifact": {"revision": "main@sha1:1"}}
    spec = {"url": "https://example.com", "ref": {"branch": "main"}}
    assert labels(obj("GitRepository", spec, status)) == {
        "uid": "1",
        "kind": "GitRepository",
        "name": "some",
        "exported_namespace": "apps",
        "ready": "Unknown",
        "reason": "Progressing",
        "suspended": "False",
        "revision": "main@sha1:1",
        "url": "https://example.com",
        "ref": "main",
        "source_name": "",
        "path": "",
    }


def test_met_4_a_suspended_kustomization() -> None:
    """What was attempted counts more than what is there."""
    spec = {"path": "./apps", "sourceRef": {"name": "some"}, "suspend": True}
    status = {"lastAttemptedRevision": "new", "artifact": {"revision": "old"}}
    found = labels(obj("Kustomization", spec, status))
    assert (found["suspended"], found["ready"], found["reason"]) == ("True", "Unknown", "")
    assert shown(found) == {"revision": "new", "source_name": "some", "path": "./apps"}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "expected"),
    [
        ("Bucket", {"endpoint": "e", "bucketName": "b"}, {}, {"url": "e", "ref": "b"}),
        ("Receiver", {}, {"webhookPath": "/hook/1"}, {"url": "/hook/1"}),
        ("ImageRepository", {"image": "ghcr.io/a"}, {}, {"url": "ghcr.io/a"}),
        ("ImagePolicy", {"imageRepositoryRef": {"name": "r"}}, {}, {"source_name": "r"}),
        ("ImageUpdateAutomation", {"sourceRef": {"name": "g"}}, {}, {"source_name": "g"}),
        ("HelmChart", {"sourceRef": {"name": "h"}}, {}, {"source_name": "h"}),
        ("HelmRelease", {"chartRef": {"name": "c"}}, {}, {"source_name": "c"}),
        ("HelmRelease", {"chart": _CHART, "chartRef": {"name": "c"}}, {},
         {"source_name": "charts"}),
        ("HelmRepository", {"url": "oci://x"}, {}, {"url": "oci://x"}),
        ("OCIRepository", {"url": "u", "ref": {"tag": "t"}}, {}, {"url": "u", "ref": "t"}),
        ("OCIRepository", {"ref": {"tag": "t", "semver": "1.x"}}, {}, {"ref": "1.x"}),
        ("GitRepository", {"ref": _REF}, {}, {"ref": "refs/heads/x"}),
        ("GitRepository", {"ref": {**_REF, "name": ""}}, {}, {"ref": "1.x"}),
        ("GitRepository", {"ref": {"branch": "main", "tag": "v1"}}, {}, {"ref": "v1"}),
        ("ArtifactGenerator", {"path": "not shown"}, {}, {}),
    ],
)  # fmt: skip
def test_each_kind_has_its_own(kind: str, spec: Any, status: Any, expected: Any) -> None:
    """Where the address, the reference and the source are."""
    assert shown(labels(obj(kind, spec, status))) == expected


@pytest.mark.parametrize(
    ("kind", "spec", "ready"),
    [
        ("Alert", {}, "True"),
        ("Provider", {}, "True"),
        ("HelmRepository", {"type": "oci"}, "True"),
        ("HelmRepository", {"type": "default"}, "False"),
        ("HelmRepository", {}, "False"),
    ],
)
def test_what_has_no_status_is_ready(kind: str, spec: Any, ready: str) -> None:
    """Nothing is done with it, so nothing can fail, whatever an old condition says."""
    status = {"conditions": [{"type": "Ready", "status": "False", "reason": "Old"}]}
    assert labels(obj(kind, spec, status))["ready"] == ready
