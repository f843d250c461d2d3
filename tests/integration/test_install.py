# SPDX-License-Identifier: Apache-2.0
"""A FluxInstance goes from nothing to Ready on a real API server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fluxsm.api.objects import Manifest
from tests.integration.instance import Instance, is_path
from tests.integration.operator import Operator

pytestmark = pytest.mark.integration

SPEC: Manifest = {"distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"}}
CONTROLLERS = (
    "source-controller", "kustomize-controller", "helm-controller", "notification-controller",
)  # fmt: skip
SPARE = 20
"""Requests that an installation may send besides one for each object."""


def test_the_starter_distribution_becomes_ready(
    instance: Instance, operate: Callable[..., Operator]
) -> None:
    """Without any release of Flux at hand the operator installs the distribution it comes with."""
    before = len(instance.cluster.audit("fluxsm"))
    operator = operate()
    instance.create(SPEC)
    manifest = instance.becomes_ready()
    check_installed(instance, manifest, operator)
    check_cost(instance, manifest, before)


def test_a_real_release_becomes_ready(
    instance: Instance, operate: Callable[..., Operator], upstream: Path
) -> None:
    """The manifests of Flux 2.8.8 are installed, healthy, listed, and cost few requests."""
    before = len(instance.cluster.audit("fluxsm"))
    operator = operate(storage=upstream)
    instance.create({"distribution": {**SPEC["distribution"], "version": "2.8.8"}})
    manifest = instance.becomes_ready()
    check_installed(instance, manifest, operator)
    check_cost(instance, manifest, before)
    assert manifest["status"]["lastAppliedRevision"].startswith("v2.8.8@sha256:")
    check_columns(instance)


def check_installed(instance: Instance, manifest: Manifest, operator: Operator) -> None:
    """All is there, is listed, and came about on a path of the table with few requests."""
    for name in CONTROLLERS:
        deployment = instance.deployment(name)
        assert deployment is not None
        assert deployment["status"]["availableReplicas"] == 1
    entries = manifest["status"]["inventory"]["entries"]
    assert {entry["id"] for entry in entries} == managed(instance)
    way = operator.transitions()
    assert is_path(way)
    assert [item.dest for item in way] == [
        "FetchingArtifact", "Building", "Applying", "HealthChecking", "Ready",
    ]  # fmt: skip
    assert operator.errors() == []


def check_cost(instance: Instance, manifest: Manifest, before: int) -> None:
    """The operator sent one request for each object, and few besides.

    How often the lease is renewed depends on the machine.
    """
    found = instance.cluster.audit("fluxsm")[before:]
    sent = [item for item in found if item.resource != "leases"]
    assert len(sent) <= len(manifest["status"]["inventory"]["entries"]) + SPARE


def managed(instance: Instance) -> set[str]:
    """Inventory ids of everything in the cluster that bears the labels of the instance."""
    labels = f"fluxcd.controlplane.io/namespace={instance.namespace}"
    kinds = (
        "crd,ns,clusterroles,clusterrolebindings,serviceaccounts,services,deployments,"
        "networkpolicies,resourcequotas"
    )
    text = instance.cluster.kubectl("get", kinds, "-A", "-l", labels, "-o", "json")
    return {_id(item) for item in json.loads(text)["items"]}


def _id(item: Manifest) -> str:
    metadata, group = item["metadata"], item["apiVersion"].rpartition("/")[0]
    return f"{metadata.get('namespace', '')}_{metadata['name']}_{group}_{item['kind']}"


def check_columns(instance: Instance) -> None:
    """The API server renders the columns that people know."""
    text = instance.cluster.kubectl("get", "fluxinstance", "-n", instance.namespace)
    header, row = text.splitlines()
    assert header.split() == ["NAME", "AGE", "READY", "STATUS", "REVISION"]
    assert row.split()[0] == "flux"
    assert row.split()[2] == "True"
