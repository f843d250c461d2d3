# SPDX-License-Identifier: Apache-2.0
"""Which fields of others an apply takes over."""

from __future__ import annotations

from typing import Any

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.objects.seizure import seized

FIELDS = {
    "f:spec": {
        "f:replicas": {},
        "f:extra": {},
        "f:containers": {'k:{"name":"manager"}': {".": {}, "f:image": {}}},
        "f:words": {'v:"a"': {}},
        "f:places": {"i:0": {}},
    }
}
SPEC = {
    "replicas": 3,
    "extra": "by hand",
    "containers": [{"name": "manager", "image": "one"}],
    "words": ["a"],
    "places": ["first"],
}


def live(manager: str, operation: str = "Update", **more: Any) -> Manifest:
    """An object of which a manager owns all fields."""
    entry = {"manager": manager, "operation": operation, "fieldsV1": FIELDS, **more}
    return {"metadata": {"managedFields": [entry]}, "spec": SPEC}


def wanted(**spec: Any) -> Manifest:
    """An object to apply, or the answer of the API server."""
    return {"spec": spec}


def test_a_forced_apply_overwrites_what_it_names() -> None:
    """Whoever has set it; what it does not name stays where the manager is no former one."""
    after = wanted(**(SPEC | {"replicas": 1}))
    (found,) = seized(live("somebody"), wanted(replicas=1), after)
    assert (found.path, found.managers, found.old, found.new, found.goes) == (
        "spec.replicas",
        ("somebody",),
        3,
        1,
        False,
    )


def test_what_a_former_manager_has_set_goes_where_it_is_not_wanted() -> None:
    """Elements of lists are found by key, value and place."""
    found = seized(live("kubectl-edit"), wanted(replicas=3), wanted(**SPEC))
    assert [(item.path, item.goes) for item in found] == [
        ("spec.containers[name=manager].image", True),
        ("spec.extra", True),
        ("spec.places[0]", True),
        ('spec.words["a"]', True),
    ]


def test_an_override_makes_a_manager_a_former_one() -> None:
    """As the flag of the operator does."""
    assert seized(live("argo"), wanted(), wanted(**SPEC)) == []
    assert len(seized(live("argo"), wanted(), wanted(**SPEC), ["argo"])) == 5


def test_own_fields_and_the_status_are_nobody_elses() -> None:
    """They are not taken over from anybody."""
    assert seized(live(names.MANAGER, "Apply"), wanted(), wanted()) == []
    assert seized(live("kubectl-edit", subresource="status"), wanted(), wanted()) == []
