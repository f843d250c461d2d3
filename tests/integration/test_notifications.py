# SPDX-License-Identifier: Apache-2.0
"""What others learn of an instance: metrics, notifications, the time of the next run."""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.controlplane.process import free_ports
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

Operate = Callable[..., Operator]

SPEC: Manifest = {
    "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
    "components": ["source-controller"],
    "wait": False,
}


def series(url: str, family: str) -> list[dict[str, str]]:
    """The labels of each series of a family of metrics."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 on this machine
        page = answer.read().decode()
    lines = [line for line in page.splitlines() if re.match(rf"{family}(\{{| )", line)]
    return [dict(re.findall(r'(\w+)="([^"]*)"', line)) for line in lines]


def info(url: str) -> list[dict[str, str]]:
    """The series about the instance."""
    return series(url, "flux_instance_info")


def test_one_series_describes_the_instance(instance: Instance, operate: Operate) -> None:
    """It follows the status, and goes with the instance; the rest of the page counts."""
    (port,) = free_ports(1)
    operate(flags=[f"--metrics-addr=127.0.0.1:{port}"])
    url = f"http://127.0.0.1:{port}/metrics"
    instance.create(SPEC)
    revision = instance.becomes_ready()["status"]["lastAppliedRevision"]
    wanted = {
        "uid": (instance.read() or {})["metadata"]["uid"],
        "kind": names.INSTANCE_KIND,
        "name": "flux",
        "exported_namespace": instance.namespace,
        "ready": "True",
        "reason": "ReconciliationSucceeded",
        "suspended": "False",
        "registry": "ghcr.io/fluxcd",
        "revision": revision,
    }
    until(lambda: info(url) == [wanted], "series of a Ready instance")
    assert {"source": "Applying", "event": "Applied", "dest": "HealthChecking"} in series(
        url, "fluxsm_transitions_total"
    )
    assert series(url, "workqueue_queue_duration_seconds_count") == [{"name": "fluxinstance"}]
    instance.annotate({RECONCILE: "disabled"})
    until(lambda: info(url) == [{**wanted, "suspended": "True"}], "series of a suspended one")
    instance.annotate({RECONCILE: None})
    instance.delete()
    instance.goes()
    until(lambda: info(url) == [], "end of the series")


class Listener:
    """Stands in for notification-controller.

    Attributes:
        answers: the status codes of the next answers; then 200.
        posts: the status code of each answer, and what was posted.
    """

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.posts: list[tuple[int, dict[str, Any]]] = []

    def answer(self, body: bytes) -> int:
        """Note a post; the status code of the answer."""
        status = self.answers.pop(0) if self.answers else 200
        self.posts.append((status, json.loads(body)))
        return status


class Handler(BaseHTTPRequestHandler):
    """One post."""

    def __init__(self, listener: Listener, *args: Any) -> None:
        self._listener = listener
        super().__init__(*args)

    def do_POST(self) -> None:
        """Answer as the listener wants."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self._listener.answer(body))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def listening(listener: Listener) -> Iterator[str]:
    """The address of a listener while it listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, listener)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_notifications_arrive(instance: Instance, operate: Operate) -> None:
    """One that failed is sent again, one that is known already is not; Ready waits for neither."""
    listener = Listener(500, 200, 429)
    with listening(listener) as address:
        operator = operate(env={"NOTIFICATION_CONTROLLER_ADDRESS": address})
        team = "event.toolkit.fluxcd.io/team"
        instance.create(SPEC, {team: "a", "example.com/other": "b"})
        revision = instance.becomes_ready()["status"]["lastAppliedRevision"]
        until(lambda: len(listener.posts) >= 2, "second attempt")
        instance.patch(spec={"components": ["source-controller", "helm-controller"]})
        instance.becomes_ready()
        until(lambda: len(listener.posts) >= 3, "post that is known already")
        instance.patch(spec={"distribution": {"version": "9.x"}})
        until(lambda: len(listener.posts) >= 4, "post about the failure")
    assert [status for status, _ in listener.posts[:4]] == [500, 200, 429, 200]
    first, second, known, failure = (body for _, body in listener.posts[:4])
    assert first == second
    about = first["involvedObject"]
    assert (about["kind"], about["name"]) == (names.INSTANCE_KIND, "flux")
    assert about["namespace"] == instance.namespace
    assert about["apiVersion"] == names.API_VERSION
    assert about["uid"] == (instance.read() or {})["metadata"]["uid"]
    assert (first["severity"], first["reason"]) == ("info", "ReconciliationSucceeded")
    assert "installed" in first["message"]
    assert first["metadata"] == {team: "a", f"{names.GROUP}/revision": revision}
    assert first["reportingController"] == "flux-operator"
    assert first["reportingInstance"]
    assert datetime.fromisoformat(first["timestamp"]).tzinfo is not None
    assert "updated" in known["message"]
    assert (failure["severity"], failure["reason"]) == ("error", names.BUILD_FAILED)
    assert operator.errors() == []


def test_the_status_says_how_often_it_runs(instance: Instance, operate: Operate) -> None:
    """The period stays true without a write; after a failure there is a moment instead."""
    operate()
    instance.create(SPEC, {names.RECONCILE_EVERY: "1h"})
    status = instance.becomes_ready()["status"]
    assert status["nextTransition"] == {"event": "Due", "every": "1h0m0s"}
    instance.patch(spec={"distribution": {"version": "9.x"}})
    instance.becomes_failed(names.BUILD_FAILED)
    instance.patch(spec={"distribution": {"version": "2.x"}})
    status = instance.becomes_ready()["status"]
    assert status["nextTransition"] == {"event": "Due", "every": "1h0m0s"}
