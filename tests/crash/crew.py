# SPDX-License-Identifier: Apache-2.0
"""Workers that live shares of the lives at the same time, each on a control plane of its own."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from typing import TypeAlias

from tests.controlplane.binary import ControlPlaneError
from tests.crash import campaign
from tests.crash.campaign import Share
from tests.crash.scenarios import lives
from tests.crash.stage import PhaseError, Verdict

Told: TypeAlias = Verdict | str | None
"""A verdict, why a worker gives up, or that it is done."""

_POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be tried.

    Attributes:
        lives: names of the lives.
        modes: some of MODES.
        every: take only every so manieth life.
    """

    lives: Sequence[str]
    modes: Sequence[str]
    every: int = 1


def work(order: Order, workers: int) -> Iterator[Verdict | str]:
    """Let workers do it; yields verdicts as they come, and why a worker gave up."""
    spawn = multiprocessing.get_context("spawn")
    told: Queue[Told] = spawn.Queue()
    crew = [
        spawn.Process(target=_toil, args=(order, number, workers, told))
        for number in range(workers)
    ]
    for worker in crew:
        worker.start()
    done = 0
    while done < workers:
        try:
            item = told.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            if not any(worker.is_alive() for worker in crew):
                yield "the workers ended before their time"
                return
            continue
        if item is None:
            done += 1
        else:
            yield item
    for worker in crew:
        worker.join()


def _toil(order: Order, worker: int, workers: int, told: Queue[Told]) -> None:
    """Live every so manieth life; the worker that begins is another one in each scenario."""
    try:
        for place, life in enumerate(lives()):
            if life.name in order.lives:
                share = Share(number=(worker + place) % workers, count=workers)
                campaign.run(life, order.modes, told.put, share=share, every=order.every)
    except (ControlPlaneError, PhaseError, AssertionError, OSError) as error:
        told.put(f"worker {worker}: {error}")
    finally:
        told.put(None)
