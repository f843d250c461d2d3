# SPDX-License-Identifier: Apache-2.0
"""Pytest fixtures: one control plane per session, a fresh namespace per test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.controlplane.cluster import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A control plane with controllers and a node on which pods become ready at once."""
    with Cluster() as found:
        yield found


@pytest.fixture(scope="session")
def bare_cluster() -> Iterator[Cluster]:
    """A control plane without controllers: nothing ever becomes ready by itself."""
    with Cluster(controllers=False) as found:
        yield found


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """A fresh namespace of the control plane with controllers."""
    return cluster.create_namespace(f"test-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def bare_namespace(bare_cluster: Cluster) -> str:
    """A fresh namespace of the control plane without controllers."""
    return bare_cluster.create_namespace(f"test-{uuid.uuid4().hex[:8]}")
