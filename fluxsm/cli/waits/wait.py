# SPDX-License-Identifier: Apache-2.0
"""Wait for an object until it is as wanted, with progress, a limit and Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from fluxsm.api import duration, names
from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.cli import talk
from fluxsm.cli.follow import Followed
from fluxsm.cli.waits import progress, row
from fluxsm.cli.waits.feed import Change, Feed
from fluxsm.cli.waits.readiness import Judge
from fluxsm.errors import FluxsmError, HealthError

if TYPE_CHECKING:
    from fluxsm.core.ports import Cluster

TICK_SECONDS: Final = 1.0
"""How often a table is drawn when nothing changes: its clock goes on."""

_DEPLOYMENT: Final = Kind("apps", "v1", "Deployment")
_PART_OF_FLUX: Final = f"{names.PART_OF_LABEL}=flux"


def wait(
    cluster: Cluster,
    ref: ObjectRef,
    judge: Judge,
    *,
    title: str,
    limit: timedelta,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait until an object is as wanted, and say so.

    With an instance, the Deployments of its Flux are shown too. An interrupt says that what was
    asked for goes on.

    Args:
        cluster: the API server.
        ref: the object.
        judge: decides.
        title: what is waited for, for the line before.
        limit: how long.
        clock: seconds that never jump.

    Raises:
        HealthError: the object has failed, or time is up.
        FluxsmError: it is suspended or gone, or cannot be watched.
    """
    talk.waiting(f"{title}...")
    click.get_current_context().find_root().meta["interrupted"] = (
        f"; what {ref} was asked for goes on in the cluster"
    )
    feed = Feed(cluster, ref, _others(ref))
    talk.done(_Wait(ref, judge, limit, clock).run(feed))


def _others(ref: ObjectRef) -> Sequence[Followed]:
    """What explains why an object is not ready yet."""
    if ref.kind.kind != names.INSTANCE_KIND:
        return ()
    return (Followed(kind=_DEPLOYMENT, namespace=ref.namespace, labels=_PART_OF_FLUX),)


class _Wait:
    """One wait: the objects as they are, and when it began."""

    def __init__(
        self, ref: ObjectRef, judge: Judge, limit: timedelta, clock: Callable[[], float]
    ) -> None:
        self._ref, self._judge, self._limit, self._clock = ref, judge, limit, clock
        self._began = clock()
        self._rows: dict[str, row.Row] = {}
        self._view = progress.start()

    def run(self, feed: Feed) -> str:
        """Wait, and return how it ended."""
        try:
            while True:
                left = self._limit.total_seconds() - self._elapsed()
                if left <= 0:
                    raise HealthError(self._timed_out())
                for item in feed.take(min(left, TICK_SECONDS)):
                    if not isinstance(item, Change):
                        self._view.note(item.text)
                    elif (ended := self._take(item)) is not None:
                        return ended
                self._show()
        finally:
            self._view.end()

    def _take(self, change: Change) -> str | None:
        """Note a change; what the wait ended with, None while it goes on."""
        if change.ref != self._ref:
            self._note_other(change)
            return None
        self._rows[str(self._ref)] = row.of_main(self._ref, change.obj)
        try:
            ended = self._judge(change.obj)
        except FluxsmError:
            self._show()
            raise
        if ended is not None:
            self._finish()
        return ended

    def _note_other(self, change: Change) -> None:
        name = str(change.ref)
        if change.obj is None:
            self._rows.pop(name, None)
        else:
            self._rows[name] = row.of_other(change.obj, datetime.now(UTC))

    def _finish(self) -> None:
        """Take the object out of what is shown: the line that follows says how it ended."""
        self._rows.pop(str(self._ref), None)
        self._show()

    def _show(self) -> None:
        seconds = self._elapsed()
        self._view.show(self._ordered(), _of(seconds, self._limit), seconds)

    def _ordered(self) -> dict[str, row.Row]:
        """The object that is waited for first, the others by name."""
        by_name = sorted(self._rows.items(), key=lambda item: (not item[1].main, item[0]))
        return dict(by_name)

    def _elapsed(self) -> float:
        return self._clock() - self._began

    def _timed_out(self) -> str:
        ref = self._ref
        found = self._rows.get(str(ref))
        last = f": {found.status}, {found.message}" if found else ""
        why = "fluxsm explain says why" if ref.kind.kind == names.INSTANCE_KIND else ""
        step = f"{why}{', ' if why else ''}--timeout allows more"
        where = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
        limit = duration.format(self._limit)
        return f"timed out waiting for {where} after {limit}{last}; {step}"


def _of(seconds: float, limit: timedelta) -> str:
    from fluxsm.cli.ages import format_age

    return f"{format_age(timedelta(seconds=seconds))} of {duration.format(limit)}"
