# SPDX-License-Identifier: Apache-2.0
"""Reading, writing and deleting objects: what the operator relies on."""

from __future__ import annotations

import pytest

from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.core.ports import PatchType
from fluxsm.errors import ClusterError, ConflictError, InvalidError, NotFoundError
from tests.contract.samples import CONFIG_MAP, config_map, deployment, ref_of
from tests.contract.subjects import Subject


def test_what_does_not_exist_is_not_found(subject: Subject) -> None:
    """Neither an object nor a kind that nobody serves."""
    for kind in (CONFIG_MAP, Kind("nobody.example", "v1", "Thing")):
        with pytest.raises(NotFoundError):
            subject.cluster.get(ObjectRef(kind, subject.namespace, "missing"))
    assert not subject.cluster.serves(Kind("nobody.example", "v1", "Thing"))
    assert subject.cluster.serves(CONFIG_MAP)


def test_an_object_is_created_once(subject: Subject) -> None:
    """It gets a uid and a resourceVersion; a second one of its name conflicts."""
    made = subject.cluster.create(config_map(subject.namespace, data={"a": "1"}))
    assert made["metadata"]["uid"]
    assert int(made["metadata"]["resourceVersion"]) > 0
    assert subject.cluster.get(ref_of(made))["data"] == {"a": "1"}
    with pytest.raises(ConflictError):
        subject.cluster.create(config_map(subject.namespace))


def test_an_object_needs_its_namespace(subject: Subject) -> None:
    """An apply into a namespace that does not exist is answered with not found."""
    (answer,) = subject.cluster.apply_all([config_map("does-not-exist")])
    assert isinstance(answer, NotFoundError)


def test_an_answer_carries_apiversion_and_kind(subject: Subject) -> None:
    """So that every answer can be distinguished from any other, also in a list."""
    subject.cluster.create(config_map(subject.namespace))
    (listed,) = subject.cluster.list(
        CONFIG_MAP, namespace=subject.namespace, labels="", fields="metadata.name=c"
    )
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "ConfigMap")


def test_an_update_of_an_old_version_conflicts(subject: Subject) -> None:
    """Whoever read before somebody else wrote has to read again."""
    old = subject.cluster.create(config_map(subject.namespace))
    new = subject.cluster.replace({**old, "data": {"a": "1"}})
    assert new["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"]
    with pytest.raises(ConflictError):
        subject.cluster.replace({**old, "data": {"a": "2"}})


@pytest.mark.parametrize("kind", [PatchType.MERGE, PatchType.JSON], ids=["merge", "JSON"])
def test_a_guarded_patch_of_an_old_version_conflicts(subject: Subject, kind: PatchType) -> None:
    """A resourceVersion in a patch is a precondition."""
    old = subject.cluster.create(config_map(subject.namespace, data={"a": "1"}))
    version = old["metadata"]["resourceVersion"]
    subject.cluster.patch(ref_of(old), {"data": {"a": "2"}})
    merge = {"metadata": {"resourceVersion": version}, "data": {"a": "3"}}
    json = [
        {"op": "replace", "path": "/data/a", "value": "3"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]
    with pytest.raises(ConflictError):
        subject.cluster.patch(ref_of(old), merge if kind is PatchType.MERGE else json, type=kind)
    assert subject.cluster.get(ref_of(old))["data"] == {"a": "2"}


def test_a_patch_of_what_is_not_there_is_refused(subject: Subject) -> None:
    """A JSON patch that removes a field needs the field; any patch needs the object."""
    made = subject.cluster.create(config_map(subject.namespace))
    with pytest.raises(InvalidError):
        subject.cluster.patch(
            ref_of(made), [{"op": "remove", "path": "/data/a"}], type=PatchType.JSON
        )
    with pytest.raises(NotFoundError):
        subject.cluster.patch(ObjectRef(CONFIG_MAP, subject.namespace, "missing"), {"data": {}})


def test_a_patch_that_changes_nothing_writes_nothing(subject: Subject) -> None:
    """The resourceVersion stays, so no watch is woken."""
    made = subject.cluster.create(config_map(subject.namespace, data={"a": "1"}))
    for patch in ({}, {"data": {"a": "1"}}, {"data": {"b": None}}):
        again = subject.cluster.patch(ref_of(made), patch)
        assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_only_the_wanted_incarnation_is_deleted(subject: Subject) -> None:
    """Another uid or another resourceVersion conflicts, and nothing happens."""
    made = subject.cluster.create(config_map(subject.namespace))
    ref, metadata = ref_of(made), made["metadata"]
    with pytest.raises(ConflictError):
        subject.cluster.delete(ref, uid="11111111-2222-4333-8444-555555555555")
    with pytest.raises(ConflictError):
        subject.cluster.delete(ref, uid=metadata["uid"], resource_version="1")
    subject.cluster.delete(
        ref, uid=metadata["uid"], resource_version=metadata["resourceVersion"],
        propagation="Background",
    )  # fmt: skip
    with pytest.raises(NotFoundError):
        subject.cluster.delete(ref)


def test_a_finalizer_holds_an_object_back(subject: Subject) -> None:
    """It is only marked; without its last finalizer it is gone, and new ones are refused."""
    made = subject.cluster.create(
        config_map(subject.namespace, metadata={"finalizers": ["example.com/a"]})
    )
    ref = ref_of(made)
    subject.cluster.delete(ref)
    marked = subject.cluster.get(ref)
    assert marked["metadata"]["deletionTimestamp"]
    with pytest.raises(InvalidError):
        subject.cluster.patch(ref, {"metadata": {"finalizers": ["example.com/a", "example.com/b"]}})
    subject.cluster.patch(ref, {"metadata": {"finalizers": None}})
    with pytest.raises(NotFoundError):
        subject.cluster.get(ref)


def test_an_immutable_field_is_refused(subject: Subject) -> None:
    """The answer is the error of that object alone; the others are applied."""
    first = deployment(subject.namespace)
    subject.cluster.apply_all([first])
    other = deployment(subject.namespace)
    other["spec"]["selector"]["matchLabels"] = {"app": "other"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    refused, fine = subject.cluster.apply_all([other, config_map(subject.namespace)])
    assert isinstance(refused, InvalidError)
    assert "Deployment" in str(refused)
    assert "selector" in str(refused)
    assert not isinstance(fine, ClusterError)


def test_a_generation_counts_changes_of_the_spec(subject: Subject) -> None:
    """Labels do not count, and the status only through its subresource."""
    (made,) = subject.cluster.apply_all([deployment(subject.namespace)])
    assert not isinstance(made, ClusterError)
    ref = ref_of(made.manifest)
    before = made.manifest["metadata"]["generation"]
    subject.cluster.patch(ref, {"metadata": {"labels": {"team": "b"}}})
    subject.cluster.patch(ref, {"status": {"replicas": 7}})
    found = subject.cluster.get(ref)
    assert found["metadata"]["generation"] == before
    assert found.get("status", {}).get("replicas") != 7
    changed = subject.cluster.patch(ref, {"spec": {"paused": True}})
    assert changed["metadata"]["generation"] == before + 1


def test_the_version_of_the_server_can_be_read(subject: Subject) -> None:
    """For the report."""
    assert str(subject.cluster.server_version()["gitVersion"]).startswith("v1.")
