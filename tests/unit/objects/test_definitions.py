# SPDX-License-Identifier: Apache-2.0
"""What another definition changes, and which fields of a custom resource it drops."""

from __future__ import annotations

from typing import Any

from fluxsm.api.objects import Kind, Manifest
from fluxsm.objects import definitions

TEXT = {"type": "string"}


def crd(*versions: tuple[str, bool, bool], **schema: Any) -> Manifest:
    """A definition with versions: name, served, stored; they share a schema."""
    return {
        "spec": {
            "group": "example.com",
            "names": {"kind": "Thing"},
            "versions": [
                {
                    "name": name,
                    "served": served,
                    "storage": stored,
                    "schema": {"openAPIV3Schema": {"properties": schema}},
                }
                for name, served, stored in versions
            ],
        }
    }


def test_versions_come_go_and_are_served_no_more() -> None:
    """Each is named, and so is another version of storage."""
    old = crd(("v1", True, True), ("v2", True, False))
    new = crd(("v2", False, False), ("v3", True, True))
    found = definitions.change("things", old, new)
    assert (found.added, found.removed, found.unserved) == (("v3",), ("v1",), ("v2",))
    assert (found.old_storage, found.new_storage, found.schema) == ("v1", "v3", False)


def test_the_same_definition_changes_nothing() -> None:
    """Another schema does."""
    old = crd(("v1", True, True), spec=TEXT)
    assert not definitions.change("things", old, crd(("v1", True, True), spec=TEXT))
    assert definitions.change("things", old, crd(("v1", True, True))).schema


def test_a_definition_that_comes_or_goes() -> None:
    """All its versions do."""
    one = crd(("v1", True, True))
    assert definitions.change("things", None, one).added == ("v1",)
    assert definitions.change("things", one, None).removed == ("v1",)


def test_resources_are_listed_at_the_stored_version_if_it_is_served() -> None:
    """Else at the last one that is, and not at all where none is."""
    assert definitions.served_kind(crd(("v1", True, True), ("v2", True, False))) == Kind(
        "example.com", "v1", "Thing"
    )
    other = definitions.served_kind(crd(("v1", False, True), ("v2", True, False)))
    assert other is not None
    assert other.version == "v2"
    assert definitions.served_kind(crd(("v1", False, True))) is None


def test_fields_that_a_schema_does_not_know_are_dropped() -> None:
    """In maps, lists and open parts, as the API server prunes; types and metadata stay."""
    schema = {
        "properties": {
            "spec": {
                "properties": {
                    "known": TEXT,
                    "list": {"items": {"properties": {"known": TEXT}}},
                    "map": {"additionalProperties": {"properties": {"known": TEXT}}},
                    "open": {"x-kubernetes-preserve-unknown-fields": True},
                    "embedded": {"x-kubernetes-embedded-resource": True},
                }
            }
        }
    }
    thing = {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "one", "odd": "stays"},
        "spec": {
            "known": "a",
            "gone": {"with": "all below"},
            "list": [{"known": "a"}, {"gone": "a"}],
            "map": {"key": {"known": "a", "gone": "a"}},
            "open": {"any": {"thing": 1}},
            "embedded": {"kind": "Other", "gone": 1},
        },
    }
    assert list(definitions.dropped_fields(thing, schema)) == [
        ".spec.gone",
        ".spec.list[].gone",
        ".spec.map.key.gone",
        ".spec.embedded.gone",
    ]
