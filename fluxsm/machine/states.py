# SPDX-License-Identifier: Apache-2.0
"""The closed set of states. What they mean and where they lead is in `states/`."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a FluxInstance stands. The values are what `status.state` shows."""

    PENDING = "Pending"
    FETCHING_ARTIFACT = "FetchingArtifact"
    BUILDING = "Building"
    APPLYING = "Applying"
    MIGRATING = "Migrating"
    HEALTH_CHECKING = "HealthChecking"
    READY = "Ready"
    FAILED = "Failed"
    SUSPENDED = "Suspended"
    UNINSTALLING = "Uninstalling"
