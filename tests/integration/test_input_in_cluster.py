# SPDX-License-Identifier: Apache-2.0
"""In a cluster, the build says the same as the command line: in condition and event."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from fluxsm.api import names
from fluxsm.cli import root
from fluxsm.core import conditions
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]
HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller}\n"
UNION = f"{HEAD}spec: {{template: {{spec: {{volumes: [{{name: data, hostPath: {{path: /x}}}}]}}}}}}"
FIELD = f"{HEAD}spec: {{template: {{spec: {{dnsPolicies: None}}}}}}"
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/fluxinstances.fluxcd.controlplane.io"
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
    ready = instance.condition("Ready")["message"]
    assert ". Warning: .spec.sync.url has a login" in ready
    assert ". Warning: .spec.kustomize.patches[0].target" in ready
    instance.annotate({names.REQUESTED_AT: "1"})
    until(lambda: instance.status.get("lastHandledReconcileAt") == "1", "the request is handled")
    assert len(warnings()) == 1
    seen = json.dumps([instance.status, instance.events()]) + operator.log.read_text()
    assert CANARY not in seen


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_case_has_one_verdict_everywhere(
    instance: Instance, operate: Operate, path: Path, tmp_path: Path
) -> None:
    """What `build -f` refuses, the API server or the operator refuses with the same words."""
    found = yaml.safe_load(path.read_text().replace("flux-system", instance.namespace))
    found["spec"]["wait"] = False
    file = tmp_path / "flux.yaml"
    file.write_text(yaml.safe_dump(found))
    result = CliRunner().invoke(root, ["build", "-f", str(file)])
    findings = re.findall(r"(?m)^✗ .*?flux\.yaml(?::\d+)?: (.*)$", result.stderr)
    assert bool(findings) == bool(result.exit_code)
    operate()
    instance.create({**found["spec"]})
    if findings and ".names is not a field" not in findings[0]:
        message = instance.becomes_failed(names.BUILD_FAILED)["message"]
        assert [text for text in findings if text not in message] == []
        assert instance.inventory() == []
    else:  # the API server takes unknown fields out
        instance.becomes(_is_built, "a build that is applied")


def _is_built(manifest: dict[str, Any]) -> bool:
    status = manifest.get("status") or {}
    found = conditions.find(status.get("conditions") or [], names.READY) or {}
    assert found.get("reason") != names.BUILD_FAILED, found
    return bool(status.get("lastAttemptedRevision"))


def test_an_unknown_field_that_another_definition_keeps_is_a_warning(
    instance: Instance, operate: Operate
) -> None:
    """A field that means nothing here may mean something to the definition that lets it in."""
    cluster = instance.cluster
    schema = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/kustomize"
    where = (
        f"{schema}/properties/patches/items/properties/target/x-kubernetes-preserve-unknown-fields"
    )
    change = [{"op": "add", "path": where, "value": True}]
    json_patch = "application/json-patch+json"
    cluster.request("PATCH", CRD, change, content_type=json_patch)
    try:
        operate()
        target = {"kind": "Deployment", "name": "source-controller", "names": "x"}
        patch = "[{op: replace, path: /spec/replicas, value: 2}]"

        def is_kept() -> bool:
            found = instance.create(spec({"target": target, "patch": patch}))
            kept = "names" in found["spec"]["kustomize"]["patches"][0]["target"]
            if not kept:
                instance.delete()
                instance.goes()
            return kept

        until(is_kept, "the other definition is served")
        instance.becomes_ready()
        until(
            lambda: any(
                item["reason"] == names.BUILD_WARNING and "target.names" in item["message"]
                for item in instance.events()
            ),
            "the unknown field is an event",
        )
    finally:
        change[0]["op"] = "remove"
        change[0].pop("value")
        cluster.request("PATCH", CRD, change, content_type=json_patch)


def test_a_login_in_an_artifact_is_taken_out(instance: Instance, operate: Operate) -> None:
    """Of the condition, the events and the log, also where the registry does not answer."""
    operator = operate()
    where = f"oci://me:{CANARY}@127.0.0.1:1/flux"
    found = spec()
    found["distribution"]["artifact"] = where
    instance.create(found)
    ready = instance.becomes(
        lambda it: bool((it.get("status") or {}).get("conditions")), "a condition that says why"
    )
    until(lambda: names.ARTIFACT_FAILED in instance.reasons(), "the failure is an event")
    seen = json.dumps([ready["status"], instance.status, instance.events()])
    assert CANARY not in seen + operator.log.read_text()
