# SPDX-License-Identifier: Apache-2.0
"""Reading a FluxInstance: defaults, annotations, and what is said about a wrong one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.instance import FluxInstance, InvalidInstanceError, parse_instance
from fluxsm.core.instance import Instance

SYNC = {"kind": "GitRepository", "url": "https://example.org/r", "ref": "main", "path": "./c"}


def instance(annotations: dict[str, str] | None = None, **spec: Any) -> FluxInstance:
    """An instance with the least spec and these parts."""
    return parse_instance(manifest(annotations, **spec))


def manifest(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """The same as data."""
    least = {"distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"}}
    return {"metadata": {"annotations": annotations or {}}, "spec": least | spec}


def complaint(**spec: Any) -> str:
    """What is said about a spec that is refused."""
    with pytest.raises(InvalidInstanceError) as caught:
        instance(**spec)
    return str(caught.value)


def test_what_is_absent_has_its_effective_value() -> None:
    """Without a cluster block the reconciler works with the defaults: VAL-6."""
    spec = instance().spec
    assert spec.effective_components == names.COMPONENTS[:4]
    assert spec.effective_cluster.type == "kubernetes"
    assert spec.effective_cluster.network_policy
    assert not spec.effective_cluster.multitenant
    assert spec.domain == "cluster.local"
    assert (spec.wait, spec.migrate_resources) == (True, True)
    assert spec.patches == ()


def test_an_empty_list_of_components_means_the_default_ones() -> None:
    """The schema admits an empty list: VAL-5."""
    assert instance(components=[]).spec.effective_components == names.DEFAULT_COMPONENTS


def test_null_means_not_set() -> None:
    """A field that is null gets its default, as from the API server."""
    spec = instance(wait=None, cluster={"type": None, "domain": None}).spec
    assert spec.wait
    assert spec.effective_cluster.type == "kubernetes"
    assert spec.domain == "cluster.local"


def test_unknown_fields_are_dropped() -> None:
    """A newer CRD must not stop an older operator."""
    assert "colour" not in instance(colour="blue").spec.model_dump()


def test_an_empty_registry_is_read() -> None:
    """The API server admits it, and the build has a meaning for it."""
    spec = instance(distribution={"version": "2.x", "registry": ""}).spec
    assert spec.distribution.registry == ""


@pytest.mark.parametrize(
    ("value", "suspended"),
    [
        pytest.param("disabled", True, id="disabled"),
        pytest.param("Disabled", True, id="whatever the case"),
        pytest.param("enabled", False, id="enabled"),
        pytest.param("off", False, id="anything else means enabled"),
        pytest.param("", False, id="empty"),
    ],
)
def test_the_reconcile_annotation(value: str, suspended: bool) -> None:
    """Only `disabled` disables: VAL-4."""
    assert instance({names.RECONCILE: value}).metadata.suspended is suspended


@pytest.mark.parametrize(
    ("key", "attribute", "default"),
    [
        (names.RECONCILE_EVERY, "reconcile_every", timedelta(hours=1)),
        (names.RECONCILE_ARTIFACT_EVERY, "reconcile_artifact_every", timedelta(minutes=10)),
        (names.RECONCILE_TIMEOUT, "reconcile_timeout", timedelta(minutes=5)),
    ],
)
def test_durations_come_from_annotations(key: str, attribute: str, default: timedelta) -> None:
    """A Go duration is used; what is missing or does not parse falls back: VAL-1 to 3."""
    assert getattr(instance({key: "1m30s"}).metadata, attribute) == timedelta(seconds=90)
    assert getattr(instance({key: "0"}).metadata, attribute) == timedelta(0)
    assert getattr(instance({key: "soon"}).metadata, attribute) == default
    assert getattr(instance().metadata, attribute) == default


def test_a_disabled_instance_has_no_periodic_runs() -> None:
    """Both intervals are zero while it is disabled; the timeout stays."""
    disabled = instance({names.RECONCILE: "disabled", names.RECONCILE_EVERY: "1h"}).metadata
    assert disabled.reconcile_every == timedelta(0)
    assert disabled.reconcile_artifact_every == timedelta(0)
    assert disabled.reconcile_timeout == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param(
            {"distribution": {"registry": "r"}},
            [".spec.distribution.version is required"],
            id="a required field is missing",
        ),
        pytest.param(
            {"cluster": {"type": "nomad"}},
            [".spec.cluster.type is 'nomad'", "kubernetes", "openshift"],
            id="a value outside an enum",
        ),
        pytest.param(
            {"sharding": {"shards": []}},
            [".spec.sharding.shards must have at least one item"],
            id="no shard",
        ),
        pytest.param(
            {"sharding": {"shards": ["a"], "storage": "persistent"}},
            [".spec.storage must be set", "'persistent'"],
            id="persistent shards without storage",
        ),
        pytest.param(
            {"cluster": {"multitenantWorkloadIdentity": True}},
            ["objectLevelWorkloadIdentity must be true", "multitenantWorkloadIdentity"],
            id="tenant identities without object identities",
        ),
        pytest.param(
            {"sync": SYNC | {"provider": "gcp"}},
            ["sync.provider 'gcp'", "OCIRepository and Bucket"],
            id="gcp for git",
        ),
        pytest.param(
            {"sync": SYNC | {"kind": "Bucket", "provider": "github"}},
            ["sync.provider 'github'", "GitRepository"],
            id="github for a bucket",
        ),
        pytest.param(
            {"sync": SYNC | {"interval": "1d"}}, [".spec.sync.interval"], id="an odd interval"
        ),
        pytest.param(
            {"distribution": {"version": "2.x", "registry": "r", "artifact": "https://x"}},
            [".spec.distribution.artifact"],
            id="an artifact that is not OCI",
        ),
        pytest.param(
            {"kustomize": {"patches": [{"target": {}}]}},
            [".spec.kustomize.patches[0].patch is required"],
            id="a patch without its text",
        ),
    ],
)
def test_a_wrong_spec_is_explained(spec: dict[str, Any], words: list[str]) -> None:
    """The path of the field and what is wrong with it, in one line."""
    text = complaint(**spec)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_a_condition_is_found_by_type() -> None:
    """None when it is not there."""
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "ReconciliationSucceeded",
        "message": "done",
        "lastTransitionTime": "2024-06-03T12:20:57Z",
    }
    found = Instance(manifest() | {"status": {"conditions": [ready]}})
    condition = found.condition("Ready")
    assert condition is not None
    assert condition.reason == "ReconciliationSucceeded"
    assert found.condition("Stalled") is None
