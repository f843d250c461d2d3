# SPDX-License-Identifier: Apache-2.0
"""Metrics by TLS, for readers whom the real API server vouches for.

The operator runs as the ServiceAccount of the manifests, with the component for secure metrics.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.controlplane.process import free_ports
from tests.integration.process import (
    Process,
    account_kubeconfig,
    eventually,
    kubectl,
    with_component,
)
from tests.registry.fixtures import make_certificate
from tests.registry.server import Certificate

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

NAMESPACE = names.DEFAULT_NAMESPACE
READER, STRANGER = "reader", "stranger"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane with the operator's manifests, and two who would read its metrics."""
    with Cluster(controllers=False) as found:
        folder = with_component(tmp_path_factory.mktemp("kustomize"), "secure-metrics")
        done = kubectl(found, "apply", "-k", str(folder))
        assert (done.returncode, done.stderr) == (0, "")
        for account in (READER, STRANGER):
            found.kubectl("create", "serviceaccount", account, "-n", NAMESPACE)
        found.kubectl(
            *("create", "clusterrolebinding", READER, f"--serviceaccount={NAMESPACE}:{READER}"),
            "--clusterrole=flux-operator-metrics-reader",
        )
        yield found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For 127.0.0.1."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def url(cluster: Cluster, certificate: Certificate) -> Iterator[str]:
    """The metrics of an operator that has just started."""
    with serving(cluster, certificate, names.MANAGER) as (process, url):
        eventually(lambda: process.leads, "leader")
        yield url


@contextmanager
def serving(
    cluster: Cluster, certificate: Certificate, account: str
) -> Iterator[tuple[Process, str]]:
    """An operator with the rights of an account, and where its metrics are."""
    (port,) = free_ports(1)
    flags = [
        f"--kubeconfig={account_kubeconfig(cluster, NAMESPACE, account)}",
        f"--metrics-addr=127.0.0.1:{port}",
        f"--metrics-cert-file={certificate.chain}",
        f"--metrics-key-file={certificate.key}",
        "--metrics-require-token",
    ]
    with Process(cluster, NAMESPACE, flags=flags) as process:
        eventually(lambda: process.says("has started"), "start")
        yield process, f"https://127.0.0.1:{port}/metrics"


def read(url: str, certificate: Certificate, token: str) -> tuple[int, str]:
    """Status and body, with a bearer token where there is one."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    context = ssl.create_default_context(cafile=certificate.authority)
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 on this machine
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 as above
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def token_of(cluster: Cluster, account: str) -> str:
    """A token that the API server has signed."""
    return cluster.kubectl("create", "token", account, "-n", NAMESPACE).strip()


def test_a_reader_who_is_allowed_reads(
    cluster: Cluster, url: str, certificate: Certificate
) -> None:
    """The metrics, as they are without all this."""
    status, body = read(url, certificate, token_of(cluster, READER))
    assert status == 200
    assert "rest_client_requests_total" in body


@pytest.mark.parametrize(
    ("account", "status", "body"),
    [(STRANGER, 403, "forbidden\n"), ("", 401, "unauthorized\n")],
)
def test_others_learn_nothing(
    cluster: Cluster, url: str, certificate: Certificate, account: str, status: int, body: str
) -> None:
    """An account without the right, and nobody in particular."""
    token = token_of(cluster, account) if account else ""
    assert read(url, certificate, token) == (status, body)


def test_a_forged_token_is_refused(cluster: Cluster, url: str, certificate: Certificate) -> None:
    """It looks like one of the reader, but the signature is another."""
    head, payload, _ = token_of(cluster, READER).split(".")
    forged = f"{head}.{payload}.{'A' * 342}"
    assert read(url, certificate, forged) == (401, "unauthorized\n")


def test_an_operator_that_may_not_ask_shows_nothing(
    cluster: Cluster, certificate: Certificate
) -> None:
    """Without the binding of the component nobody can be judged, and the log tells."""
    with serving(cluster, certificate, STRANGER) as (process, url):
        found = read(url, certificate, token_of(cluster, READER))
        assert found == (503, "service unavailable\n")
        assert process.says("a reader of /metrics cannot be judged")
