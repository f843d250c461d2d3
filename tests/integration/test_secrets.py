# SPDX-License-Identifier: Apache-2.0
"""A secret that is planted in every input comes out nowhere."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane.cluster import Cluster
from tests.controlplane.process import free_ports
from tests.integration.instance import Instance
from tests.integration.process import Process, eventually, spec
from tests.unit.adapters.api_server import ApiServer, Request, serving

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CANARY = "canary-3f9d1c"
ENCODED = base64.b64encode(f"user:{CANARY}".encode()).decode()
SECRETS = (CANARY, ENCODED, ENCODED.rstrip("="), "token-of-fluxsm")


@pytest.fixture
def registry() -> Iterator[ApiServer]:
    """A registry that lets nobody in, whatever they show."""

    def answer(request: Request) -> None:
        body = b'{"errors": [{"code": "UNAUTHORIZED"}]}'
        request.answer(401, body, challenge='Basic realm="private"')

    with serving(answer) as found:
        yield found


def plant(instance: Instance, host: str) -> None:
    """Create the pull secret, and an instance with userinfo wherever a URL can stand."""
    config = json.dumps({"auths": {host: {"username": "user", "password": CANARY}}})
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "pull"},
        "stringData": {".dockerconfigjson": config},
    }
    instance.cluster.request("POST", f"/api/v1/namespaces/{instance.namespace}/secrets", secret)
    instance.create(
        spec(
            distribution={
                "version": "2.8.x",
                "registry": "ghcr.io/fluxcd",
                "artifact": f"oci://{host}/manifests:latest",
                "artifactPullSecret": "pull",
            }
        )
    )


def outputs(instance: Instance, process: Process, ports: list[int]) -> dict[str, str]:
    """Everything that the operator says, by where it says it."""
    found: dict[str, Any] = {
        "log": process.log.read_text(),
        "status": json.dumps(instance.status),
        "events": json.dumps(instance.events()),
    }
    for port, path in ((ports[0], "healthz"), (ports[0], "readyz"), (ports[1], "metrics")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
            found[path] = answer.read().decode()
    return found


def test_no_secret_comes_out(served: Cluster, namespace: str, registry: ApiServer) -> None:
    """Not in the log at its finest, not in an event, the status, a metric or a page."""
    instance = Instance(served, namespace)
    ports = free_ports(2)
    host = registry.host.removeprefix("http://")
    flags = [
        "--log-level=trace",
        f"--health-addr=127.0.0.1:{ports[0]}",
        f"--metrics-addr=127.0.0.1:{ports[1]}",
    ]
    env = {
        "NOTIFICATION_CONTROLLER_ADDRESS": f"http://user:{CANARY}@{host}/",
        "NOTIFICATIONS_DISABLED": "",
    }
    with Process(served, namespace, flags=flags, env=env) as process:
        plant(instance, host)
        instance.becomes_failed("ArtifactFailed")
        used = f"Basic {ENCODED}"
        eventually(lambda: used in {request.token for request in registry.requests}, "use of it")
        eventually(lambda: bool(instance.events()), "event")
        seen = [outputs(instance, process, ports)]
        # Then userinfo in every URL of the spec.
        instance.patch(
            spec={
                "distribution": {"artifact": f"oci://user:{CANARY}@{host}/manifests:latest"},
                "sync": {
                    "kind": "GitRepository",
                    "url": f"https://user:{CANARY}@127.0.0.1:1/a",
                    "ref": "main",
                    "path": "x",
                },
            }
        )
        instance.becomes_failed("ArtifactFailed")
        seen.append(outputs(instance, process, ports))
        # Nobody is there to make the sync ready.
        clean = {"artifact": None, "artifactPullSecret": None}
        instance.patch(spec={"distribution": clean, "wait": False})
        instance.becomes_ready()
        seen.append(outputs(instance, process, ports))
        instance.delete()
        instance.goes()
    found = {
        f"{where}: {secret}"
        for each in seen
        for where, text in each.items()
        for secret in SECRETS
        if secret in text
    }
    assert found == set()
