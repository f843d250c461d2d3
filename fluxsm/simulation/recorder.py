# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes events that were recorded."""

from __future__ import annotations

from collections.abc import Callable

from fluxsm.api.objects import Manifest
from fluxsm.core.ports import KubernetesEvent


class EventLog:
    """Implements `fluxsm.core.ports.Recorder`.

    Attributes:
        notices: the events, in order.
        addresses: where each of them was sent, besides.
        on_record: called with each event.
    """

    def __init__(self) -> None:
        self.notices: list[KubernetesEvent] = []
        self.addresses: list[str] = []
        self.on_record: Callable[[KubernetesEvent], None] = lambda _: None

    def record(self, instance: Manifest, notice: KubernetesEvent, *, address: str = "") -> None:
        """Keep an event."""
        del instance
        self.notices.append(notice)
        self.addresses.append(address)
        self.on_record(notice)

    @property
    def reasons(self) -> list[str]:
        """The reasons of all events, in order."""
        return [notice.reason for notice in self.notices]
