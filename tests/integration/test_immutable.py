# SPDX-License-Identifier: Apache-2.0
"""What the API server does not let anybody change is refused before anything is applied."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import Instance
from tests.integration.operator import Operator

pytestmark = pytest.mark.integration

REPORTING = {"leases", "events", "fluxreports", "fluxinstances"}
"""Resources by which the operator says what it does."""


def spec(class_: str = "standard", size: str = "2Gi", **more: Any) -> Manifest:
    """A small installation with a volume, that waits for nothing."""
    return {
        "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
        "components": ["source-controller"],
        "storage": {"class": class_, "size": size},
        "wait": False,
        **more,
    }


def selector(value: str) -> Manifest:
    """A patch of the labels by which the Deployment finds its pods."""
    patch = [
        {"op": "add", "path": "/spec/selector/matchLabels/app", "value": value},
        {"op": "add", "path": "/spec/template/metadata/labels/app", "value": value},
    ]
    target = {"kind": "Deployment", "name": "source-controller"}
    return {"patches": [{"target": target, "patch": json.dumps(patch)}]}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            spec(class_="fast"),
            (
                "spec.storageClassName (.spec.storage.class) is immutable:"
                " it is 'standard' and should become 'fast'"
            ),
        ),
        (
            spec(size="1Gi"),
            (
                "spec.resources.requests.storage (.spec.storage.size) cannot shrink:"
                " it is '2Gi' and should become '1Gi'"
            ),
        ),
        (
            spec(kustomize=selector("other")),
            (
                'spec.selector is immutable: it is {"matchLabels":{"app":"source-controller"}}'
                ' and should become {"matchLabels":{"app":"other"}}'
            ),
        ),
    ],
)
def test_an_immutable_field(
    instance: Instance, operate: Callable[..., Operator], changed: Manifest, said: str
) -> None:
    """The message names the object, the field, its values and the remedy; nothing is written."""
    operator = operate()
    instance.create(spec())
    instance.becomes_ready()
    before, steps = len(instance.cluster.audit("fluxsm")), len(operator.transitions())
    labelled = {**changed, "commonMetadata": {"labels": {"new": "label"}}}
    instance.patch(spec=labelled)
    ready = instance.becomes_failed(names.BUILD_FAILED)
    assert said in ready["message"]
    assert "change it back, or delete the" in ready["message"]
    assert "kubectl delete" in ready["message"]
    assert instance.condition("Stalled")["status"] == "True"
    assert "Applying" not in [item.dest for item in operator.transitions()[steps:]]
    written = [
        item
        for item in instance.cluster.audit("fluxsm")[before:]
        if item.verb in {"patch", "create", "update", "delete"}
        and item.resource.partition("/")[0]
        not in {"leases", "events", "fluxreports", "fluxinstances"}
    ]
    assert written == []
    instance.patch(spec={**spec(), "kustomize": None})
    instance.becomes_ready()
