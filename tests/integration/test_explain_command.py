# SPDX-License-Identifier: Apache-2.0
"""`fluxsm explain`, `history` and `graph --live`, against a real API server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import Operator
from tests.integration.process import MUTATING

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

NOWHERE = {
    "target": {"kind": "Deployment"},
    "patch": "- op: add\n  path: /spec/template/spec/nodeSelector\n  value: {no: node}\n",
}


def spec(version: str = "2.x", **fields: Any) -> Manifest:
    """The spec of a small instance."""
    return {
        "distribution": {"version": version, "registry": "ghcr.io/fluxcd"},
        "components": ["source-controller"],
        "migrateResources": False,
        **fields,
    }


def fluxsm(instance: Instance, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the program as `other`, for the namespace of the instance."""
    config = f"--kubeconfig={instance.cluster.kubeconfig('other')}"
    command = [sys.executable, "-m", "fluxsm", *args, config, f"--namespace={instance.namespace}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def succeed(instance: Instance, *args: str) -> str:
    """Run the program and return what it printed."""
    done = fluxsm(instance, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ready_failed_and_suspended_are_explained(instance: Instance, operate: Operate) -> None:
    """Each with the event that led there and what comes next; nothing is written."""
    operator = operate()
    instance.create(spec(wait=False))
    instance.becomes_ready()
    ready = succeed(instance, "explain")
    assert "is Ready since" in ready
    assert "Because     Healthy in HealthChecking" in ready
    assert "Next        Due about every 1h0m0s" in ready

    instance.patch(spec={"distribution": {"version": "9.x"}})
    instance.becomes_failed(names.BUILD_FAILED)
    failed = succeed(instance, "why")
    assert "is Failed since" in failed
    assert "Because     Fault in Building" in failed
    assert "  Remedy    Correct the field that the message names" in failed
    assert json.loads(succeed(instance, "explain", "-o", "json"))["next"]["event"] == "Due"

    instance.annotate({RECONCILE: "disabled"})
    operator.reaches("Suspended")
    suspended = succeed(instance, "explain")
    assert "Because     Suspended in Failed: the annotation disables the instance" in suspended
    assert "Resumed → Pending" in suspended

    asked = [item for item in instance.cluster.audit("other") if item.verb in MUTATING]
    assert [item for item in asked if instance.namespace in item.uri] == []


def test_a_wait_is_explained_beside_a_stopped_operator(
    instance: Instance, operate: Operate
) -> None:
    """Object, reason and limit; once that has passed, the missing operator is named."""
    operator = operate()
    instance.create(spec(kustomize={"patches": [NOWHERE]}), {names.RECONCILE_TIMEOUT: "5m"})

    def waits(found: Manifest) -> bool:
        return (found.get("status") or {}).get("state") == "HealthChecking"

    instance.becomes(waits, "HealthChecking in the status")
    operator.kill()
    found = json.loads(succeed(instance, "explain", "-o", "json"))
    assert found["because"]["event"] == "Applied"
    assert found["waits"][0]["object"] == f"Deployment/{instance.namespace}/source-controller"
    assert found["limit"]["length"] == "5m0s"
    assert found["overdue"] is False
    assert "class HealthChecking current\n" in succeed(instance, "graph", "--live")
    instance.annotate({names.RECONCILE_TIMEOUT: "1s", names.REQUESTED_AT: "now"})
    text = succeed(instance, "explain")
    assert "✗ The status does not show yet the request to reconcile of now." in text


def test_the_history_has_states_and_revisions(instance: Instance, operate: Operate) -> None:
    """What events and status tell, with how long each state lasted."""
    operate()
    instance.create(spec(wait=False))
    instance.becomes_ready()
    instance.patch(spec={"distribution": {"version": "9.x"}})
    instance.becomes_failed(names.BUILD_FAILED)
    found = json.loads(succeed(instance, "history", "-o", "json"))
    states = [item["state"] for item in found["transitions"] if item["state"]]
    assert states[-2:] == ["Ready", "Failed"]
    assert all(item["seconds"] >= 0 for item in found["transitions"] if item["state"])
    results = [item["result"] for item in found["revisions"]]
    assert results == [names.BUILD_FAILED, names.RECONCILIATION_SUCCEEDED]
    table = succeed(instance, "history")
    assert table.startswith("AGE")
    assert "\nVERSION" in table


def test_the_status_of_the_reference_is_explained(instance: Instance) -> None:
    """Conditions decide the state, and the output says so."""
    instance.create(spec())
    status = {
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "ReconciliationSucceeded",
                "message": "Reconciliation finished in 2s",
                "lastTransitionTime": "2026-01-01T12:00:00Z",
                "observedGeneration": 1,
            }
        ]
    }
    instance.cluster.request(
        "PATCH",
        f"{instance.path}/status",
        {"status": status},
        content_type="application/merge-patch+json",
    )
    assert "• The status has only the fields of the reference" in succeed(instance, "explain")
    done = fluxsm(instance, "graph", "--live")
    assert "class Ready current\n" in done.stdout
    assert "the status names no state; Ready follows from its conditions" in done.stderr


def test_what_is_not_there_is_an_error_of_one_line(instance: Instance) -> None:
    """No instance, and flags that exclude each other."""
    for args in (["explain"], ["history"], ["graph", "--live"]):
        done = fluxsm(instance, *args)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "not found" in done.stderr
    both = fluxsm(instance, "graph", "--live", "--current", "Ready")
    assert "exclude each other" in both.stderr
