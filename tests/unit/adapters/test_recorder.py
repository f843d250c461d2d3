# SPDX-License-Identifier: Apache-2.0
"""What is recorded in the cluster and sent to notification-controller has no login in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fluxsm.adapters.recorder import EventRecorder
from fluxsm.core.ports import KubernetesEvent
from fluxsm.simulation.clock import VirtualClock

CANARY = "c4n4ryS3cret"
INSTANCE = {
    "apiVersion": "fluxcd.controlplane.io/v1", "kind": "FluxInstance",
    "metadata": {"name": "flux", "namespace": "flux-system", "uid": "u", "resourceVersion": "1"},
}  # fmt: skip


class Listener:
    """Takes events."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []

    def create(self, manifest: dict[str, Any]) -> None:
        """Keep an event."""
        self.created.append(manifest)


def test_a_login_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the message and of the annotations, also where it would be cut."""
    posted: list[dict[str, Any]] = []

    def post(_: EventRecorder, __: str, body: dict[str, Any]) -> int:
        posted.append(body)
        return 200

    monkeypatch.setattr(EventRecorder, "_try", post)
    listener = Listener()
    clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
    recorder = EventRecorder(listener, clock, host="here")  # type: ignore[arg-type]
    url = f"oci://user:{CANARY}@registry.example.com/flux"
    for length in (0, 950, 985, 1000, 1010):
        event = KubernetesEvent(
            type="Warning",
            reason="ArtifactFailed",
            message=f"{'x' * length} cannot pull {url}",
            annotations={"event.toolkit.fluxcd.io/from": url},
        )
        recorder.record(INSTANCE, event, address="http://there/")
    recorder.close()
    assert len(listener.created) == len(posted) == 5
    assert CANARY not in json.dumps([listener.created, posted])
    assert "oci://***@registry.example.com/flux" in listener.created[0]["message"]
