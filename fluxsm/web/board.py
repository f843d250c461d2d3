# SPDX-License-Identifier: Apache-2.0
"""What is known now, and everything that is made of it, each when it is first asked for.

The machine leaves its steps in a bounded queue and goes on. Whoever reads works them off: so a
page that is slow, or broken, costs the machine nothing.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, Protocol

from fluxsm.api.objects import Manifest
from fluxsm.core.instance import Instance
from fluxsm.core.ports import Clock
from fluxsm.core.step import Step
from fluxsm.machine.table import Table
from fluxsm.objects import manifest
from fluxsm.objects.applied_state import ObjectIdentity
from fluxsm.objects.kstatus import Health
from fluxsm.web import encode, view
from fluxsm.web.facts import Facts, Server
from fluxsm.web.follow import glance
from fluxsm.web.html.document import Sections, Sheet
from fluxsm.web.journal import Journal
from fluxsm.web.sight import Sight

log = logging.getLogger("fluxsm.web")

QUEUE: Final = 256
"""Steps that wait to be worked off; the oldest ones go first when there are more."""

JUMP: Final = timedelta(seconds=1)
"""A wall clock that is off by more than this was set, so times are counted from it again."""


class Sources(Protocol):
    """What is read from the cluster."""

    def look(self) -> None:
        """Somebody looks: begin to follow, and wait a moment for what is not known yet."""

    def leads(self) -> bool:
        """Whether the machine runs in this process."""

    def instance(self) -> Manifest | None:
        """The FluxInstance, None when there is none, or it is not known yet."""

    def report(self) -> Manifest | None:
        """The FluxReport, as above."""

    def events(self) -> tuple[Manifest, ...]:
        """The Kubernetes events about the instance."""

    def unknown(self) -> Mapping[str, str]:
        """What could not be read yet, and why."""

    def health(self, instance: Manifest, now: datetime) -> Mapping[ObjectIdentity, Health]:
        """The health of the objects that the inventory lists, as far as it is known."""


class Content:
    """Everything that is made of the facts of one moment.

    Attributes:
        facts: what is known.
        answers: of the JSON API, by name, as JSON-like data.
    """

    def __init__(self, facts: Facts, table: Table, sheet: Sheet, standing: Any) -> None:
        """Make nothing yet.

        Args:
            facts: what is known.
            table: of the machine.
            sheet: writes the sections of the page.
            standing: the answer about the machine alone, which never changes.
        """
        self.facts = facts
        self._table, self._sheet, self._standing = table, sheet, standing

    @cached_property
    def instance(self) -> Any:
        """The answer about the instance."""
        return encode.plain(view.instance(self.facts, self._table))

    @cached_property
    def machine(self) -> Any:
        """The answer about the machine."""
        way = encode.plain(view.path(self.facts.journal))
        return {**self._standing, "current": self.instance["state"], "path": way}

    @cached_property
    def history(self) -> Any:
        """The answer about what was."""
        return encode.plain(view.history(self.facts))

    @cached_property
    def events(self) -> Any:
        """The answer about the events."""
        return encode.plain(view.events(self.facts))

    @cached_property
    def sections(self) -> Sections:
        """The sections of the page."""
        return self._sheet.sections(self)

    @cached_property
    def report(self) -> Any:
        """The report, None when there is none."""
        return encode.plain(view.report(self.facts))


class Board:
    """Holds the latest content."""

    def __init__(
        self,
        table: Table,
        server: Server,
        clock: Clock,
        sources: Sources,
        *,
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            table: of the machine.
            server: who serves the page.
            clock: the time.
            sources: what is read from the cluster.
            on_news: called when there may be another content. May be called from any thread.
        """
        self.on_news = on_news
        self._table, self._server = table, server
        self._sheet = Sheet(table)
        self._clock, self._sources = clock, sources
        self._steps: deque[Sight] = deque(maxlen=QUEUE)
        self._lock = threading.Lock()  # over what follows
        self._journal = Journal()
        self._sight: Sight | None = None
        self._epoch: datetime | None = None
        self._content: Content | None = None
        self._news = 0
        self._made = -1

    @cached_property
    def _standing(self) -> Any:
        return encode.plain(view.machine(self._table, "", Journal()))

    def on_step(self, step: Step) -> None:
        """Follow the machine. Never blocks, and never fails."""
        try:
            self._steps.append(Sight.of(step))
        except Exception:
            log.exception("a step cannot be shown")
            return
        self.changed()

    def changed(self) -> None:
        """Something was reported. May be called from any thread."""
        self._news += 1
        self.on_news()

    def content(self) -> Content:
        """The content of now."""
        with self._lock:
            news = self._news
            if self._content is None or news != self._made:
                self._content, self._made = self._make(), news
            return self._content

    def _make(self) -> Content:
        return Content(self._gather(), self._table, self._sheet, self._standing)

    def look(self) -> Content:
        """The content of now, for a reader who may be the first one."""
        self._sources.look()
        return self.content()

    def settle(self) -> None:
        """Note what happened while nobody looked: the steps, or what the status shows of them."""
        if self._sources.leads():
            with self._lock:
                self._work_off()
        else:
            self.content()

    def _work_off(self) -> None:
        while self._steps:
            self._sight = self._steps.popleft()
            self._journal = self._journal.after(self._sight)

    def _gather(self) -> Facts:
        """What is known now."""
        self._work_off()
        now, tick = self._clock.now(), timedelta(seconds=self._clock.monotonic())
        self._epoch = _epoch(self._epoch, now - tick)
        sources = self._sources
        found, leads = sources.instance(), sources.leads()
        facts = Facts(
            server=self._server,
            epoch=self._epoch,
            leads=leads,
            instance=found,
            report=sources.report(),
            events=sources.events(),
            health=sources.health(found, now) if found else {},
            sight=self._sight if leads else None,
            unknown=sources.unknown(),
            journal=self._journal,
        )
        if leads:
            return facts
        came = Instance(found).status.last_transition if found else None
        self._journal = glance(
            self._journal,
            self._table,
            uid=manifest.text(found or {}, "metadata", "uid"),
            state=view.instance(facts, self._table).state,
            at=now,
            tick=tick,
            came=(came.from_, came.event) if came else ("", ""),
        )
        return facts.following(self._journal)


def _epoch(before: datetime | None, found: datetime) -> datetime:
    """The moment at which the clock that never jumps began, the same as long as no clock is set.

    Both clocks are read one after the other, so each reading gives another moment.
    """
    if before is None or abs(found - before) > JUMP:
        return found
    return before
