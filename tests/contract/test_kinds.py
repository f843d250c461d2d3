# SPDX-License-Identifier: Apache-2.0
"""Custom resource definitions: when kinds are served, and what may change about them."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import ClusterError, InvalidError, NotFoundError
from tests.contract.samples import CRD, crd, ref_of, widget
from tests.contract.subjects import Subject


@pytest.fixture
def group(subject: Subject) -> str:
    """An API group of this test alone; CRDs are cluster-wide."""
    return f"{subject.namespace}.example"


def install(subject: Subject, group: str, **versions: Any) -> Manifest:
    """Apply the CRD and wait until each of its versions is served."""
    wanted = crd(group, **versions)
    (answer,) = subject.cluster.apply_all([wanted])
    assert not isinstance(answer, ClusterError), answer
    for version in wanted["spec"]["versions"]:
        kind = Kind(group, version["name"], "Widget")
        subject.eventually(lambda kind=kind: subject.cluster.serves(kind), f"{kind} served")  # type: ignore[misc]
    return subject.cluster.get(ref_of(wanted))


def make(subject: Subject, manifest: Manifest) -> Manifest:
    """Create an object; a kind that is served may still need a moment to be writable."""

    def attempt() -> Manifest | None:
        try:
            return subject.cluster.create(manifest)
        except NotFoundError:
            return None

    made = subject.eventually(attempt, "writable")
    assert made is not None
    return made


def test_a_kind_is_served_once_it_is_established(subject: Subject, group: str) -> None:
    """Then its objects can be made, read and listed."""
    assert not subject.cluster.serves(Kind(group, "v1", "Widget"))
    found = install(subject, group)
    assert found["status"]["storedVersions"] == ["v1"]
    make(subject, widget(group, subject.namespace, size=1))
    (item,) = subject.cluster.list(Kind(group, "v1", "Widget"))
    assert item["spec"] == {"size": 1}


def test_the_status_is_written_through_its_subresource(subject: Subject, group: str) -> None:
    """And only there; it does not count as a change of the spec."""
    install(subject, group)
    made = make(subject, widget(group, subject.namespace, size=1))
    ref = ref_of(made)
    subject.cluster.patch(ref, {"status": {"phase": "Lost"}})
    assert "status" not in subject.cluster.get(ref)
    patch = {"status": {"phase": "Fine"}, "spec": {"size": 2}}
    subject.cluster.patch(ref, patch, subresource="status")
    found = subject.cluster.get(ref)
    assert (found["status"], found["spec"]) == ({"phase": "Fine"}, {"size": 1})
    assert found["metadata"]["generation"] == 1
    changed = subject.cluster.patch(ref, {"spec": {"size": 2}})
    assert (changed["metadata"]["generation"], changed["status"]) == (2, {"phase": "Fine"})


def test_a_status_guarded_by_an_old_version_conflicts(subject: Subject, group: str) -> None:
    """So that nobody's condition is lost."""
    install(subject, group)
    made = make(subject, widget(group, subject.namespace, size=1))
    subject.cluster.patch(ref_of(made), {"spec": {"size": 2}})
    guarded = {
        "metadata": {"resourceVersion": made["metadata"]["resourceVersion"]},
        "status": {"phase": "Fine"},
    }
    with pytest.raises(ClusterError, match="Conflict"):
        subject.cluster.patch(ref_of(made), guarded, subresource="status")


def test_an_object_can_be_read_at_each_served_version(subject: Subject, group: str) -> None:
    """Without conversion only the apiVersion differs."""
    install(subject, group, versions=("v1", "v1beta1"), storage="v1beta1")
    make(subject, widget(group, subject.namespace, version="v1beta1", size=1))
    found = subject.cluster.get(ObjectRef(Kind(group, "v1", "Widget"), subject.namespace, "w"))
    assert (found["apiVersion"], found["spec"]) == (f"{group}/v1", {"size": 1})


def test_a_new_storage_version_is_added_to_the_stored_ones(subject: Subject, group: str) -> None:
    """Until somebody says that all objects were rewritten, the old one must stay."""
    install(subject, group, versions=("v1", "v1beta1"), storage="v1beta1")
    found = install(subject, group, versions=("v1", "v1beta1"), storage="v1")
    assert found["status"]["storedVersions"] == ["v1beta1", "v1"]
    (refused,) = subject.cluster.apply_all([crd(group, versions=("v1",))])
    assert isinstance(refused, InvalidError)
    assert "storedVersions" in str(refused)
    trim = {
        "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
        "status": {"storedVersions": ["v1"]},
    }
    subject.cluster.patch(ref_of(found), trim, subresource="status")
    (accepted,) = subject.cluster.apply_all([crd(group, versions=("v1",))])
    assert not isinstance(accepted, ClusterError)


def test_an_empty_patch_stores_an_object_again_at_the_storage_version(
    subject: Subject, group: str
) -> None:
    """It is a write if the stored version is another one, else it is none."""
    install(subject, group, versions=("v1", "v1beta1"), storage="v1beta1")
    made = make(subject, widget(group, subject.namespace, version="v1beta1", size=1))
    install(subject, group, versions=("v1", "v1beta1"), storage="v1")
    ref = ObjectRef(Kind(group, "v1", "Widget"), subject.namespace, "w")

    def rewritten() -> bool:
        again = subject.cluster.patch(ref, {})
        return bool(again["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"])

    subject.eventually(rewritten, "a rewrite")
    first, second = subject.cluster.patch(ref, {}), subject.cluster.patch(ref, {})
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


def test_a_crd_takes_its_objects_with_it(subject: Subject, group: str) -> None:
    """But it waits for those that a finalizer holds back."""
    install(subject, group)
    held = widget(group, subject.namespace, size=1)
    held["metadata"]["finalizers"] = ["example.com/a"]
    made = make(subject, held)
    definition = ObjectRef(CRD, "", f"widgets.{group}")
    subject.cluster.delete(definition)

    def marked() -> bool:
        return "deletionTimestamp" in subject.cluster.get(ref_of(made))["metadata"]

    subject.eventually(marked, "mark of deletion")
    assert subject.cluster.get(definition)["metadata"]["deletionTimestamp"]
    subject.cluster.patch(ref_of(made), {"metadata": {"finalizers": None}})

    def gone() -> bool:
        try:
            subject.cluster.get(definition)
        except NotFoundError:
            return True
        return False

    subject.eventually(gone, "end of the CRD")
    subject.eventually(
        lambda: not subject.cluster.serves(Kind(group, "v1", "Widget")), "end of the kind"
    )
