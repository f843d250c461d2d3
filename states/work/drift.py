# SPDX-License-Identifier: Apache-2.0
"""See what others changed on the objects that were applied, and when to repair it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.machine.events import Event
from fluxsm.objects import drift, ownership

Touched: TypeAlias = tuple[Manifest, Manifest | None]
"""An object as it was applied, and as it is now; None when it was deleted."""


def find(observed: Observed, ports: Ports) -> list[Touched]:
    """Objects that are not any more what was applied.

    One whose owner has switched repairs off is left as it is until the next run.
    """
    build = observed.run.build
    objects = build.objects if build else ()
    pairs = [(wanted, ports.live.get(ObjectRef.of(wanted))) for wanted in objects]
    return [item for item in pairs if _is_touched(*item, observed)]


def _is_touched(wanted: Manifest, live: Manifest | None, observed: Observed) -> bool:
    if live is not None and ownership.is_reconcile_disabled(live):
        return False
    return observed.process.applied_state.has_drifted(wanted, live)


def detect(touched: Sequence[Touched], observed: Observed) -> Outcome | None:
    """Drifted, with a message that names objects, fields and who changed them.

    An object over which somebody else insists on another value is left alone for a growing time:
    two programs that rewrite each other without end help nobody.
    """
    found = [
        (wanted, live)
        for wanted, live in touched
        if observed.tick >= _next_repair(observed, ObjectRef.of(wanted))
    ]
    if not found:
        return None
    conflicts, lines = dict(observed.process.conflicts), []
    for wanted, live in found:
        identity = ObjectRef.of(wanted).identity
        conflict = drift.after_repair(conflicts.get(identity), observed.tick)
        conflicts[identity] = conflict
        lines.append(f"{drift.describe(wanted, live)}{drift.warning(conflict)}")
    # Applying applies an object once in a run: what it did to these does not count any more.
    repaired = {ObjectRef.of(wanted).identity for wanted, _ in found}
    changes = tuple(item for item in observed.run.changes if item.ref.identity not in repaired)
    return Outcome(
        event=Event.DRIFTED,
        message="; ".join(lines),
        process=replace(observed.process, conflicts=conflicts),
        run=replace(observed.run, changes=changes),
    )


def _next_repair(observed: Observed, ref: ObjectRef) -> timedelta:
    conflict = observed.process.conflicts.get(ref.identity)
    return conflict.next_repair if conflict else observed.tick


def repairs_ahead(touched: Sequence[Touched], observed: Observed) -> list[timedelta]:
    """When the objects that are left alone for now are due."""
    return [_next_repair(observed, ObjectRef.of(wanted)) for wanted, _ in touched]
