# SPDX-License-Identifier: Apache-2.0
"""Workers that try faults at the same time, each on a control plane of its own."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from typing import TypeAlias

from tests.controlplane.binary import ControlPlaneError
from tools.crash import campaign
from tools.crash.campaign import Share
from tools.crash.environment import PhaseError, Verdict
from tools.crash.lifecycles import lifecycles

Message: TypeAlias = Verdict | str | None
"""A verdict, why a worker gives up, or that it is done."""

_POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which faults are tried.

    Attributes:
        lifecycles: names of the lifecycles.
        modes: some of MODES.
        part: which part of the faults, from 1 on.
        parts: how many parts there are; together they have every fault once.
    """

    lifecycles: Sequence[str]
    modes: Sequence[str]
    part: int = 1
    parts: int = 1

    def share(self, place: int, worker: int, workers: int) -> Share:
        """Return what a worker runs of the lifecycle at a place.

        Where the shares begin moves on by one from lifecycle to lifecycle: some have a single run,
        which would always be the same worker's, and the same part's.
        """
        count = self.parts * workers
        return Share(number=((self.part - 1) * workers + worker + place) % count, count=count)


def run(selection: Selection, workers: int) -> Iterator[Verdict | str]:
    """Let workers try the faults; yields verdicts as they come, and why a worker gave up."""
    spawn = multiprocessing.get_context("spawn")
    messages: Queue[Message] = spawn.Queue()
    started = [
        spawn.Process(target=_work, args=(selection, number, workers, messages))
        for number in range(workers)
    ]
    for worker in started:
        worker.start()
    done = 0
    while done < workers:
        try:
            item = messages.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            if not any(worker.is_alive() for worker in started):
                yield "the workers ended too early; their error output says why"
                return
            continue
        if item is None:
            done += 1
        else:
            yield item
    for worker in started:
        worker.join()


def _work(selection: Selection, worker: int, workers: int, messages: Queue[Message]) -> None:
    """Run the shares of one worker, lifecycle by lifecycle."""
    try:
        for place, lifecycle in enumerate(lifecycles()):
            if lifecycle.name in selection.lifecycles:
                share = selection.share(place, worker, workers)
                campaign.run(lifecycle, selection.modes, messages.put, share=share)
    except (ControlPlaneError, PhaseError, AssertionError, OSError) as error:
        messages.put(f"worker {worker}: {error}")
    finally:
        messages.put(None)
