# SPDX-License-Identifier: Apache-2.0
"""Each fact is checked on the fake always, and on the real thing with the integration tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.subjects import FakeSubject, RealSubject, Subject
from tests.controlplane.cluster import Cluster

EACH = (
    pytest.param("fake", id="in memory"),
    pytest.param("real", id="kube-apiserver", marks=pytest.mark.integration),
)


@pytest.fixture(params=EACH)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """An API server with a fresh namespace."""
    if request.param == "fake":
        yield FakeSubject()
        return
    real = RealSubject(request.getfixturevalue("cluster"), request.getfixturevalue("namespace"))
    yield real
    real.close()


@pytest.fixture(params=EACH)
def forgetful(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """An API server that remembers no more of a list than etcd does."""
    if request.param == "fake":
        yield FakeSubject()
        return
    with Cluster(apiserver_flags=["--feature-gates=ListFromCacheSnapshot=false"]) as cluster:
        real = RealSubject(cluster, cluster.create_namespace("forgetful"))
        yield real
        real.close()
