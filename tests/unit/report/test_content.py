# SPDX-License-Identifier: Apache-2.0
"""What a report says of what was read."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Kind
from fluxsm.errors import MalformedError
from fluxsm.report import content as report

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
KINDS = [
    Kind("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"),
    Kind("source.toolkit.fluxcd.io", "v1", "GitRepository"),
    Kind("source.toolkit.fluxcd.io", "v1", "Bucket"),
]
MINUTE = timedelta(minutes=1)


def crd(stored: Any = ("v1",), **labels: str) -> Any:
    """The CRD of the GitRepository."""
    return {
        "metadata": {"name": "gitrepositories.source.toolkit.fluxcd.io", "labels": labels},
        "spec": {"group": "source.toolkit.fluxcd.io", "names": {"kind": "GitRepository"}},
        "status": {"storedVersions": list(stored)},
    }


def secret(**data: str) -> Any:
    """A Secret."""
    return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}}


def labelled(**labels: str) -> tuple[str | None, str | None]:
    """Version and manager of a distribution whose CRD has some labels, slashes as underscores."""
    found = report.distribution({"metadata": {"labels": labels}}, None)
    assert found.status == "Installed"
    return found.version, found.managed_by


def test_rep_2_the_labels_of_a_crd_tell_the_distribution() -> None:
    """Its version and who manages it."""
    labels = {names.VERSION_LABEL: "v2.8.8", names.MANAGED_BY_LABEL: "flux-operator"}
    assert labelled(**labels) == ("v2.8.8", "flux-operator")
    assert labelled() == (None, None)


def test_rep_9_flux_bootstrap_leaves_another_label() -> None:
    """It counts where nobody else claims the installation."""
    bootstrapped = {"kustomize.toolkit.fluxcd.io/name": "flux-system"}
    assert labelled(**bootstrapped) == (None, "flux bootstrap")
    assert labelled(**bootstrapped, **{names.MANAGED_BY_LABEL: "Helm"}) == (None, "Helm")


def test_rep_7_without_the_crd_flux_is_not_installed() -> None:
    """The entitlement is reported nevertheless."""
    found = report.distribution(None, secret(token="x", vendor="controlplane"))
    assert found.model_dump(exclude_none=True) == {
        "status": "Not Installed",
        "entitlement": "Issued by controlplane",
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, "Unknown"),
        (secret(vendor="controlplane"), "Unknown"),
        (secret(token="x"), "Issued"),
        ({"data": {"token": "eA==", "vendor": "no base64"}}, "Issued by Unknown"),
    ],
)
def test_an_entitlement_needs_a_token(found: Any, expected: str) -> None:
    """The vendor alone is nothing."""
    assert report.describe_entitlement(found) == expected


def test_rep_15_the_last_stored_version_counts() -> None:
    """It is the one that is written now."""
    kinds = report.flux_kinds([crd(["v1beta1", "v1"])])
    assert kinds == [Kind("source.toolkit.fluxcd.io", "v1", "GitRepository")]


def test_rep_15_nothing_stored_is_an_error() -> None:
    """It may be that the CRD was made just now."""
    with pytest.raises(MalformedError, match=r"gitrepositories.* has no status\.storedVersions"):
        report.flux_kinds([crd(), crd([])])


def test_rep_5_a_cluster_without_nodes_does_not_tell_their_number() -> None:
    """As there is nothing to tell."""
    version = {"gitVersion": "v1.33.0", "platform": "linux/amd64"}
    assert report.cluster(version, 3).nodes == 3
    assert report.cluster(version, 0).model_dump(exclude_none=True) == {
        "server_version": "v1.33.0",
        "platform": "linux/amd64",
    }


def deployment(name: str, image: str, *, available: bool = True) -> Any:
    """A controller."""
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    conditions = [{"type": "Available", "status": "True"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "generation": 1},
        "spec": {
            "replicas": 1,
            "template": {"spec": {"containers": [{"image": image}, {"image": "sidecar"}]}},
        },
        "status": {**status, "availableReplicas": int(available), "conditions": conditions},
    }


def test_rep_1_components_are_sorted_and_tell_their_image() -> None:
    """The status is that of kstatus, as text."""
    found = report.components(
        [deployment("b", "image-b", available=False), deployment("a", "image-a")], NOW
    )
    assert [(item.name, item.image, item.ready) for item in found] == [
        ("a", "image-a", True),
        ("b", "image-b", False),
    ]
    assert found[0].status == "Current Deployment is available. Replicas: 1"
    assert found[1].status.startswith("InProgress ")


def test_a_component_without_a_status_is_reported_as_it_is() -> None:
    """Nor is a container taken for granted."""
    bare = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}
    (found,) = report.components([bare], NOW)
    assert (found.ready, found.image) == (False, "")
    assert found.status


def conditions(status: str, message: str) -> Any:
    """A status with a Ready condition."""
    return {"conditions": [{"type": "Ready", "status": status, "message": message}]}


def kustomization(status: Any = None, **spec: Any) -> Any:
    """The Kustomization of the sync."""
    source = {"kind": "GitRepository", "name": "flux-system"}
    return {
        "kind": "Kustomization",
        "spec": {"path": "./clusters", "sourceRef": source, **spec},
        "status": status or {},
    }


def source(status: Any = None) -> Any:
    """The source of the sync."""
    spec = {"url": "https://example.com/fleet"}
    return {"kind": "GitRepository", "spec": spec, "status": status or {}}


def synced(*objects: Any) -> Any:
    """The sync block of a report, from the objects with its name."""
    return report.sync(KINDS, {item["kind"]: item for item in objects}, "fleet")


def test_rep_4_the_sync_tells_where_it_comes_from() -> None:
    """Path, source and the message of its Kustomization."""
    found = synced(kustomization(conditions("True", "Applied revision: main")), source())
    assert found.model_dump() == {
        "id": "kustomization/fleet",
        "ready": True,
        "status": "Applied revision: main",
        "path": "./clusters",
        "source": "https://example.com/fleet",
    }


def test_a_sync_that_has_not_begun_is_not_ready() -> None:
    """One whose end is unknown is."""
    found = synced(kustomization())
    assert (found.ready, found.status, found.source) == (False, "not initialized", None)
    assert synced(kustomization(conditions("Unknown", "working"))).ready
    assert not synced(kustomization(conditions("False", "failed"))).ready


def test_rep_12_a_failed_source_fails_the_sync() -> None:
    """Its message is added."""
    failed = source(conditions("False", "no such branch"))
    found = synced(kustomization(conditions("True", "Applied")), failed)
    assert (found.ready, found.status) == (False, "Applied\nno such branch")


def test_rep_13_a_suspended_sync_says_so() -> None:
    """Before everything else."""
    found = synced(kustomization(conditions("True", "Applied"), suspend=True), source())
    assert (found.ready, found.status) == (True, "Suspended Applied")


def test_rep_14_no_sync_is_no_error() -> None:
    """There is just none, as in a Flux without Kustomizations."""
    assert synced(source()) is None
    assert report.sync(KINDS[1:], {}, "fleet") is None


def test_the_source_of_a_bucket_is_two_fields() -> None:
    """Endpoint and name."""
    bucket = {"kind": "Bucket", "spec": {"endpoint": "minio.example.com", "bucketName": "fleet"}}
    found = synced(kustomization(sourceRef={"kind": "Bucket"}), bucket)
    assert found.source == "minio.example.com/fleet"


def test_a_source_of_a_kind_that_is_missing_is_an_error() -> None:
    """The sync cannot work."""
    with pytest.raises(MalformedError, match="a source of kind OCIRepository"):
        synced(kustomization(sourceRef={"kind": "OCIRepository"}))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, 5 * MINUTE),
        ({names.RECONCILE_EVERY: "1m"}, MINUTE),
        ({names.RECONCILE_EVERY: "0"}, 5 * MINUTE),
        ({names.RECONCILE_EVERY: "-1m"}, 5 * MINUTE),
        ({names.RECONCILE_EVERY: "soon"}, 5 * MINUTE),
    ],
)
def test_only_a_positive_duration_changes_the_interval(
    wanted: dict[str, str], expected: timedelta
) -> None:
    """Anything else counts as not set."""
    assert report.interval(wanted, 5 * MINUTE) == expected


def test_the_report_can_be_switched_off() -> None:
    """In upper or lower case."""
    assert report.is_disabled({names.RECONCILE: "DISABLED"})
    assert not report.is_disabled({names.RECONCILE: "enabled"})
    assert not report.is_disabled({})
