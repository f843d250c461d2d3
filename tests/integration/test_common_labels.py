# SPDX-License-Identifier: Apache-2.0
"""Labels that a user may set do not keep the operator from finding its own objects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import Operator, until
from tests.integration.resources import check_survived, store_in_all_versions

pytestmark = pytest.mark.integration

REPORT = "/apis/fluxcd.controlplane.io/v1/namespaces/{}/fluxreports/flux"
COMPONENTS = ["source-controller", "kustomize-controller", "helm-controller"]


def test_an_upgrade_migrates_what_carries_another_label(
    instance: Instance, operate: Callable[..., Operator], upstream: Path
) -> None:
    """From 2.5 to 2.8 with `part-of: platform`: versions that are still stored are rewritten."""
    operator = operate(storage=upstream, flags=["--reporting-interval=5s"])
    labels = {names.PART_OF_LABEL: "platform", "team": "platform"}
    instance.create(
        {
            "distribution": {"version": "2.5.1", "registry": "ghcr.io/fluxcd"},
            "components": COMPONENTS,
            "commonMetadata": {"labels": labels},
            "wait": False,
        }
    )
    instance.becomes_ready()
    instance.annotate({RECONCILE: "disabled"})
    operator.reaches("Suspended")
    stored = store_in_all_versions(instance.cluster, instance.namespace)
    instance.patch(spec={"distribution": {"version": "2.8.8"}})
    instance.annotate({RECONCILE: None})
    found = instance.becomes_ready(seconds=120)
    assert found["status"]["lastAppliedRevision"].startswith("v2.8.8@")
    check_survived(instance.cluster, stored)
    check_report(instance)


def check_report(instance: Instance) -> None:
    """The report lists controllers and kinds all the same."""

    def reported() -> Manifest | None:
        spec = (instance.get(REPORT.format(instance.namespace)) or {}).get("spec") or {}
        names_ = {item["name"] for item in spec.get("components") or []}
        kinds = {item["kind"] for item in spec.get("reconcilers") or []}
        return spec if names_ == set(COMPONENTS) and "HelmRelease" in kinds else None

    until(reported, "a report with all components")
