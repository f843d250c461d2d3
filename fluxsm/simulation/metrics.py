# SPDX-License-Identifier: Apache-2.0
"""The metrics that were counted."""

from __future__ import annotations

from collections.abc import Mapping


class MetricsLog:
    """Implements `fluxsm.core.ports.Metrics`.

    Attributes:
        transitions: source, event and destination of each transition.
        series: of the instance, None without one.
        drifted: number of drifted objects.
        blocks: why upgrades were blocked.
    """

    def __init__(self) -> None:
        self.transitions: list[tuple[str, str, str]] = []
        self.series: Mapping[str, str] | None = None
        self.drifted = 0
        self.blocks: list[str] = []

    def transition(
        self, source: str, event: str, dest: str, seconds: float, *, result: str = ""
    ) -> None:
        """Keep a transition.

        Raises:
            ValueError: it says that a state lasted less than no time.
        """
        del result
        if seconds < 0:
            raise ValueError(f"{source} cannot have lasted {seconds} s")
        self.transitions.append((source, event, dest))

    def instance(self, labels: Mapping[str, str] | None) -> None:
        """Replace the series of the instance."""
        self.series = labels

    def drift(self, count: int) -> None:
        """Count drifted objects."""
        self.drifted += count

    def blocked(self, reason: str) -> None:
        """Keep why an upgrade was blocked."""
        self.blocks.append(reason)
