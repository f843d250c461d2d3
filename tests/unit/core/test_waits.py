# SPDX-License-Identifier: Apache-2.0
"""What handlers write about a wait can be read back object by object."""

from __future__ import annotations

import pytest

from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.core.waits import Wait, parse_waits
from fluxsm.objects import health
from fluxsm.objects.kstatus import Health, Status

DEPLOYMENT = Kind("apps", "v1", "Deployment")


def refs(*names: str) -> list[ObjectRef]:
    """Deployments of some names."""
    return [ObjectRef(DEPLOYMENT, "flux-system", name) for name in names]


@pytest.mark.parametrize(
    "messages",
    [
        ("0/1 ready",),
        ("0/1 ready: Pod/flux-system/a-1: image pull (403), again", "replicas: 1/2"),
        tuple(f"message {number} (of 7)" for number in range(7)),
    ],
)
def test_a_wait_for_health_is_read_back(messages: tuple[str, ...]) -> None:
    """Also with brackets, commas and names in the reasons; what is not named is counted."""
    found = [
        (ref, Health(status=Status.IN_PROGRESS, message=text))
        for ref, text in zip(refs(*(f"c{n}" for n in range(len(messages)))), messages, strict=True)
    ]
    waits = parse_waits(health.waiting_for(found))
    shown = [Wait(name=str(ref), why=item.message) for ref, item in found[: health.SHOWN]]
    more = len(found) - len(shown)
    assert waits == (*shown, *([Wait(name=f"{more} more", why="")] if more else []))


def test_a_wait_for_a_stage_is_read_back() -> None:
    """As Applying writes it."""
    text = (
        "Waiting for [CustomResourceDefinition/a.b.io status: 'InProgress',"
        " Namespace/flux-system status: 'Terminating']"
    )
    assert parse_waits(text) == (
        Wait(name="CustomResourceDefinition/a.b.io", why="InProgress"),
        Wait(name="Namespace/flux-system", why="Terminating"),
    )


def test_a_wait_for_removals_is_read_back() -> None:
    """As Uninstalling writes it: what was refused, and what is still going."""
    text = (
        "Waiting: Service/flux-system/a: deleting Service/flux-system/a: forbidden;"
        " Deployment/flux-system/b is still being deleted"
    )
    assert parse_waits(text) == (
        Wait(name="Service/flux-system/a", why="deleting Service/flux-system/a: forbidden"),
        Wait(name="Deployment/flux-system/b", why="still being deleted"),
    )


def test_a_wait_for_pods_is_read_back() -> None:
    """The pods of controllers that were deleted."""
    text = "Waiting for Pod/flux-system/a-1, Pod/flux-system/b-2 and 3 more to end"
    assert [wait.name for wait in parse_waits(text)] == [
        "Pod/flux-system/a-1",
        "Pod/flux-system/b-2",
    ]


@pytest.mark.parametrize("text", ["", "Migrated 50 objects of Bucket", "Waiting for the registry"])
def test_what_names_no_object_has_no_waits(text: str) -> None:
    """Then the message stands for itself."""
    assert parse_waits(text) == ()
