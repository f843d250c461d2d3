# SPDX-License-Identifier: Apache-2.0
"""Suspended: do nothing until the annotation says otherwise."""

from __future__ import annotations

from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.machine.events import Event
from states.pending import ensure_finalizer


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Keep the finalizer, so that a later resume and delete uninstalls; then wait for a change."""
    manifest = ensure_finalizer(observed.instance.manifest, ports.cluster)
    return Outcome(event=Event.WAITING, message="Reconciliation is disabled", manifest=manifest)
