# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes events that were recorded."""

from __future__ import annotations

from collections.abc import Callable

from fluxsm.api.objects import Manifest
from fluxsm.core.ports import KubernetesEvent


class EventLog:
    """Implements `fluxsm.core.ports.Recorder`.

    Attributes:
        events: the events, in order.
        addresses: where each of them was sent, besides.
        on_record: called with each event.
    """

    def __init__(self) -> None:
        self.events: list[KubernetesEvent] = []
        self.addresses: list[str] = []
        self.on_record: Callable[[KubernetesEvent], None] = lambda _: None

    def record(self, instance: Manifest, event: KubernetesEvent, *, address: str = "") -> None:
        """Keep an event."""
        del instance
        self.events.append(event)
        self.addresses.append(address)
        self.on_record(event)

    @property
    def reasons(self) -> list[str]:
        """The reasons of all events, in order."""
        return [event.reason for event in self.events]
