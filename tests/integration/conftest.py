# SPDX-License-Identifier: Apache-2.0
"""One control plane with the CRDs of the operator, and what tests of a whole lifecycle need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.integration.instance import Instance, install_crds
from tests.integration.operator import Operator, until
from tests.integration.proxy import Proxy, proxied

ROOT = Path(__file__).resolve().parents[2]
UPSTREAM = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def served(cluster: Cluster) -> Cluster:
    """The control plane with the CRDs of the operator installed."""
    install_crds(cluster)
    return cluster


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    """A control plane of the module alone, that may be disrupted, with CRDs and namespace."""
    with Cluster() as found:
        install_crds(found)
        found.create_namespace(names.DEFAULT_NAMESPACE)
        yield found


@pytest.fixture
def proxy(own: Cluster) -> Iterator[Proxy]:
    """A connection to the module's own control plane that can stop to answer."""
    with proxied(own) as found:
        yield found


@pytest.fixture
def served_proxy(served: Cluster) -> Iterator[Proxy]:
    """A connection to the shared control plane that can stop to answer."""
    with proxied(served) as found:
        yield found


@pytest.fixture(scope="session")
def upstream() -> Path:
    """A storage folder with the manifests of real Flux releases."""
    if not (UPSTREAM / "flux").is_dir():
        pytest.skip("the manifests of Flux releases are not here")
    return UPSTREAM


@pytest.fixture
def instance(served: Cluster, namespace: str) -> Instance:
    """A handle of the instance of a fresh namespace; it does not exist yet."""
    return Instance(served, namespace)


@pytest.fixture
def operate(instance: Instance) -> Iterator[Callable[..., Operator]]:
    """Start an operator for the namespace; at the end it uninstalls what is still there.

    What Flux installs is cluster-wide, so nothing of it may be left for the next test.
    """
    started: list[Operator] = []

    def start(**options: object) -> Operator:
        operator = Operator(instance.cluster, instance.namespace, **options)  # type: ignore[arg-type]
        started.append(operator)
        operator.start()
        return operator

    yield start
    try:
        _clean_up(instance, started)
    finally:
        for operator in started:
            operator.stop()


def _clean_up(instance: Instance, started: list[Operator]) -> None:
    found = instance.read()
    if found is None:
        return
    if not any(operator.pid for operator in started):
        started[-1].start()
    instance.annotate({"fluxcd.controlplane.io/reconcile": None})
    instance.delete()
    instance.goes()
    until(lambda: not flux_crds(instance.cluster) or None, "end of the Flux CRDs")


def flux_crds(cluster: Cluster) -> list[str]:
    """The names of the CRDs of Flux that exist."""
    found = cluster.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
    names = [str(item["metadata"]["name"]) for item in found["items"]]
    return [name for name in names if name.endswith(".toolkit.fluxcd.io")]
