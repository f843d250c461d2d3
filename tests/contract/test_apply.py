# SPDX-License-Identifier: Apache-2.0
"""Server-side apply and who owns what: the ground of drift detection and adoption."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.core.ports import Applied, PatchType
from fluxsm.errors import ClusterError
from fluxsm.objects.applied_state import owned_fields
from fluxsm.simulation.fields import encode, values_of
from tests.contract.samples import config_map, deployment, network_policy, ref_of, service
from tests.contract.subjects import Subject


def apply(subject: Subject, manifest: Manifest, *, dry_run: bool = False) -> Applied:
    """Apply one object, which must succeed."""
    (answer,) = subject.cluster.apply_all([manifest], dry_run=dry_run)
    assert not isinstance(answer, ClusterError), answer
    return answer


def fields_of(manifest: Manifest, manager: str) -> Any:
    """What a manager owns, over all its records."""
    found = [
        entry["fieldsV1"]
        for entry in manifest["metadata"].get("managedFields", [])
        if entry["manager"] == manager
    ]
    return found[0] if found else None


def test_the_first_apply_creates_and_the_second_writes_nothing(subject: Subject) -> None:
    """An apply is idempotent: the resourceVersion stays."""
    wanted = deployment(subject.namespace)
    first, second = apply(subject, wanted), apply(subject, wanted)
    assert (first.created, second.created) == (True, False)
    assert owned_fields(first.manifest) == owned_fields(second.manifest)


def test_an_unchanged_apply_keeps_the_resource_version(subject: Subject) -> None:
    """Nobody is woken by a repeated apply."""
    wanted = config_map(subject.namespace, data={"a": "1"})
    first, second = apply(subject, wanted), apply(subject, wanted)
    versions = [item.manifest["metadata"]["resourceVersion"] for item in (first, second)]
    assert versions[0] == versions[1]


@pytest.mark.parametrize(
    "make", [config_map, deployment, service, network_policy], ids=lambda make: make.__name__
)
def test_who_applies_owns_exactly_what_was_applied(subject: Subject, make: Any) -> None:
    """Not what the server has filled in; lists of named items are owned item by item."""
    wanted: Manifest = make(subject.namespace)
    if wanted["kind"] == "ConfigMap":
        wanted |= {"data": {"a": "1", "b": "2"}}
    answer = apply(subject, wanted)
    expected = encode(values_of(wanted, builtin=True, status=False))
    assert owned_fields(answer.manifest) == expected


def test_a_forced_apply_takes_over(subject: Subject) -> None:
    """The other manager loses the field whose value it had set, and keeps the rest."""
    subject.apply_as("other", config_map(subject.namespace, data={"a": "1", "b": "2"}))
    answer = apply(subject, config_map(subject.namespace, data={"a": "3"}))
    assert answer.manifest["data"] == {"a": "3", "b": "2"}
    assert fields_of(answer.manifest, "other") == {"f:data": {"f:b": {}}}
    assert not answer.created


def test_equal_values_are_shared(subject: Subject) -> None:
    """Two managers that want the same both own it, and one may give it up."""
    subject.apply_as("other", config_map(subject.namespace, data={"a": "1"}))
    apply(subject, config_map(subject.namespace, data={"a": "1"}))
    answer = apply(subject, config_map(subject.namespace))
    assert answer.manifest["data"] == {"a": "1"}
    assert fields_of(answer.manifest, "other") == {"f:data": {"f:a": {}}}


def test_a_field_that_is_no_longer_applied_goes_away(subject: Subject) -> None:
    """If nobody else wants it."""
    apply(subject, config_map(subject.namespace, data={"a": "1", "b": "2"}))
    answer = apply(subject, config_map(subject.namespace, data={"a": "1"}))
    assert answer.manifest["data"] == {"a": "1"}


def test_an_item_that_is_no_longer_applied_goes_away(subject: Subject) -> None:
    """Also one of a list whose items are known by name."""
    first = deployment(subject.namespace)
    container = first["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    apply(subject, first)
    answer = apply(subject, deployment(subject.namespace))
    live = answer.manifest["spec"]["template"]["spec"]["containers"][0]
    assert live["env"] == [{"name": "A", "value": "1"}]


def test_fields_of_others_survive(subject: Subject) -> None:
    """A label and a container that somebody else has added stay."""
    apply(subject, deployment(subject.namespace))
    sidecar = deployment(subject.namespace)
    sidecar["metadata"]["labels"] = {"extra": "yes"}
    sidecar["spec"] = {
        "selector": {"matchLabels": {"app": "d"}},
        "template": {"spec": {"containers": [{"name": "sidecar", "image": "proxy:1"}]}},
    }
    subject.apply_as("mesh", sidecar)
    answer = apply(subject, deployment(subject.namespace))
    containers = answer.manifest["spec"]["template"]["spec"]["containers"]
    assert {item["name"] for item in containers} == {"manager", "sidecar"}
    assert answer.manifest["metadata"]["labels"] == {"team": "a", "extra": "yes"}


def test_whoever_changes_a_field_takes_it_out_of_our_list(subject: Subject) -> None:
    """That is how drift is seen without asking for more than metadata."""
    answer = apply(subject, deployment(subject.namespace))
    ours = owned_fields(answer.manifest)
    changed = subject.patch_as("kubectl-edit", ref_of(answer.manifest), {"spec": {"replicas": 3}})
    assert owned_fields(changed) != ours
    assert "f:replicas" not in owned_fields(changed)["f:spec"]
    assert fields_of(changed, "kubectl-edit") == {"f:spec": {"f:replicas": {}}}


def test_whoever_removes_a_field_takes_it_off_our_list(subject: Subject) -> None:
    """A removed label is not ours any more."""
    answer = apply(
        subject, config_map(subject.namespace, metadata={"labels": {"a": "1", "b": "2"}})
    )
    changed = subject.patch_as(
        "kubectl-edit", ref_of(answer.manifest), {"metadata": {"labels": {"a": None}}}
    )
    assert owned_fields(changed) == {"f:metadata": {"f:labels": {"f:b": {}}}}


def test_a_change_of_other_fields_leaves_our_list(subject: Subject) -> None:
    """Annotations of others are no drift."""
    answer = apply(subject, deployment(subject.namespace))
    changed = subject.patch_as(
        "kubectl-edit", ref_of(answer.manifest), {"metadata": {"annotations": {"note": "mine"}}}
    )
    assert owned_fields(changed) == owned_fields(answer.manifest)


def test_a_dry_run_stores_nothing(subject: Subject) -> None:
    """But it answers as if it had."""
    wanted = config_map(subject.namespace, data={"a": "1"})
    assert apply(subject, wanted, dry_run=True).created
    assert apply(subject, wanted).created


def test_records_of_ownership_can_be_rewritten(subject: Subject) -> None:
    """A patch of managedFields is believed: fields of a former owner become ours, then go."""
    subject.apply_as("flux", config_map(subject.namespace, data={"a": "1", "old": "2"}))
    answer = apply(subject, config_map(subject.namespace, data={"a": "1"}))
    assert answer.manifest["data"] == {"a": "1", "old": "2"}
    records = answer.manifest["metadata"]["managedFields"]
    mine = next(item for item in records if item["manager"] == names.MANAGER)
    theirs = next(item for item in records if item["manager"] == "flux")
    united = {**mine, "fieldsV1": {"f:data": {"f:a": {}, "f:old": {}}}}
    assert theirs["fieldsV1"] == {"f:data": {"f:a": {}, "f:old": {}}}
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [united]}]
    subject.cluster.patch(ref_of(answer.manifest), patch, type=PatchType.JSON)
    again = apply(subject, config_map(subject.namespace, data={"a": "1"}))
    assert again.manifest["data"] == {"a": "1"}


def test_what_was_there_before_the_first_apply_has_an_owner(subject: Subject) -> None:
    """An object made by a plain create is not taken apart by an apply."""
    subject.patch_as(
        "kubectl-create",
        ref_of(subject.cluster.create(config_map(subject.namespace, data={"a": "1"}))),
        {"data": {"b": "2"}},
    )
    answer = apply(subject, config_map(subject.namespace, data={"a": "3"}))
    assert answer.manifest["data"] == {"a": "3", "b": "2"}
