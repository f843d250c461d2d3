# SPDX-License-Identifier: Apache-2.0
"""Server-sent events for many readers from one thread that never waits for any of them.

What is sent is the page section by section: all of them at the beginning, then those that changed.
A reader who does not keep up has at most one message on its way; what changed meanwhile is made
good by all sections at once. One that takes nothing for a while is left.
"""

from __future__ import annotations

import json
import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

log = logging.getLogger("fluxsm.web")

SPACING: Final = 0.1
"""Seconds between two messages at least: nobody sees what changes faster."""

BEAT: Final = 15.0
"""A comment so often keeps proxies from closing the stream, and finds readers that are gone."""

STUCK: Final = 20.0
"""A reader that takes nothing for so many seconds is left."""

TURN: Final = 1.0
"""The thread looks after its readers at least this often."""

RETRY_MILLISECONDS: Final = 500
"""After that a browser opens a stream again that has ended."""

OPENING: Final = f"retry: {RETRY_MILLISECONDS}\n\n".encode()

Sections = Mapping[str, str]
"""The HTML of each section of the page, by its name."""


@dataclass(slots=True, eq=False)
class Stream:
    """One reader.

    Attributes:
        connection: to the reader, which never blocks.
        until: when the stream ends, so that the reader is judged again.
        rest: what of the last message is not sent yet.
        moved: when something was last taken.
        lags: whether a message was left out.
    """

    connection: socket.socket
    until: float
    rest: memoryview
    moved: float
    lags: bool = False


class Streams:
    """All open streams, in a thread of their own."""

    def __init__(
        self,
        sections: Callable[[], Sections],
        *,
        most: int,
        span: float = 600.0,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; the thread begins with `start`.

        Args:
            sections: makes the page of now.
            most: streams that are open at the same time.
            span: seconds after which a stream ends; the reader opens another one then.
            on_turn: called now and then from the thread.
        """
        self._sections, self._most, self._span, self._on_turn = sections, most, span, on_turn
        self._selector = selectors.DefaultSelector()
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._new: list[socket.socket] = []  # under the lock
        self._streams: list[Stream] = []  # of the thread alone, as is what follows
        self._news = False
        self._sent: dict[str, str] = {}
        self._sent_at = 0.0
        self._beat_at = 0.0
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="web-streams", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Close all streams and end the thread."""
        self._ended = True
        self._wake()
        if self._thread.ident is not None:
            self._thread.join(timeout=2)

    @property
    def count(self) -> int:
        """How many streams are open."""
        return len(self._streams) + len(self._new)

    @property
    def is_full(self) -> bool:
        """Whether there is no place for another one."""
        return self.count >= self._most

    def notify(self) -> None:
        """There may be something new. May be called from any thread; never blocks."""
        self._news = True
        self._wake()

    def adopt(self, connection: socket.socket) -> bool:
        """Take a connection over on which the head of the answer was sent; False when full."""
        with self._lock:
            if self.is_full or self._ended:
                return False
            connection.setblocking(False)
            self._new.append(connection)
        self._wake()
        return True

    def _wake(self) -> None:
        with suppress(OSError):  # a full buffer wakes as well; a closed one needs it no more
            self._mouth.send(b"!")

    def _run(self) -> None:
        while not self._ended:
            try:
                self._turn()
            except Exception:
                log.exception("the streams failed in an unexpected way; going on")
                time.sleep(TURN)
        with self._lock:
            new, self._new = self._new, []
        for connection in [*new, *(stream.connection for stream in self._streams)]:
            _close(connection)
        self._selector.close()
        self._ear.close()
        self._mouth.close()

    def _turn(self) -> None:
        """Wait for news or readers, and serve them."""
        now = time.monotonic()
        wait = max(0.0, self._sent_at + SPACING - now) if self._news else TURN
        for key, mask in self._selector.select(wait):
            stream: Stream | None = key.data
            if stream is None:
                _drain(self._ear)
            elif mask & selectors.EVENT_READ and _has_gone(stream.connection):
                self._drop(stream)
            else:
                self._push(stream)
        self._greet()
        now = time.monotonic()
        if self._news and now >= self._sent_at + SPACING:
            self._publish(now)
        self._look_after(now)

    def _greet(self) -> None:
        """The whole page for those who are new."""
        with self._lock:
            new, self._new = self._new, []
            now = time.monotonic()
            streams = [
                Stream(connection=item, until=now + self._span, rest=memoryview(b""), moved=now)
                for item in new
            ]
            self._streams += streams
        if not streams:
            return
        whole = OPENING + self._whole()
        for stream in streams:
            self._selector.register(stream.connection, selectors.EVENT_READ, stream)
            self._send(stream, whole)

    def _whole(self) -> bytes:
        """All sections; those who are here already have had them or get them next."""
        if not self._sent:
            self._sent = dict(self._sections())
        return message("page", self._sent)

    def _publish(self, now: float) -> None:
        """What has changed, for everybody."""
        self._news, self._sent_at = False, now
        if not self._streams:
            self._sent = {}
            return
        sections = dict(self._sections())
        changed = {name: text for name, text in sections.items() if self._sent.get(name) != text}
        self._sent = sections
        if changed:
            body = message("page", changed)
            for stream in list(self._streams):
                self._send(stream, body)

    def _look_after(self, now: float) -> None:
        """Leave who is stuck, end what is old, say something now and then."""
        for stream in list(self._streams):
            if now >= stream.until or (stream.rest and now - stream.moved > STUCK):
                self._drop(stream)
        if now - self._beat_at >= BEAT:
            self._beat_at = now
            for stream in list(self._streams):
                if not stream.rest:
                    self._send(stream, b":\n\n")
        self._on_turn()

    def _send(self, stream: Stream, body: bytes) -> None:
        if stream.rest:
            stream.lags = True
            return
        stream.rest = memoryview(body)
        self._push(stream)

    def _push(self, stream: Stream) -> None:
        """Send what goes without waiting."""
        try:
            while stream.rest:
                sent = stream.connection.send(stream.rest)
                stream.rest, stream.moved = stream.rest[sent:], time.monotonic()
                if not stream.rest and stream.lags:
                    stream.lags = False
                    stream.rest = memoryview(self._whole())
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError:
            self._drop(stream)
            return
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if stream.rest else 0)
        self._selector.modify(stream.connection, mask, stream)

    def _drop(self, stream: Stream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)
            self._selector.unregister(stream.connection)
            _close(stream.connection)


def message(event: str, content: Any) -> bytes:
    """A server-sent event; JSON has no line breaks, which would end it."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event}\ndata: {body}\n\n".encode()


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.close()


def _drain(ear: socket.socket) -> None:
    with suppress(BlockingIOError):
        while ear.recv(4096):
            pass


def _has_gone(connection: socket.socket) -> bool:
    """Whether a reader has closed its side; one that says something is not listened to."""
    try:
        return not connection.recv(4096)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return False
    except OSError:
        return True
