# SPDX-License-Identifier: Apache-2.0
"""Everything that the page is worked out from, as it was found at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fluxsm.api.objects import Manifest
from fluxsm.objects.applied_state import ObjectIdentity
from fluxsm.objects.kstatus import Health
from fluxsm.web.journal import Journal
from fluxsm.web.sight import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Who serves the page.

    Attributes:
        name: of the process, as in the API of the reference.
        version: of the operator.
        namespace: whose instance it shows.
        follows: whether it looks from outside: it is not an operator, and no other of its kind
            takes part.
    """

    name: str
    version: str
    namespace: str
    follows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known.

    Attributes:
        server: who serves the page.
        epoch: the moment at which the clock that never jumps began to count.
        leads: whether the machine runs in this process.
        instance: the FluxInstance; None when there is none, or it is not known yet.
        report: the FluxReport; as above.
        events: the Kubernetes events about the instance, in any order.
        health: of the objects of the inventory, as far as it is known.
        journal: the runs that were seen.
        sight: the last step of the machine; None where it does not run.
        unknown: what could not be read yet, and why: by `instance`, `report`, `events`.
    """

    server: Server
    epoch: datetime
    leads: bool = False
    instance: Manifest | None = None
    report: Manifest | None = None
    events: tuple[Manifest, ...] = ()
    health: Mapping[ObjectIdentity, Health] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    sight: Sight | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)

    def following(self, journal: Journal) -> Facts:
        """The same with another journal."""
        return replace(self, journal=journal)

    def wall(self, tick: timedelta) -> datetime:
        """A moment of the monotonic clock, for people."""
        return self.epoch + tick
