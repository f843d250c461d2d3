# SPDX-License-Identifier: Apache-2.0
"""The API of the page on a real API server, on the leader and on a standby."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fluxsm.api import names
from fluxsm.report.reporting import REPORT_AGENT
from fluxsm.web.sources import WEB_AGENT
from tests.controlplane.process import free_ports
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until
from tests.integration.page import Page
from tests.integration.process import SHORT_LEASE, spec

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]


@pytest.fixture
def page(operate: Operate) -> Page:
    """The page of an operator that makes reports."""
    [port] = free_ports(1)
    operate(flags=[f"--web-server-port={port}", "--reporting-interval=1h"])
    return Page(port)


def test_an_installation_is_shown_from_the_beginning(instance: Instance, page: Page) -> None:
    """Also to who looks when it is over; with everything that the cluster says about it."""
    instance.create(spec())
    instance.becomes_ready()
    found = page.read("instance")
    assert (found["state"], found["operator"]["role"]) == ("Ready", "leader")
    assert [item["name"] for item in found["components"]] == [
        "source-controller", "kustomize-controller",
    ]  # fmt: skip
    listed = [(item["kind"], item["name"]) for item in found["inventory"]]
    assert listed == [(ref.kind.kind, ref.name) for ref in instance.inventory()]
    assert {item["health"] for item in found["inventory"]} == {"Current"}
    [run] = page.read("history")["runs"]
    assert run["result"] == "succeeded"
    assert run["visits"][-1]["state"] == "Ready"
    found = until(lambda: page.read("events")["events"] or None, "events", seconds=10)
    assert names.RECONCILIATION_SUCCEEDED in {item["reason"] for item in found}


def test_the_report_is_that_of_the_reference(instance: Instance, page: Page) -> None:
    """The one call of its end-to-end tests: who asks has a name that begins like its pods."""
    instance.create(spec())
    instance.becomes_ready()
    stored = until(
        lambda: instance.get(instance.path.replace("fluxinstances", "fluxreports")), "report"
    )
    found = page.read("report")
    assert found["spec"]["userInfo"]["username"].startswith("flux-operator-")
    assert found["kind"] == "FluxReport"
    assert found["metadata"]["uid"] == stored["metadata"]["uid"]
    assert found["spec"]["distribution"] == stored["spec"]["distribution"]


def test_nothing_is_asked_before_somebody_looks(instance: Instance, page: Page) -> None:
    """A page that nobody reads costs the API server nothing."""
    del page
    instance.create(spec())
    instance.becomes_ready()
    agents = {
        item.agent
        for item in instance.cluster.audit("fluxsm")
        if f"namespaces/{instance.namespace}/" in item.uri
    }
    assert REPORT_AGENT in agents
    assert WEB_AGENT not in agents


def test_a_standby_shows_the_same(instance: Instance, operate: Operate) -> None:
    """By watches of its own; of the way it sees what the status shows."""
    ports = free_ports(2)
    flags = ["--reporting-interval=1h", *SHORT_LEASE]
    operate(flags=[f"--web-server-port={ports[0]}", *flags])
    leader, standby = Page(ports[0]), Page(ports[1])
    until(lambda: leader.get("/api/v1")[0] == 200 or None, "leader")
    until(lambda: leader.read("instance")["operator"]["leads"] or None, "lease")
    operate(flags=[f"--web-server-port={ports[1]}", *flags])
    until(lambda: standby.get("/api/v1")[0] == 200 or None, "standby")
    assert standby.read("instance")["found"] is False
    instance.create(spec())
    instance.becomes_ready()
    until(lambda: standby.read("instance")["state"] == "Ready" or None, "Ready", seconds=10)
    found = standby.read("instance")
    assert found["operator"] == {
        **leader.read("instance")["operator"],
        "leads": False,
        "role": "standby",
    }
    until(
        lambda: (
            {item["health"] for item in standby.read("instance")["inventory"]} == {"Current"}
            or None
        ),
        "health of the objects",
        seconds=10,
    )
    assert standby.read("history")["runs"][0]["result"] == "succeeded"
    assert standby.read("report")["kind"] == "FluxReport"
