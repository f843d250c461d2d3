# SPDX-License-Identifier: Apache-2.0
"""The store behaves as the machine needs it: guards, generations, stored versions, faults."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import Applied
from fluxsm.errors import (
    ArtifactError,
    ConflictError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from fluxsm.simulation.cluster import MemoryCluster, merged
from fluxsm.simulation.faults import Fault, Faults

CONFIG = Kind("", "v1", "ConfigMap")
REF = ObjectRef(CONFIG, "ns", "a")


def config(**more: Any) -> Manifest:
    """A ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "ns"},
        **more,
    }


def crd(*versions: str) -> Manifest:
    """A CRD of some versions, the last of which is stored."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "as.x.fluxcd.io"},
        "spec": {
            "group": "x.fluxcd.io",
            "names": {"kind": "A"},
            "versions": [
                {"name": name, "served": True, "storage": name == versions[-1]} for name in versions
            ],
        },
    }


@pytest.fixture
def cluster() -> MemoryCluster:
    """An empty one."""
    return MemoryCluster(Faults())


def test_an_apply_creates_then_keeps(cluster: MemoryCluster) -> None:
    """The same again changes no version; another content does."""
    first, second, third = (
        cluster.apply_all([config(data={"k": value})])[0] for value in ("1", "1", "2")
    )
    assert isinstance(first, Applied)
    assert isinstance(second, Applied)
    assert isinstance(third, Applied)
    assert (first.created, second.created) == (True, False)
    versions = [item.manifest["metadata"]["resourceVersion"] for item in (first, second, third)]
    assert versions[0] == versions[1] != versions[2]


def test_a_dry_run_writes_nothing(cluster: MemoryCluster) -> None:
    """It only answers."""
    (answer,) = cluster.apply_all([config()], dry_run=True)
    assert isinstance(answer, Applied)
    assert answer.created
    assert cluster.objects == {}


def test_a_guard_holds(cluster: MemoryCluster) -> None:
    """A patch for another version is refused."""
    cluster.create(config())
    with pytest.raises(ConflictError):
        cluster.patch(REF, {"metadata": {"resourceVersion": "0"}})
    with pytest.raises(ConflictError):
        cluster.create(config())
    with pytest.raises(ConflictError):
        cluster.delete(REF, uid="another")


def test_what_is_not_there_is_not_found(cluster: MemoryCluster) -> None:
    """Objects and kinds."""
    with pytest.raises(NotFoundError):
        cluster.get(REF)
    with pytest.raises(NotFoundError):
        list(cluster.list(Kind("x.fluxcd.io", "v1", "A")))


def test_a_stored_version_cannot_go(cluster: MemoryCluster) -> None:
    """As the API server answers."""
    cluster.apply_all([crd("v1", "v2")])
    assert list(cluster.list(Kind("x.fluxcd.io", "v2", "A"))) == []
    (answer,) = cluster.apply_all([crd("v3")])
    assert isinstance(answer, InvalidError)
    assert "v2 must appear in spec.versions" in str(answer)


def test_custom_resources_go_with_their_crd(cluster: MemoryCluster) -> None:
    """And nothing else does."""
    cluster.apply_all([crd("v1"), config()])
    cluster.create({"apiVersion": "x.fluxcd.io/v1", "kind": "A", "metadata": {"name": "one"}})
    cluster.delete(ObjectRef.of(crd("v1")))
    assert [item["kind"] for item in cluster.objects.values()] == ["ConfigMap"]


def test_labels_select(cluster: MemoryCluster) -> None:
    """All pairs must match, in the wanted namespace."""
    item = config()
    item["metadata"]["labels"] = {"a": "1", "b": "2"}
    cluster.create(item)
    assert len(list(cluster.list(CONFIG, labels="a=1,b=2", namespace="ns"))) == 1
    assert list(cluster.list(CONFIG, labels="a=1,b=3")) == []
    assert list(cluster.list(CONFIG, namespace="other")) == []


def test_the_generation_follows_the_spec(cluster: MemoryCluster) -> None:
    """A change of metadata or status makes none."""
    cluster.create(config(spec={"a": 1}))
    same = cluster.patch(REF, {"metadata": {"labels": {"x": "y"}}, "status": {"b": 1}})
    assert same["metadata"]["generation"] == 1
    assert cluster.patch(REF, {"spec": {"a": 2}})["metadata"]["generation"] == 2


def test_the_last_finalizer_lets_go(cluster: MemoryCluster) -> None:
    """A deleted object without finalizers is gone."""
    item = config()
    item["metadata"] |= {"finalizers": ["f"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
    cluster.write(item)
    cluster.patch(REF, {"metadata": {"finalizers": None}})
    assert cluster.objects == {}


def test_a_fault_hits_as_often_as_it_was_told() -> None:
    """Then the call works again."""
    faults = Faults()
    faults.set["list"] = Fault("away", times=2)
    cluster = MemoryCluster(faults)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="away"):
            list(cluster.list(CONFIG))
    assert list(cluster.list(CONFIG)) == []


def test_a_fault_of_the_registry_is_one_of_artifacts() -> None:
    """And lasts until it is healed."""
    faults = Faults()
    faults.set["fetch"] = Fault("away")
    for _ in range(3):
        with pytest.raises(ArtifactError):
            faults.inject("fetch")


@pytest.mark.parametrize(
    ("old", "patch", "new"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_a_merge_patch(old: Any, patch: Any, new: Any) -> None:
    """As RFC 7386 says."""
    assert merged(old, patch) == new
