# SPDX-License-Identifier: Apache-2.0
"""What goes with its owner, and when: the three ways to delete an object that owns others."""

from __future__ import annotations

import pytest

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.errors import NotFoundError
from tests.contract.samples import config_map, ref_of
from tests.contract.subjects import Subject

HOLD = "example.com/hold"


def _family(subject: Subject) -> tuple[ObjectRef, ObjectRef]:
    """An object, and one that it owns, which a finalizer holds."""
    owner = subject.cluster.create(config_map(subject.namespace, "owner"))
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    metadata = {"ownerReferences": [reference], "finalizers": [HOLD]}
    owned = subject.cluster.create(config_map(subject.namespace, "owned", metadata=metadata))
    return ref_of(owner), ref_of(owned)


def _read(subject: Subject, ref: ObjectRef) -> Manifest | None:
    try:
        return subject.cluster.get(ref)
    except NotFoundError:
        return None


def _is_marked(subject: Subject, ref: ObjectRef) -> bool:
    found = _read(subject, ref)
    return found is not None and bool(found["metadata"].get("deletionTimestamp"))


def test_in_the_foreground_an_owner_waits(subject: Subject) -> None:
    """It is marked, and stays until the last of what it owns is gone."""
    owner, owned = _family(subject)
    subject.cluster.delete(owner, propagation="Foreground")
    subject.eventually(lambda: _is_marked(subject, owned), "what is owned is deleted")
    found = subject.cluster.get(owner)
    assert found["metadata"]["deletionTimestamp"]
    assert found["metadata"]["finalizers"] == ["foregroundDeletion"]
    subject.cluster.patch(owned, {"metadata": {"finalizers": None}})
    subject.eventually(lambda: _read(subject, owner) is None, "the owner is gone")


@pytest.mark.parametrize("propagation", ["", "Background"])
def test_in_the_background_an_owner_goes_first(subject: Subject, propagation: str) -> None:
    """What it owns is deleted afterwards; that is the default."""
    owner, owned = _family(subject)
    subject.cluster.delete(owner, propagation=propagation)
    assert _read(subject, owner) is None
    subject.eventually(lambda: _is_marked(subject, owned), "what is owned is deleted")
    subject.cluster.patch(owned, {"metadata": {"finalizers": None}})
    assert _read(subject, owned) is None


def test_an_orphan_stays(subject: Subject) -> None:
    """Without the reference to its owner."""
    owner, owned = _family(subject)
    subject.cluster.delete(owner, propagation="Orphan")
    subject.eventually(lambda: _read(subject, owner) is None, "the owner is gone")
    metadata = subject.cluster.get(owned)["metadata"]
    assert not metadata.get("ownerReferences")
    assert not metadata.get("deletionTimestamp")
