# SPDX-License-Identifier: Apache-2.0
"""The API of the page on a real API server, on the leader and on a standby."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluxsm.api import names
from fluxsm.core.status import OWN_FIELDS
from fluxsm.report.reporting import REPORT_AGENT
from fluxsm.web.sources import WEB_AGENT
from tests.controlplane.cluster import Cluster
from tests.controlplane.process import free_ports
from tests.integration.instance import MERGE, Instance
from tests.integration.operator import Operator, until
from tests.integration.page import Page
from tests.integration.process import (
    SHORT_LEASE,
    Process,
    account_kubeconfig,
    kubectl,
    spec,
    with_component,
)
from tests.registry.fixtures import make_certificate

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


def test_a_laptop_shows_the_same_without_an_operator(instance: Instance, operate: Operate) -> None:
    """By its kubeconfig; also an instance whose status has only the fields of the reference."""
    operator = operate()
    instance.create(spec())
    instance.becomes_ready()
    operator.stop()
    bare = dict.fromkeys(OWN_FIELDS)
    instance.cluster.request(
        "PATCH", f"{instance.path}/status", {"status": bare}, content_type=MERGE
    )
    [port] = free_ports(1)
    kubeconfig = instance.cluster.kubeconfig("admin")
    command = [
        *(sys.executable, "-m", "fluxsm", "status", "--serve", f"--address=127.0.0.1:{port}"),
        *(f"--kubeconfig={kubeconfig}", "--namespace", instance.namespace),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == (
            f"http://127.0.0.1:{port}/ shows FluxInstance/{instance.namespace}/flux\n"
        )
        page = Page(port)
        found = page.read("instance")
        assert (found["state"], found["inferred"]) == ("Ready", True)
        assert found["operator"]["role"] == "viewer"
        until(
            lambda: (
                {item["health"] for item in page.read("instance")["inventory"]} == {"Current"}
                or None
            ),
            "health of the objects",
            seconds=10,
        )
        status, body = page.get("/")
        assert status == 200
        assert b"worked out from the conditions" in body
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane with the manifests of the operator, and two who would look."""
    namespace = names.DEFAULT_NAMESPACE
    with Cluster(controllers=False) as found:
        folder = with_component(tmp_path_factory.mktemp("kustomize"), "secure-web")
        done = kubectl(found, "apply", "-k", str(folder))
        assert (done.returncode, done.stderr) == (0, "")
        for account in ("reader", "stranger"):
            found.kubectl("create", "serviceaccount", account, "-n", namespace)
        found.kubectl(
            *("create", "rolebinding", "reader", "-n", namespace),
            *(f"--serviceaccount={namespace}:reader", "--clusterrole=flux-operator-viewer"),
        )
        yield found


def test_only_who_may_get_the_instance_looks(secured: Cluster, tmp_path: Path) -> None:
    """By the API server's own word, over TLS, as the manifests set it up."""
    cluster, namespace = secured, names.DEFAULT_NAMESPACE
    tls = make_certificate(tmp_path)
    [port] = free_ports(1)
    flags = [
        f"--kubeconfig={account_kubeconfig(cluster, namespace)}", f"--web-server-port={port}",
        f"--web-cert-file={tls.chain}", f"--web-key-file={tls.key}", "--web-auth=token",
    ]  # fmt: skip
    tokens = {
        account: cluster.kubectl("create", "token", account, "-n", namespace).strip()
        for account in ("reader", "stranger")
    }
    with Process(cluster, namespace, flags=flags):
        reader = Page(port, trust=tls.authority, token=tokens["reader"])
        until(lambda: reader.get("/api/v1")[0] or None, "page")
        assert reader.read("instance")["found"] is False
        with reader.stream() as stream:
            assert "no FluxInstance" in stream.next()["now"]
        answers = {
            who: Page(port, trust=tls.authority, token=token).get("/api/v1/instance")[0]
            for who, token in {"": "", "stranger": tokens["stranger"], "forged": "a.b.c"}.items()
        }
        assert answers == {"": 401, "stranger": 403, "forged": 401}
