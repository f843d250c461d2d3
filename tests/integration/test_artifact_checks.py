# SPDX-License-Identifier: Apache-2.0
"""When the registry is asked whether the artifact is still the same, and when it is not.

The reference has a loop of its own for that, which leaves an annotation for the other one, and
which not every annotation wakes. Here the state Ready asks, and the run that a
change of the annotations starts asks as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import Operator, until
from tests.integration.process import writes
from tests.integration.test_artifact import EVERY_SECOND, runs, spec
from tests.registry.fixtures import distribution, push
from tests.registry.server import Registry

pytestmark = pytest.mark.integration

HELD = "example.com/held"
SECONDS = 3
"""Of an interval of one second three have passed."""

NOWHERE: Manifest = {
    "target": {"kind": "Deployment"},
    "patch": (
        "- op: add\n  path: /spec/template/spec/nodeSelector\n  value: {example.com/none: here}\n"
    ),
}
"""Pods that are made so are never scheduled."""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry with an artifact."""
    with Registry(tmp_path / "registry") as found:
        push(found.host, distribution("v2.8.0"))
        yield found


@pytest.fixture
def start(operate: Callable[..., Operator], tmp_path: Path) -> Callable[[], Operator]:
    """Start an operator with a cache of its own."""
    return lambda: operate(flags=[f"--artifact-cache={tmp_path / 'cache'}"])


def checks(registry: Registry) -> int:
    """How often somebody has asked what the tag stands for."""
    return registry.asked("flux/manifests/manifests/latest")


def has_reported(instance: Instance) -> bool:
    """Whether the events of a run have been sent: that is done beside it, in their order."""
    return any("Reconciliation finished" in event["message"] for event in instance.events())


def is_left_alone(registry: Registry) -> bool:
    """Whether nobody asks, though another artifact is there."""
    push(registry.host, distribution("v2.8.0", "v2.8.1"))
    before = checks(registry)
    time.sleep(SECONDS)
    return checks(registry) == before


def test_the_same_artifact_changes_nothing(
    instance: Instance, start: Callable[[], Operator], registry: Registry
) -> None:
    """It is asked for in the rhythm of the annotation, and nothing is written about it."""
    start()
    instance.create(spec(registry), EVERY_SECOND)
    instance.becomes(runs("v2.8.0"), "v2.8.0")
    until(lambda: has_reported(instance), "last event of the installation")
    written, asked = len(writes(instance.cluster, "fluxsm")), checks(registry)
    began = time.monotonic()
    until(lambda: checks(registry) >= asked + SECONDS, "check", seconds=20)
    assert time.monotonic() - began > SECONDS - 2  # the first may have been due, chance takes 5 %
    assert len(writes(instance.cluster, "fluxsm")) == written


def test_who_is_disabled_or_going_is_left_alone(
    instance: Instance, start: Callable[[], Operator], registry: Registry
) -> None:
    """And who is enabled again asks at once, however long the interval."""
    operator = start()
    annotations = {**EVERY_SECOND, RECONCILE: "disabled"}
    instance.create(spec(registry), EVERY_SECOND, finalizers=[HELD])
    instance.becomes(runs("v2.8.0"), "v2.8.0")
    instance.annotate(annotations)
    operator.reaches("Suspended")
    assert is_left_alone(registry)

    instance.annotate({RECONCILE: "enabled", names.RECONCILE_ARTIFACT_EVERY: "1h"})
    instance.becomes(runs("v2.8.1"), "v2.8.1", seconds=10)

    instance.annotate(EVERY_SECOND)
    instance.becomes_ready()
    instance.delete()
    operator.reaches("Gone")
    assert is_left_alone(registry)
    instance.patch(metadata={"finalizers": None})


def test_an_installation_without_an_artifact_asks_nobody(
    instance: Instance, start: Callable[[], Operator], registry: Registry
) -> None:
    """Until there is one."""
    start()
    wanted = spec(registry)
    artifact = wanted["distribution"].pop("artifact")
    instance.create(wanted, EVERY_SECOND)
    instance.becomes_ready()
    assert is_left_alone(registry)
    instance.patch(spec={"distribution": {"artifact": artifact}})
    instance.becomes(runs("v2.8.1"), "v2.8.1")


def test_a_run_that_is_under_way_is_not_disturbed(
    instance: Instance, start: Callable[[], Operator], registry: Registry
) -> None:
    """It waits for pods that no node takes."""
    operator = start()
    instance.create({**spec(registry), "kustomize": {"patches": [NOWHERE]}}, EVERY_SECOND)
    operator.reaches("HealthChecking")
    assert is_left_alone(registry)
    assert operator.transitions()[-1].dest == "HealthChecking"
    instance.patch(spec={"kustomize": None})
    instance.becomes(runs("v2.8.1"), "v2.8.1")


def test_another_interval_counts_at_once(
    instance: Instance, start: Callable[[], Operator], registry: Registry
) -> None:
    """The check that was due in an hour is due now."""
    start()
    instance.create(spec(registry), {names.RECONCILE_ARTIFACT_EVERY: "1h"})
    instance.becomes(runs("v2.8.0"), "v2.8.0")
    assert is_left_alone(registry)
    instance.annotate(EVERY_SECOND)
    instance.becomes(runs("v2.8.1"), "v2.8.1", seconds=10)
