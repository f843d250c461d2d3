# SPDX-License-Identifier: Apache-2.0
"""Without an artifact the operator talks to the API server and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.instance import Instance
from tests.integration.operator import Operator, until

pytestmark = pytest.mark.integration

SPEC = {
    "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
    "components": ["source-controller"],
}
GUARD = """
import sys

ALLOWED = {allowed!r}
SEEN = open({seen!r}, "a", buffering=1)

def watch(event, arguments):
    if event == "socket.getaddrinfo":
        address = arguments[:2]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
    else:
        return
    if isinstance(address, tuple):
        found = f"{{address[0]}}:{{address[1]}}"
        SEEN.write(found + "\\n")
        if found != ALLOWED:
            raise OSError("the air gap: " + found)

sys.addaudithook(watch)
"""
"""Loaded into the operator by Python itself: no address but that of the API server is reached."""


def test_without_an_artifact_only_the_api_server_is_reached(
    instance: Instance, operate: Callable[..., Operator], tmp_path: Path
) -> None:
    """Installation, repair of drift and a new request: every address is looked at."""
    seen = tmp_path / "seen"
    server = urlsplit(instance.cluster.server).netloc
    (tmp_path / "sitecustomize.py").write_text(GUARD.format(allowed=server, seen=str(seen)))
    operator = operate(env={"PYTHONPATH": str(tmp_path)})
    instance.create(SPEC)
    instance.becomes_ready()
    path = f"/apis/apps/v1/namespaces/{instance.namespace}/deployments/source-controller"
    instance.cluster.request("DELETE", path)
    until(lambda: instance.get(path), "repair", seconds=10)
    instance.annotate({"reconcile.fluxcd.io/requestedAt": "now"})
    instance.becomes_ready()
    assert set(seen.read_text().split()) == {server}
    assert operator.errors() == []
