# SPDX-License-Identifier: Apache-2.0
"""The closed set of what begins a run. Which row begins which is in `states/table.py`."""

from __future__ import annotations

from enum import StrEnum


class Trigger(StrEnum):
    """What began a run."""

    START = "start"
    """The operator started, or the instance was created."""

    CHANGE = "change"
    """Somebody edited the spec or an annotation that asks for a run."""

    TIMER = "timer"
    """`reconcileEvery` has passed."""

    ARTIFACT = "artifact"
    """The artifact has a new digest."""

    RETRY = "retry"
    """The delay after a failure has passed."""

    DELETION = "deletion"
    """Somebody deleted the instance."""

    DRIFT = "drift"
    """Somebody changed or deleted a managed object."""
