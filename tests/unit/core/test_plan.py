# SPDX-License-Identifier: Apache-2.0
"""What becomes of objects, and what follows from what goes."""

from __future__ import annotations

from typing import Any

from fluxsm.api.objects import Manifest
from fluxsm.build.compare import Change
from fluxsm.core import consequences
from fluxsm.core.plan import VERSION_LABEL, Rehearsal, judge


def deployment(image: str = "one:v1", **metadata: Any) -> Manifest:
    """A Deployment with one container."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "some", "namespace": "ns", **metadata},
        "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": image}]}}},
    }


def crd(*versions: str) -> Manifest:
    """A definition that stores the last of its versions."""
    listed = [{"name": name, "served": True, "storage": name == versions[-1]} for name in versions]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Thing"}, "versions": listed},
    }


def test_what_the_server_writes_is_no_change() -> None:
    """Neither its own metadata nor a status."""
    live = deployment(resourceVersion="1", uid="u") | {"status": {"replicas": 1}}
    found = judge([Rehearsal(wanted=deployment(), live=live, after=deployment(uid="u"))], [])
    assert (found.changes, found.relabelled, found.unchanged) == ((), (), 1)


def test_a_version_label_alone_is_counted() -> None:
    """With something else, the object is changed and the label is not shown."""
    old, new = ({VERSION_LABEL: version} for version in ("v1", "v2"))
    one = Rehearsal(wanted=deployment(labels=new), live=deployment(labels=old))
    assert judge([one], []).changes == ()
    assert judge([one], []).relabelled == (one.ref,)
    two = Rehearsal(wanted=deployment("one:v2", labels=new), live=deployment(labels=old))
    (change,) = judge([two], []).changes
    assert [field.path for field in change.fields] == [
        ".spec.template.spec.containers[manager].image"
    ]


def test_objects_come_go_and_get_other_images() -> None:
    """In this order; what goes has no fields."""
    found = judge(
        [
            Rehearsal(wanted=deployment("one:v2"), live=deployment()),
            Rehearsal(wanted={**deployment(), "kind": "Other"}, live=None),
        ],
        [crd("v1")],
    )
    assert [item.change for item in found.changes] == [
        Change.CHANGED, Change.ADDED, Change.REMOVED,
    ]  # fmt: skip
    assert [(item.container, item.old, item.new) for item in found.images] == [
        ("manager", "one:v1", "one:v2")
    ]
    assert found.definitions[0].removed == ("v1",)


def test_what_could_not_be_rehearsed_is_worked_out() -> None:
    """Fields of others stay, lists are replaced."""
    live = crd("v1", "v2")
    live["spec"]["conversion"] = {"strategy": "None"}
    found = judge([Rehearsal(wanted=crd("v2"), live=live)], [])
    assert [field.path for field in found.changes[0].fields] == [".spec.versions"]
    assert found.definitions[0].removed == ("v1",)


def test_the_end_of_a_sync_and_of_a_component() -> None:
    """What the sync has deployed stays; of other objects there is nothing to say."""
    item = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "some", "namespace": "ns"},
        "status": {"inventory": {"entries": [{}, {}]}},
    }
    found = list(
        consequences.of_deleted(
            [item, deployment(), crd("v1")], lambda kind: kind.kind == "Kustomization"
        )
    )
    assert found[0].endswith("without pruning: the 2 objects that it deployed stay in the cluster")
    assert "nothing reconciles" in found[1]
    assert len(found) == 2


def test_the_end_of_flux() -> None:
    """Custom resources go with their definitions, and what they have applied stays."""
    resources = {"things.example.com": 3}
    found = list(consequences.of_uninstallation([crd("v1")], resources))
    assert found[0].startswith("3 custom resources of the kind Thing are deleted")
    assert found[1].startswith("what Flux has applied stays")
    assert list(consequences.of_uninstallation([], {})) == []
