# SPDX-License-Identifier: Apache-2.0
"""See what others changed on the objects that were applied, and when to repair it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.machine.alphabet import Event
from fluxsm.ports import Ports
from fluxsm.rules import drift, ownership
from fluxsm.step import Observed, Outcome


def detect(observed: Observed, ports: Ports) -> Outcome | None:
    """Drifted, with a message that names objects, fields and who changed them.

    An object over which somebody else insists on another value is left alone for a growing time:
    two programs that rewrite each other without end help nobody.
    """
    found = [
        (wanted, live)
        for wanted, live in _touched(observed, ports)
        if observed.now >= _next_repair(observed, ObjectRef.of(wanted))
    ]
    if not found:
        return None
    feuds, lines = dict(observed.run.feuds), []
    for wanted, live in found:
        identity = ObjectRef.of(wanted).identity
        feud = drift.after_repair(feuds.get(identity), observed.now)
        feuds[identity] = feud
        lines.append(f"{drift.describe(wanted, live)}{drift.warning(feud)}")
    # Applying applies an object once in a run: what it did to these does not count any more.
    repaired = {ObjectRef.of(wanted).identity for wanted, _ in found}
    changes = tuple(item for item in observed.run.changes if item.ref.identity not in repaired)
    facts = {"feuds": feuds, "changes": changes}
    return Outcome(event=Event.DRIFTED, message="; ".join(lines), facts=facts)


def _touched(observed: Observed, ports: Ports) -> Iterator[tuple[Manifest, Manifest | None]]:
    """Objects that are not any more what was applied, and how they are now.

    One whose owner has switched repairs off is left as it is until the next run.
    """
    build = observed.run.build
    for wanted in build.objects if build else ():
        live = ports.live.get(ObjectRef.of(wanted))
        if live is not None and ownership.is_repair_disabled(live):
            continue
        if observed.run.ledger.has_drifted(wanted, live):
            yield wanted, live


def _next_repair(observed: Observed, ref: ObjectRef) -> datetime:
    feud = observed.run.feuds.get(ref.identity)
    return feud.next_repair if feud else observed.now


def repairs_ahead(observed: Observed, ports: Ports) -> Iterator[datetime]:
    """When the objects that are left alone for now are due."""
    for wanted, _ in _touched(observed, ports):
        yield _next_repair(observed, ObjectRef.of(wanted))
