# SPDX-License-Identifier: Apache-2.0
"""The list of applied objects, in the format that Flux tools share."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.errors import MalformedError
from fluxsm.objects.inventory import (
    Entry,
    ids,
    in_deletion_order,
    of_objects,
    of_status,
    stale,
    to_status,
    union,
)

RBAC = "rbac.authorization.k8s.io"


def ref(group: str, version: str, kind: str, namespace: str, name: str) -> ObjectRef:
    """Make a reference."""
    return ObjectRef(Kind(group, version, kind), namespace, name)


@pytest.mark.parametrize(
    ("reference", "id_"),
    [
        pytest.param(
            ref("apps", "v1", "Deployment", "flux-system", "source-controller"),
            "flux-system_source-controller_apps_Deployment",
            id="an object in a group",
        ),
        pytest.param(
            ref("", "v1", "Service", "flux-system", "source-controller"),
            "flux-system_source-controller__Service",
            id="an object in the core group",
        ),
        pytest.param(
            ref("", "v1", "Namespace", "", "flux-system"),
            "_flux-system__Namespace",
            id="an object without a namespace",
        ),
        pytest.param(
            ref(RBAC, "v1", "ClusterRoleBinding", "", "cluster-reconciler-flux-system"),
            "_cluster-reconciler-flux-system_rbac.authorization.k8s.io_ClusterRoleBinding",
            id="both",
        ),
        pytest.param(
            ref(
                "apiextensions.k8s.io",
                "v1",
                "CustomResourceDefinition",
                "",
                "buckets.source.toolkit.fluxcd.io",
            ),
            "_buckets.source.toolkit.fluxcd.io_apiextensions.k8s.io_CustomResourceDefinition",
            id="a name with dots",
        ),
        *(
            pytest.param(
                ref(RBAC, "v1", kind, "", "system:flux:x"),
                f"_system__flux__x_{RBAC}_{kind}",
                id=f"a {kind} with colons",
            )
            for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
        ),
        pytest.param(
            ref(RBAC, "v1", "ClusterRole", "", "with_underscore"),
            f"_with_underscore_{RBAC}_ClusterRole",
            id="a name with an underscore",
        ),
    ],
)
def test_ids_are_written_and_read(reference: ObjectRef, id_: str) -> None:
    """There and back again."""
    entry = Entry.of(reference)
    assert entry == Entry(id_, reference.kind.version)
    assert entry.ref == reference


def test_only_names_of_roles_are_escaped() -> None:
    """Other kinds cannot have a colon in their names, and none is invented for them."""
    entry = Entry.of(ref("x", "v1", "Odd", "", "a:b"))
    assert entry.id == "_a:b_x_Odd"


@pytest.mark.parametrize(
    "id_",
    [
        pytest.param("", id="nothing"),
        pytest.param("words", id="one part"),
        pytest.param("a_b", id="two parts"),
        pytest.param("a_b_c", id="three parts"),
        pytest.param("ns__apps_Deployment", id="no name"),
        pytest.param("ns_name_apps_", id="no kind"),
    ],
)
def test_what_is_not_an_id_is_refused(id_: str) -> None:
    """An id that names nothing must not be deleted as something."""
    with pytest.raises(MalformedError, match="inventory id"):
        _ = Entry(id_, "v1").ref


def test_broken_entries_of_a_status_are_left_out() -> None:
    """They name nothing that could be deleted, and must not stop a deletion."""
    items: list[Any] = [
        {"id": "_flux-system__Namespace", "v": "v1"},
        {"id": "rubbish", "v": "v1"},
        {"id": 3, "v": "v1"},
        {"id": "_flux-system__Namespace", "v": "v2"},
    ]
    instance = {"status": {"inventory": {"entries": items}}}
    assert of_status(instance) == (Entry("_flux-system__Namespace", "v1"),)


@pytest.mark.parametrize(
    "instance", [{}, {"status": {}}, {"status": {"inventory": {}}}, {"status": None}], ids=str
)
def test_an_instance_without_inventory_lists_nothing(instance: dict[str, Any]) -> None:
    """At whatever level it is missing."""
    assert of_status(instance) == ()


def test_an_inventory_that_is_no_list_is_refused() -> None:
    """Taking it for empty would orphan everything."""
    with pytest.raises(MalformedError):
        of_status({"status": {"inventory": {"entries": "none"}}})


def make(kind: str, name: str, api_version: str = "v1", namespace: str = "") -> dict[str, Any]:
    """Make an object."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def test_objects_are_listed_once_in_their_order() -> None:
    """The list is in the order of the apply."""
    objects = [make("Namespace", "b"), make("Secret", "a", namespace="b"), make("Namespace", "b")]
    entries = of_objects(objects)
    assert [entry.id for entry in entries] == ["_b__Namespace", "b_a__Secret"]
    assert to_status(entries) == [
        {"id": "_b__Namespace", "v": "v1"},
        {"id": "b_a__Secret", "v": "v1"},
    ]
    assert of_status({"status": {"inventory": {"entries": to_status(entries)}}}) == entries


OLD = (Entry("_a_x_K", "v1"), Entry("_b_x_K", "v1"))
NEW = (Entry("_b_x_K", "v2"), Entry("_c_x_K", "v1"))


def test_the_write_ahead_list_has_both() -> None:
    """An object that exists keeps the version that is known to be served."""
    assert union(OLD, NEW) == (*OLD, Entry("_c_x_K", "v1"))
    assert ids(union(OLD, NEW)) == {"_a_x_K", "_b_x_K", "_c_x_K"}


def test_another_version_alone_is_not_stale() -> None:
    """What is stale is deleted at the version it was listed with: VAL-10."""
    assert stale(OLD, NEW) == (Entry("_a_x_K", "v1"),)
    assert stale(OLD, OLD) == ()
    assert stale(OLD, ()) == OLD


def test_dependents_are_deleted_before_what_they_depend_on() -> None:
    """The reverse of the order of the apply: kinds and namespaces go last."""
    entries = of_objects(
        [
            make("CustomResourceDefinition", "crd", "apiextensions.k8s.io/v1"),
            make("Namespace", "flux-system"),
            make("ClusterRole", "role", f"{RBAC}/v1"),
            make("ServiceAccount", "a", namespace="flux-system"),
            make("ServiceAccount", "b", namespace="flux-system"),
            make("Deployment", "d", "apps/v1", "flux-system"),
            make("Kustomization", "k", "kustomize.toolkit.fluxcd.io/v1", "flux-system"),
        ]
    )
    ordered = [str(entry.ref) for entry in in_deletion_order(entries)]
    assert ordered == [
        "Kustomization/flux-system/k",
        "Deployment/flux-system/d",
        "ServiceAccount/flux-system/b",
        "ServiceAccount/flux-system/a",
        "ClusterRole/role",
        "Namespace/flux-system",
        "CustomResourceDefinition/crd",
    ]
