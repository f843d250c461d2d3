# SPDX-License-Identifier: Apache-2.0
"""A time limit that holds, whatever the other side does.

Socket time-outs bound the wait for the next byte, not for the whole answer: a server that sends
one byte now and then, or a name server that never answers, holds a caller forever. So the work
is done in a thread of its own, the caller waits for it no longer than the limit, and when the
limit is reached the thread's connections are shut, which ends it as well.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import timedelta
from typing import Final, TypeVar

Result = TypeVar("Result")

MAX_RUNNING: Final = 8
"""Threads at a time, with those that were given up and have not ended yet (for example because
they wait for a name server); beyond that work is refused, so that they cannot pile up."""

_running = threading.BoundedSemaphore(MAX_RUNNING)


class DeadlineExceededError(Exception):
    """The time is over. The message says what was being done."""


class Deadline:
    """The time that one piece of work has, and the connections that it opened.

    Args:
        limit: how long the work may take.
        clock: seconds that only go forward, such as `time.monotonic`.
    """

    def __init__(self, limit: timedelta, clock: Callable[[], float]) -> None:
        self.limit = limit
        self.doing = "starting"
        self._clock = clock
        self._end = clock() + limit.total_seconds()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def remaining(self) -> float:
        """Seconds that are left; never negative."""
        return 0.0 if self._over.is_set() else max(0.0, self._end - self._clock())

    def check(self) -> float:
        """Seconds that are left, or the end.

        Returns:
            A positive number of seconds.

        Raises:
            DeadlineExceededError: none are left.
        """
        remaining = self.remaining()
        if remaining <= 0:
            raise DeadlineExceededError(self.doing)
        return remaining

    def pause(self, seconds: float) -> None:
        """Wait, but not past the end.

        Args:
            seconds: how long.

        Raises:
            DeadlineExceededError: the end came first.
        """
        self._over.wait(min(seconds, self.check()))
        self.check()

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection when the time is over."""
        with self._lock:
            self._sockets.append(connection)
        if self._over.is_set():
            self.cut()

    def cut(self) -> None:
        """Declare the time over and shut every connection."""
        self._over.set()
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for connection in sockets:
            # Shutting, unlike closing, wakes a thread that is reading from it.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def run_within(deadline: Deadline, work: Callable[[], Result]) -> Result:
    """Do the work in a thread and give up on it when its time is over.

    Args:
        deadline: the work's time; the work checks it too, so that it normally ends by itself.
        work: what to do.

    Returns:
        What the work returned.

    Raises:
        DeadlineExceededError: the time is over; connections are shut and the thread is left to end.
        Exception: whatever the work raised.
    """
    if not _running.acquire(blocking=False):
        raise DeadlineExceededError(f"waiting for {MAX_RUNNING} earlier requests to end")
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (handed to the waiting caller)
            future.set_exception(error)
        finally:
            _running.release()

    threading.Thread(target=run, name="registry", daemon=True).start()
    try:
        return future.result(timeout=deadline.remaining())
    except FutureTimeoutError:
        if future.done():  # then it is the work's own time-out
            raise
        doing = deadline.doing
        deadline.cut()
        raise DeadlineExceededError(doing) from None
