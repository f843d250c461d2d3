# SPDX-License-Identifier: Apache-2.0
"""Who is told things: people, and the metrics."""

from __future__ import annotations

from collections.abc import Mapping

from fluxsm.api.objects import Manifest
from fluxsm.core.ports import KubernetesEvent


class FakeRecorder:
    """Implements `fluxsm.core.ports.Recorder`."""

    def __init__(self) -> None:
        self.notices: list[KubernetesEvent] = []
        self.addresses: list[str] = []

    def record(self, instance: Manifest, notice: KubernetesEvent, *, address: str = "") -> None:
        """Keep a notice."""
        del instance
        self.notices.append(notice)
        self.addresses.append(address)

    @property
    def reasons(self) -> list[str]:
        """The reasons of all notices, in order."""
        return [notice.reason for notice in self.notices]


class FakeMetrics:
    """Implements `fluxsm.core.ports.Metrics`."""

    def __init__(self) -> None:
        self.transitions: list[tuple[str, str, str]] = []
        self.series: Mapping[str, str] | None = None
        self.drifted = 0
        self.blocks: list[str] = []

    def transition(self, source: str, event: str, dest: str, seconds: float) -> None:
        """Keep a transition."""
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
