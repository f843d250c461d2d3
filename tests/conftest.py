# SPDX-License-Identifier: Apache-2.0
"""What all tests share: time limits, and how hard property tests try (HYPOTHESIS_PROFILE=deep)."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.controlplane.fixtures import bare_cluster, bare_namespace, cluster, namespace

__all__ = ["bare_cluster", "bare_namespace", "cluster", "namespace"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts its background jobs so, and programs that tests start would not get Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "dev",
    deadline=None,
    max_examples=25,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", settings.get_profile("dev"), max_examples=250)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

LONG_SECONDS = 300
"""The limit of an integration test, or a slow one, without one of its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give integration tests and slow ones a generous time limit."""
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if marks & {"integration", "slow"} and "timeout" not in marks:
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
