# SPDX-License-Identifier: Apache-2.0
"""Resources that are stored in old versions survive any upgrade."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import Operator
from tests.integration.resources import check_survived, store_in_all_versions

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

SIX = [*names.DEFAULT_COMPONENTS, "image-reflector-controller", "image-automation-controller"]


def spec(version: str, components: list[str], **more: Any) -> Manifest:
    """An installation that waits for no Pods."""
    distribution = {"version": version, "registry": "ghcr.io/fluxcd"}
    return {"distribution": distribution, "components": components, "wait": False, **more}


@pytest.mark.parametrize("older", ["2.3.0", pytest.param("2.6.4", marks=pytest.mark.slow)])
def test_an_upgrade_over_many_minors_keeps_every_resource(
    instance: Instance, operate: Operate, upstream: Path, older: str
) -> None:
    """In one step from a release with every version stored to one that has dropped most of them."""
    operator = operate(storage=upstream)
    instance.create(spec(older, SIX))
    instance.becomes_ready()
    instance.annotate({RECONCILE: "disabled"})
    operator.reaches("Suspended")
    stored = store_in_all_versions(instance.cluster, instance.namespace)
    instance.patch(spec={"distribution": {"version": "2.8.8"}})
    before = len(operator.transitions())
    instance.annotate({RECONCILE: None})
    instance.becomes_ready(seconds=120)
    way = [item.dest for item in operator.transitions()[before:]]
    assert way == [
        "Pending", "FetchingArtifact", "Building", "Migrating", "Applying", "HealthChecking",
        "Migrating", "Ready",
    ]  # fmt: skip
    check_survived(instance.cluster, stored)
    assert operator.errors() == []


REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/namespaces/{}/gitrepositories"


def test_when_resources_are_rewritten(instance: Instance, operate: Operate) -> None:
    """By force, once for each request; on an upgrade to another minor; else never."""
    operator = operate()
    instance.create(spec("2.7.x", ["source-controller"]))
    instance.becomes_ready()
    create_repository(instance)
    rewrites = rewrites_since(instance)
    ask(instance, operator, "plain")
    assert rewrites() == 0
    ask(instance, operator, "forced", force=True)
    assert rewrites() == 1
    instance.annotate({"example.com/any": "change"})
    instance.patch(spec={"commonMetadata": {"labels": {"a": "label"}}})
    instance.becomes_ready()
    assert rewrites() == 1
    instance.patch(spec={"migrateResources": False})
    ask(instance, operator, "switched off", force=True)
    assert rewrites() == 1
    instance.patch(spec={"migrateResources": True})
    instance.becomes_ready()
    done = rewrites()
    instance.patch(spec={"distribution": {"version": "2.8.x"}})
    instance.becomes_ready()
    assert rewrites() == done + 1


def create_repository(instance: Instance) -> None:
    """Create a custom resource in the version that is stored."""
    body = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "some"},
        "spec": {"url": "https://example.com/some", "interval": "1m"},
    }
    instance.cluster.request("POST", REPOSITORIES.format(instance.namespace), body)


def ask(instance: Instance, operator: Operator, request: str, *, force: bool = False) -> None:
    """Ask for a run, by force if wanted, and wait for its end."""
    before = len(operator.transitions())
    forced = {names.FORCE_AT: request} if force else {}
    instance.annotate({names.REQUESTED_AT: request, **forced})
    operator.reaches("Ready", after=before)
    instance.becomes_ready()


def rewrites_since(instance: Instance) -> Callable[[], int]:
    """How often the operator has written Git repositories since now."""
    before = len(instance.cluster.audit("fluxsm"))

    def count() -> int:
        sent = instance.cluster.audit("fluxsm")[before:]
        return sum(
            item.resource == "gitrepositories" and item.verb in {"patch", "update"} for item in sent
        )

    return count
