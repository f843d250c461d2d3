# SPDX-License-Identifier: Apache-2.0
"""Each fact is checked on the fake always, and on the real thing with the integration tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.subjects import FakeSubject, RealSubject, Subject


@pytest.fixture(
    params=[
        pytest.param("fake", id="in memory"),
        pytest.param("real", id="kube-apiserver", marks=pytest.mark.integration),
    ]
)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """An API server with a fresh namespace."""
    if request.param == "fake":
        yield FakeSubject()
        return
    real = RealSubject(request.getfixturevalue("cluster"), request.getfixturevalue("namespace"))
    yield real
    real.close()
