# SPDX-License-Identifier: Apache-2.0
"""In a cluster, the build says the same as the command line: in condition and event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.api import names
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]
HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller}\n"
UNION = f"{HEAD}spec: {{template: {{spec: {{volumes: [{{name: data, hostPath: {{path: /x}}}}]}}}}}}"
FIELD = f"{HEAD}spec: {{template: {{spec: {{dnsPolicies: None}}}}}}"
CANARY = "c4n4ryS3cret"


def spec(*patches: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A small installation that waits for nothing."""
    return {
        "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
        "components": ["source-controller", "kustomize-controller"],
        "wait": False,
        "kustomize": {"patches": list(patches)},
        **more,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [(UNION, "volumes[data] has emptyDir and hostPath, of which one is allowed"),
     (FIELD, ".spec.template.spec.dnsPolicies is not a field of Kubernetes")],
)  # fmt: skip
def test_the_effect_of_a_patch_fails_the_build(
    instance: Instance, operate: Operate, text: str, words: str
) -> None:
    """Before anything is applied."""
    operate()
    instance.create(spec({"patch": text}))
    ready = instance.becomes_failed(names.BUILD_FAILED)
    assert words in ready["message"]
    assert instance.condition("Stalled")["status"] == "True"
    assert instance.deployment("source-controller") is None
    until(lambda: names.BUILD_FAILED in instance.reasons(), "the failure is an event")


def test_advice_is_an_event_once_for_each_generation(instance: Instance, operate: Operate) -> None:
    """And a sentence of the Ready message; a login in it is taken out everywhere."""
    operator = operate()
    sync = {"kind": "GitRepository", "url": f"https://me:{CANARY}@git.example.com/a.git",
            "ref": "main", "path": "."}  # fmt: skip
    nothing = {"target": {"kind": "Deployment", "name": "nope"}, "patch": "[]"}
    instance.create(spec(nothing, sync=sync))
    instance.becomes_ready()

    def warnings() -> list[str]:
        return [item["message"] for item in instance.events()
                if item["reason"] == names.BUILD_WARNING]  # fmt: skip

    until(lambda: len(warnings()) == 1, "the advice is an event")
    assert ".spec.kustomize.patches[0].target" in warnings()[0]
    assert ".spec.sync.url has a login in it" in warnings()[0]
    assert "Warning: .spec.sync.url has a login" in instance.condition("Ready")["message"]
    instance.annotate({names.REQUESTED_AT: "1"})
    until(lambda: instance.status.get("lastHandledReconcileAt") == "1", "the request is handled")
    assert len(warnings()) == 1
    seen = json.dumps([instance.status, instance.events()]) + operator.log.read_text()
    assert CANARY not in seen
