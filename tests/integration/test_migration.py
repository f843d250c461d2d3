# SPDX-License-Identifier: Apache-2.0
"""Resources that are stored in old versions survive any upgrade: ADD-6 to ADD-9."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.controlplane.cluster import Cluster
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import Operator
from tests.integration.resources import Stored, flux_crd_objects, store_in_all_versions

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

SIX = [*names.DEFAULT_COMPONENTS, "image-reflector-controller", "image-automation-controller"]


def spec(version: str, components: list[str], **more: Any) -> Manifest:
    """An installation that waits for no Pods."""
    distribution = {"version": version, "registry": "ghcr.io/fluxcd"}
    return {"distribution": distribution, "components": components, "wait": False, **more}


@pytest.mark.parametrize("older", ["2.3.0", "2.6.4"])
def test_an_upgrade_over_many_minors_keeps_every_resource(
    instance: Instance, operate: Operate, upstream: Path, older: str
) -> None:
    """In one step from a release with every version stored to one that has dropped most of them."""
    operator = operate(storage=upstream)
    instance.create(spec(older, SIX))
    instance.becomes_ready()
    instance.annotate({RECONCILE: "disabled"})
    operator.reaches("Suspended")
    stored = store_in_all_versions(instance.cluster, instance.namespace)
    instance.patch(spec={"distribution": {"version": "2.8.8"}})
    before = len(operator.transitions())
    instance.annotate({RECONCILE: None})
    instance.becomes_ready(seconds=120)
    way = [item.dest for item in operator.transitions()[before:]]
    assert way == [
        "Pending", "FetchingArtifact", "Building", "Migrating", "Applying", "HealthChecking",
        "Migrating", "Ready",
    ]  # fmt: skip
    check_survived(instance.cluster, stored)
    assert operator.errors() == []


def check_survived(cluster: Cluster, stored: list[Stored]) -> None:
    """All resources have their specs and lie in the storage version, the only one listed."""
    assert stored
    storage = {}
    for crd in flux_crd_objects(cluster):
        (version,) = [item["name"] for item in crd["spec"]["versions"] if item["storage"]]
        storage[crd["metadata"]["name"]] = version
        assert crd["status"]["storedVersions"] == [version], crd["metadata"]["name"]
    for item in stored:
        wanted = f"{item.crd.partition('.')[2]}/{storage[item.crd]}"
        assert cluster.stored(item.key)["apiVersion"] == wanted, item
        found = cluster.request("GET", item.path(storage[item.crd]))
        assert contains(found["spec"], item.spec), (found["spec"], item)
        records = found["metadata"]["managedFields"]
        assert {record["apiVersion"] for record in records} == {wanted}, item


def contains(found: Any, wanted: Any) -> bool:
    """Whether data is there; defaults may have been added."""
    if isinstance(wanted, dict):
        return all(key in found and contains(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return all(contains(*pair) for pair in zip(found, wanted, strict=True))
    return bool(found == wanted)
