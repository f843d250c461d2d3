# SPDX-License-Identifier: Apache-2.0
"""What all tests share: how hard property tests try (HYPOTHESIS_PROFILE=ci is the deep one)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.controlplane.fixtures import bare_cluster, bare_namespace, cluster, namespace

__all__ = ["bare_cluster", "bare_namespace", "cluster", "namespace"]

settings.register_profile(
    "dev",
    deadline=None,
    max_examples=40,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
