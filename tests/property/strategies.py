# SPDX-License-Identifier: Apache-2.0
"""What the properties of the rules are tried with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.objects import inventory

check = settings(deadline=None)

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DNS_NAMES = st.text(LETTERS + "0123456789-.", min_size=1, max_size=12)
ROLE_NAMES = st.text(LETTERS + "-.:", min_size=1, max_size=12)
WORDS = st.text(LETTERS, min_size=1, max_size=4)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@st.composite
def references(draw: st.DrawFn) -> ObjectRef:
    """Draw an object of any kind, with a name that the API server accepts."""
    if draw(st.booleans()):
        kind = draw(st.sampled_from(sorted(inventory.COLON_KINDS)))
        group, name = "rbac.authorization.k8s.io", draw(ROLE_NAMES)
    else:
        kind = draw(st.sampled_from(["Service", "Deployment", "CustomResourceDefinition", "Zoo"]))
        group, name = draw(st.sampled_from(["", "apps", "a.b.io"])), draw(DNS_NAMES)
    namespace = draw(st.just("") | st.text(LETTERS + "-", min_size=1, max_size=8))
    return ObjectRef(Kind(group, draw(st.sampled_from(["v1", "v2beta1"])), kind), namespace, name)


ENTRIES = st.lists(references().map(inventory.Entry.of), max_size=8)

KEYS = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', "v:1"])
FIELD_SETS: st.SearchStrategy[Any] = st.recursive(
    st.just({}),
    lambda inner: st.dictionaries(KEYS | st.just("."), inner, min_size=1, max_size=3).map(
        lambda found: {**found, ".": {}} if "." in found else found
    ),
    max_leaves=8,
)
ROOTS = st.dictionaries(KEYS, FIELD_SETS, max_size=3)


def members(fields: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """List the fields that a set holds: the meaning of the notation."""
    for key, below in fields.items():
        if key == ".":
            yield path
        elif not below:
            yield (*path, key)
        else:
            yield from members(below, (*path, key))


MANAGERS = st.sampled_from(
    ["flux-operator", "kubectl", "kubectl-edit", "helm", "flux", "kcm", "before-first-apply", "my"]
)
RECORDS = st.lists(
    st.builds(
        lambda manager, operation, subresource, fields: {
            "manager": manager,
            "operation": operation,
            **({"subresource": "status"} if subresource else {}),
            "fieldsV1": fields,
        },
        MANAGERS,
        st.sampled_from(["Apply", "Update"]),
        st.booleans(),
        ROOTS,
    ),
    max_size=6,
    unique_by=lambda item: (item["manager"], item["operation"], item.get("subresource")),
)
